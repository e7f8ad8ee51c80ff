"""Image files larger than memory: unpacked once into the cache, then mapped, and read in blocks."""

import errno
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from filelock import FileLock

from teachkit import paths
from teachkit.errors import DataError, FormatError

BLOCK_BYTES = 64 * 2**20
_SPARE_BYTES = 256 * 2**20  # left free on the disk after unpacking


def unpacked_path(identity: str, key: str) -> Path:
    """Where the array `key` of the file known as `identity` lies once it is unpacked."""
    return paths.cache_dir() / "unpacked" / identity / f"{key}.npy"


def open_images(path: Path, key: str, identity: str) -> np.ndarray:
    """The array `key` of the npz file `path`, mapped read-only from its unpacked copy; made on first use.

    Mapped pages belong to the file: the system drops them when memory is short.

    Arguments:
        identity: a name that changes when the file changes, such as "pathmnist_224-SIZE-MTIME".

    Raises:
        DataError: not enough space in the cache, before or while unpacking.
        FormatError: the file is cut short, or its bytes do not agree with their checksum.
    """
    target = unpacked_path(identity, key)
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not target.is_file():  # another process may have been first
                _unpack(path, key, target)
    return np.load(target, mmap_mode="r", allow_pickle=False)


def blocks(images: np.ndarray, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[slice, np.ndarray]]:
    """`images` from the first to the last, at most `block_bytes` at a time: (rows, pixels)."""
    per_row = max(1, images.nbytes // max(1, len(images)))
    step = max(1, block_bytes // per_row)
    for start in range(0, len(images), step):
        rows = slice(start, min(start + step, len(images)))
        yield rows, images[rows]


def _unpack(path: Path, key: str, target: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            needed = archive.getinfo(f"{key}.npy").file_size
            _check_space(needed, target)
            with (
                paths.atomic(target) as temporary,
                archive.open(f"{key}.npy") as member,
                temporary.open("wb") as out,
            ):
                shutil.copyfileobj(member, out, length=2**24)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _no_space(needed, shutil.disk_usage(target.parent).free, target) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise FormatError(
            f"{path}: the array '{key}' cannot be unpacked ({error}).",
            "The file is damaged: remove it and fetch or copy it again.",
            path=str(path),
            key=key,
        ) from error


def _check_space(needed: int, target: Path) -> None:
    free = shutil.disk_usage(target.parent).free
    if free < needed + _SPARE_BYTES:
        raise _no_space(needed, free, target)


def _no_space(needed: int, free: int, target: Path) -> DataError:
    return DataError(
        f"Unpacking needs {needed / 2**30:.2f} GiB in {target.parent}, but {free / 2**30:.2f} GiB are free.",
        "Free some space, set TEACHKIT_CACHE to a larger disk, or load a smaller size.",
        needed=needed,
        free=free,
        path=str(target),
    )
