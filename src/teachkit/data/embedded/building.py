"""From recipe to splits: built once, kept in the cache, the same bytes on every machine."""

import hashlib
import json
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from teachkit import paths
from teachkit.data import registry
from teachkit.data.embedded import fundus, ihc, tables
from teachkit.data.embedded.pictures import DIGITS, FUNDUS, SLIDE, WISCONSIN, Origin
from teachkit.data.parts import Part
from teachkit.data.splits import SPLITS, Split
from teachkit.errors import TeachkitWarning, UnknownNameError, nearest

Recipe = Callable[[int], dict[str, Part]]

RECIPES: dict[str, tuple[Recipe, Origin]] = {
    "ihc_patches": (ihc.ihc_patches, SLIDE),
    "ihc_tissue": (ihc.ihc_tissue, SLIDE),
    "ihc_contents": (ihc.ihc_contents, SLIDE),
    "ihc_nuclei": (ihc.ihc_nuclei, SLIDE),
    "ihc_masks": (ihc.ihc_masks, SLIDE),
    "fundus_vessels": (fundus.fundus_vessels, FUNDUS),
    "fundus_grades": (fundus.fundus_grades, FUNDUS),
    "digits": (tables.digits, DIGITS),
    "wisconsin": (tables.wisconsin, WISCONSIN),
}

_FIELDS = ("images", "labels", "masks", "groups")


def names() -> tuple[str, ...]:
    """The sets that answer under every setting."""
    return tuple(RECIPES)


def build(name: str, size: int = registry.DEFAULT_SIZE) -> dict[str, Split]:
    """The three splits of an embedded set, from the cache when they were built before.

    Raises:
        UnknownNameError: when no embedded set has that name.
        SettingsError: when it does not come in that size.
        ChecksumError: when the dependency that ships its picture changed it.
    """
    if name not in RECIPES:
        raise UnknownNameError(
            f"No embedded set is called '{name}'.", nearest(name, RECIPES, "embedded sets"), name=name
        )
    entry = registry.entry(name)
    entry.check_size(size)
    recipe, origin = RECIPES[name]
    info = entry.info("embedded")
    edge = size if entry.sizes else None
    return {
        split: part.as_split(info, split, edge) for split, part in _cached(name, size, recipe, origin).items()
    }


def _cached(name: str, size: int, recipe: Recipe, origin: Origin) -> dict[str, Part]:
    """The arrays from the cache; built and written there first when they are missing or damaged."""
    origin.verified()
    file = paths.cache_dir() / "embedded" / f"{name}_{size}-{_fingerprint()}.npz"
    if file.is_file():
        try:
            return _read(file)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            warnings.warn(f"{file} is damaged ({error}); it is built again.", TeachkitWarning, stacklevel=4)
    built = recipe(size)
    try:
        with paths.atomic(file) as temporary:
            _write(temporary, built)
    except OSError as error:
        warnings.warn(f"'{name}' could not be kept in {file.parent}: {error}", TeachkitWarning, stacklevel=4)
    return built


@cache
def _fingerprint() -> str:
    """Short digest of the recipes and of the libraries they compute with: a change makes new files."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    libraries = ("numpy", "scipy", "pillow", "scikit-image")
    digest.update(json.dumps({library: _version(library) for library in libraries}).encode())
    return digest.hexdigest()[:12]


def _version(library: str) -> str:
    try:
        return version(library)
    except ModuleNotFoundError:  # PackageNotFoundError: the table sets do without scikit-image
        return ""


def _write(file: Path, built: dict[str, Part]) -> None:
    arrays = {}
    for split, part in built.items():
        for field in _FIELDS:
            if (value := getattr(part, field)) is not None:
                arrays[f"{split}_{field}"] = value
        if part.table is not None:
            arrays.update({f"{split}_table/{name}": column.to_numpy() for name, column in part.table.items()})
    with file.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def _read(file: Path) -> dict[str, Part]:
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    cut = {}
    for split in SPLITS:
        fields = {field: arrays.get(f"{split}_{field}") for field in _FIELDS}
        prefix = f"{split}_table/"
        columns = {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}
        table = pd.DataFrame(columns) if columns else None
        labels = arrays[f"{split}_labels"]
        cut[split] = Part(fields["images"], labels, fields["masks"], table, fields["groups"])
    return cut
