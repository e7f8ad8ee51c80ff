"""The 10,000 MNIST test digits from their original idx files."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from teachkit.data.parts import Part
from teachkit.data.splits import SPLITS
from teachkit.errors import FormatError

_COUNTS = (7000, 1000, 2000)
_SEED = 0
_UINT8 = 0x08  # the only element type that MNIST uses


def read_idx(path: Path) -> np.ndarray:
    """uint8 array of a gzipped idx file: two zero bytes, element type, number of axes, their lengths, the
    data.

    Raises:
        FormatError: not gzip, no idx file, another element type than uint8, or fewer bytes than it declares.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _broken(path, f"is not readable as gzip ({error})") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UINT8:
        raise _broken(path, f"starts with {content[:4].hex() or 'nothing'}, not as an idx file of bytes")
    axes = content[3]
    if len(content) < 4 + 4 * axes:
        raise _broken(path, f"ends inside its header of {4 + 4 * axes} bytes")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", count=axes, offset=4))
    data = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    if data.size != np.prod(shape, dtype=np.int64):
        raise _broken(path, f"declares the shape {list(shape)} but holds {data.size:,} values")
    return data.reshape(shape)


def read_mnist(folder: Path) -> dict[str, Part]:
    """The test digits in `folder`, split 7000/1000/2000 at random under a fixed seed; rows keep the file's
    order.

    Writers are not known, so one writer may be in several splits.

    Raises:
        FormatError: a damaged file, or another number of pictures or labels than 10,000.
    """
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz")
    labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz")
    total = sum(_COUNTS)
    if images.shape != (total, 28, 28) or labels.shape != (total,):
        raise FormatError(
            f"{folder} holds images {list(images.shape)} and labels {list(labels.shape)}.",
            f"Expected are the MNIST test files: [{total}, 28, 28] and [{total}].",
            path=str(folder),
        )
    order = np.random.default_rng(_SEED).permutation(total)
    chosen = np.split(order, np.cumsum(_COUNTS)[:-1])
    rows = {split: np.sort(index) for split, index in zip(SPLITS, chosen, strict=True)}
    return {
        split: Part(images[index], labels[index].astype(np.int64)[:, None]) for split, index in rows.items()
    }


def _broken(path: Path, how: str) -> FormatError:
    return FormatError(f"{path} {how}.", "Copy the file again from its source.", path=str(path))
