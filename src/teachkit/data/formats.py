"""MedMNIST-style npz files: ``{split}_images`` and ``_labels``, perhaps ``_masks`` and ``_groups``.

The only reader of such files. Nothing is ever unpickled, and nothing passes that is not what it should be.
"""

import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from teachkit.data.arrays import open_images
from teachkit.data.checks import check_images, check_masks, checked_labels, numbers
from teachkit.data.registry import Entry, Item
from teachkit.data.splits import SPLITS, Split
from teachkit.errors import FormatError, TeachkitError

BIG_BYTES = 256 * 2**20  # unpacked images from this size on are memory-mapped instead of read

_PARTS = ("images", "labels", "masks")
_SIDECAR = {field.name for field in fields(Entry)} - {"name", "reader", "items", "sizes"}


def read_npz(path: Path, entry: Entry, split: str, origin: str) -> Split:
    """One split of an npz file, checked against what `entry` says of it.

    Raises:
        FormatError: no npz file, missing keys, object arrays, images that are not uint8 pictures, labels out
            of range, or counts that differ; the message names the file and the key.
    """
    with _opened(path) as archive:
        keys = _keys(archive)
        images_key, labels_key = f"{split}_images", f"{split}_labels"
        needed = [images_key] + ([] if entry.task == "segmentation" else [labels_key])
        if missing := [key for key in needed if key not in keys]:
            raise FormatError(
                f"{path} lacks {' and '.join(missing)}; it holds {', '.join(sorted(keys)) or 'nothing'}.",
                "A set needs {split}_images and {split}_labels for each of its splits.",
                path=str(path),
                missing=tuple(missing),
            )
        shape, dtype = _header(archive, images_key, path)
        check_images(path, images_key, shape, dtype)
        if np.prod(shape, dtype=np.int64) >= BIG_BYTES:
            images = open_images(path, images_key, _identity(path))
        else:
            images = _array(archive, images_key, path)
        if images.ndim == 4 and images.shape[-1] == 1:
            images = images[..., 0]
        masks = _array(archive, f"{split}_masks", path) if f"{split}_masks" in keys else None
        groups = _array(archive, f"{split}_groups", path) if f"{split}_groups" in keys else None
        labels = _array(archive, labels_key, path) if labels_key in keys else np.zeros((len(images), 0), int)
    for key, values in ((labels_key, labels), (f"{split}_masks", masks), (f"{split}_groups", groups)):
        if values is not None and len(values) != len(images):
            raise FormatError(
                f"{path} has {len(images):,} {images_key} but {len(values):,} {key}.",
                "Give every image one of each, in the same order.",
                path=str(path),
                key=key,
            )
    labels = checked_labels(path, labels_key, labels, entry)
    if masks is not None:
        check_masks(path, f"{split}_masks", masks, images, entry)
    height, width = images.shape[1:3]
    size = height if height == width else None
    return Split(images, labels, entry.info(origin), split, size, masks=masks, groups=groups)


def describe_npz(name: str, files: Sequence[Path]) -> Entry | None:
    """What ``NAME.npz`` and ``NAME_SIZE.npz`` among `files` hold; None when there is no such file.

    The task follows from the arrays: masks mean segmentation, fractions regression, several columns
    multi-label, else classes. A file ``NAME.json`` beside them may say it better, with any field of `Entry`.

    Raises:
        FormatError: when a file or its description cannot be read.
    """
    pattern = re.compile(re.escape(name) + r"(_\d+)?\.npz")
    found: dict[str, Path] = {}
    for file in files:
        if pattern.fullmatch(file.name):
            found.setdefault(file.name, file)
    if not found:
        return None
    items: dict[int | None, Item] = {}
    for file in found.values():
        with _opened(file) as archive:
            shapes = [_header(archive, key, file)[0] for key in _keys(archive) if key.endswith("_images")]
        edge = shapes[0][1] if shapes and len(shapes[0]) > 2 else None
        items[edge] = Item(file.name)
    first = next(iter(found.values()))
    told = {**_inferred(first, name), **_told(first.with_name(f"{name}.json"))}
    told["classes"] = tuple(told["classes"])
    return Entry(name=name, reader="npz", sizes=tuple(size for size in items if size), items=items, **told)


def _inferred(path: Path, name: str) -> dict[str, Any]:
    """Task, classes and counts read off the arrays."""
    with _opened(path) as archive:
        keys = _keys(archive)
        held = {part: [key for split in SPLITS if (key := f"{split}_{part}") in keys] for part in _PARTS}
        labels = [numbers(path, key, _array(archive, key, path)) for key in held["labels"]]
        masks = [_array(archive, key, path) for key in held["masks"]]
        counts = {key.removesuffix("_images"): _header(archive, key, path)[0][0] for key in held["images"]}
    if masks:
        task, highest = "segmentation", _highest(masks)
    elif not labels:
        raise FormatError(
            f"{path} holds no labels.",
            "A set needs {split}_images and {split}_labels for each split.",
            path=str(path),
        )
    elif any(part.dtype.kind == "f" and not np.array_equal(part, np.round(part)) for part in labels):
        task, highest = "regression", -1
    elif labels[0].shape[1] > 1:
        task, highest = "multi-label", labels[0].shape[1] - 1
    else:
        highest = _highest(labels)
        task = "binary" if highest <= 1 else "multi-class"
    return {
        "title": name,
        "task": task,
        "classes": [str(k) for k in range(max(highest, 1) + 1)] if task != "regression" else [],
        "licence": "not stated",
        "commercial": False,
        "citation": "",
        "counts": counts,
    }


def _highest(arrays: list[np.ndarray]) -> int:
    return max((int(part.max(initial=0)) for part in arrays if part.dtype.kind in "iubf"), default=0)


def _told(path: Path) -> dict[str, Any]:
    """The description beside an npz file, or nothing."""
    if not path.exists():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FormatError(
            f"{path} is not valid JSON: {error}.", "Correct or remove it.", path=str(path)
        ) from error
    if not isinstance(told, dict) or (unknown := sorted(set(told) - _SIDECAR)):
        what = f"unknown fields {', '.join(unknown)}" if isinstance(told, dict) else "no object"
        raise FormatError(
            f"{path} describes its set with {what}.",
            f"Use some of: {', '.join(sorted(_SIDECAR))}.",
            path=str(path),
        )
    return told


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever a damaged one raises becomes one sentence."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except TeachkitError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise FormatError(
            f"{path} is not a readable npz file ({error}).",
            "Copy it again, or write it anew with numpy.savez_compressed.",
            path=str(path),
        ) from error


def _keys(archive: zipfile.ZipFile) -> set[str]:
    return {name.removesuffix(".npy") for name in archive.namelist()}


def _header(archive: zipfile.ZipFile, key: str, path: Path) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype without reading the array; object arrays are refused here."""
    with archive.open(f"{key}.npy") as member:
        version = np.lib.format.read_magic(member)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(member)
    if dtype.hasobject:
        raise FormatError(
            f"{path}: {key} is an array of Python objects, which is never unpickled: that could run code.",
            "Save plain arrays of one size; data.import_folder makes a set from pictures.",
            path=str(path),
            key=key,
        )
    return shape, dtype


def _array(archive: zipfile.ZipFile, key: str, path: Path) -> np.ndarray:
    _header(archive, key, path)
    with archive.open(f"{key}.npy") as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _identity(path: Path) -> str:
    """A name for what is unpacked from `path`: another file, or the same file changed, gets another."""
    stat = path.stat()
    return f"{path.stem}-{zlib.crc32(str(path.resolve()).encode()):08x}-{stat.st_size:x}-{stat.st_mtime_ns:x}"
