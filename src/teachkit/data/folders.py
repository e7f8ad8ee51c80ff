"""Sets of one's own: use a folder of npz files by name, or make one from pictures."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from teachkit import paths
from teachkit.data import embedded, registry, sources
from teachkit.data.listing import Listing, listing_from_subfolders, listing_from_table
from teachkit.data.mask_files import is_mask_folder
from teachkit.data.mask_folders import MaskedPictures, masked_pictures
from teachkit.data.picture_files import read_pictures
from teachkit.data.splits import SPLITS
from teachkit.errors import FormatError, SettingsError

DEFAULT_SHARES = (0.7, 0.1, 0.2)


@dataclass(frozen=True)
class Imported:
    """The outcome of `import_folder`: the name to load, where its file lies, and what was noticed."""

    name: str
    folder: Path
    counts: dict[str, int]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        counts = ", ".join(f"{split} {n:,}" for split, n in self.counts.items())
        lines = [f"'{self.name}' ({counts}) is in {self.folder}.", *self.notes]
        elsewhere = f"elsewhere set TEACHKIT_DATA={self.folder} first"
        return "\n".join([*lines, f"Load it with data.load('{self.name}'); {elsewhere}."])


def register_folder(path: str | Path) -> tuple[str, ...]:
    """Make the npz files of a folder (and its direct subfolders) loadable by name, until Python ends.

    Files follow MedMNIST: ``NAME.npz`` or ``NAME_SIZE.npz`` with ``{split}_images`` and ``{split}_labels``.
    A file ``NAME.json`` beside them may state title, task and classes.

    Returns:
        The names, which now answer from this folder under every setting.

    Raises:
        SettingsError: no such folder, or a file that bears the name of an embedded set.
        FormatError: a folder without npz files.
    """
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        raise SettingsError(
            f"'{path}' is not a folder.", "Give the folder that holds the npz files.", path=str(path)
        )
    names = sources.Folders((folder,)).names()
    if not names:
        raise FormatError(
            f"{folder} and its direct subfolders hold no npz files.",
            "Put NAME.npz there, or make one from pictures with data.import_folder.",
            path=str(folder),
        )
    for name in names:
        _check_free(name)
    for name in names:
        sources.register(name, folder)
    return names


def import_folder(
    path: str | Path,
    table: str | Path | pd.DataFrame | None = None,
    *,
    name: str | None = None,
    size: int | None = None,
    file: str = "file",
    label: str | Sequence[str] = "label",
    patient: str = "patient",
    task: str | None = None,
    positive: str | None = None,
    levels: Mapping[str, int] | None = None,
    instances: bool = False,
    shares: tuple[float, float, float] = DEFAULT_SHARES,
    seed: int = 0,
    out: str | Path | None = None,
) -> Imported:
    """Make a set from PNG, JPEG, TIFF or DICOM pictures, write it as npz, and register it.

    Without a table every direct subfolder is a class. A table (csv or DataFrame) names for each picture the
    file (relative to `path`), its label, and the patient where known. All pictures of one patient go to one
    split. Without patients identical files stay together, and the set says that nothing can be claimed
    about new patients.

    A folder with ``images/`` and ``masks/`` makes a segmentation set: masks are grey pictures (PNG, TIFF or
    BMP) under the names of their images. A table then names patients alone, with files relative to images/.

    Args:
        name: what to load it by; default: the name of the folder.
        size: None keeps the pictures, which must then have one size; else edge length in pixels (middle
        square). file, label, patient: column names. Several label columns of 0 and 1 make a multi-label
        set. task: "ordinal" or "regression" where the labels alone do not say so. positive: name of the
        clinical positive class. levels: class name to grey level of the masks, such as {"background": 0,
        "nucleus": 255}; by default the levels that occur. instances: masks number single objects, 1..n in
        each picture. shares: of the patients (or pictures) in train, val and test. out: folder
        to write to; default: ``imported/NAME`` in the cache.

    Raises:
        SettingsError: a name that is taken or malformed, an unknown column, task or positive class, bad
        shares, levels without masks. FormatError: no pictures, unreadable or mixed-size ones, missing files,
        a class with too few to split, a mask that does not fit its image, or a number that stands for no
        class. MissingExtraError: DICOM pictures without the extra ``dicom``.
    """
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        raise SettingsError(
            f"'{path}' is not a folder.", "Give the folder that holds the pictures.", path=str(path)
        )
    name = _checked_name(name or re.sub(r"\W+", "_", folder.name).strip("_").lower())
    if size is not None and size < 1:
        raise SettingsError(f"Pictures of {size} pixels are impossible.", "Give a positive size.", size=size)
    masked = None
    if is_mask_folder(folder):
        masked = masked_pictures(
            folder, table, file=file, patient=patient, levels=levels, instances=instances
        )
        listing = masked.listing
    elif levels is not None or instances:
        raise SettingsError(
            f"{folder} has no subfolders images and masks.",
            "Make them, or leave out levels and instances.",
            path=str(folder),
        )
    elif table is None:
        listing = listing_from_subfolders(folder)
    else:
        listing = listing_from_table(folder, table, file, label, patient, task)
    split_of = listing.assign(shares, seed)
    target = Path(out).expanduser().resolve() if out is not None else paths.cache_dir() / "imported" / name
    images = read_pictures(listing.files, size)
    rows = {split: np.flatnonzero(split_of == split) for split in SPLITS}
    _write(target, name, listing, images, rows, positive, masked, size)
    sources.register(name, target)
    return Imported(name, target, {split: len(index) for split, index in rows.items()}, listing.notes)


def _write(
    target: Path,
    name: str,
    listing: Listing,
    images: np.ndarray,
    rows: dict[str, np.ndarray],
    positive: str | None,
    masked: MaskedPictures | None,
    size: int | None,
) -> None:
    if positive is not None and positive not in listing.classes:
        raise SettingsError(
            f"No class is called '{positive}'.", f"Classes: {', '.join(listing.classes)}.", positive=positive
        )
    told = {
        "title": name,
        "task": listing.task,
        "classes": list(listing.classes),
        "licence": "not stated",
        "commercial": False,
        "citation": "",
        "channels": 3 if images.ndim == 4 else 1,
        "counts": {split: len(index) for split, index in rows.items()},
        "rule": " ".join(listing.notes),
        "note": "split by patient" if listing.patients is not None else "split by image, patients unknown",
        **({} if positive is None else {"positive": listing.classes.index(positive)}),
    }
    masks = None if masked is None else masked.fitted(size)
    if masked is not None:
        told["instances"] = masked.instances
    arrays = {}
    for split, index in rows.items():
        arrays[f"{split}_images"] = images[index]
        if masks is None:
            arrays[f"{split}_labels"] = listing.labels[index]
        else:
            arrays[f"{split}_masks"] = masks[index]
        if listing.patients is not None:
            arrays[f"{split}_groups"] = listing.patients[index]
    with paths.atomic(target / f"{name}.npz") as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    with paths.atomic(target / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


def _checked_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z]\w*", name) or re.search(r"_\d+$", name):
        raise SettingsError(
            f"'{name}' cannot name a set.",
            "Use letters, digits and _, begin with a letter, and do not end in _ and a number.",
            name=name,
        )
    if name in registry.entries():
        raise SettingsError(
            f"'{name}' is the name of a registered set.", "Choose another with name=...", name=name
        )
    return name


def _check_free(name: str) -> None:
    if name in embedded.names():
        raise SettingsError(
            f"'{name}.npz' bears the name of an embedded set, which always answers itself.",
            "Rename the file.",
            name=name,
        )
