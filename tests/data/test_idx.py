"""MNIST's test digits from idx files."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from teachkit.data.idx import read_idx, read_mnist
from teachkit.data.loading import load
from teachkit.errors import FormatError


def idx(values: np.ndarray, kind: int = 8) -> bytes:
    """The format as its documentation tells it: magic, lengths (big-endian), data."""
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, kind, values.ndim, *values.shape) + values.tobytes()


def test_an_idx_file_reads_as_it_was_written(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(values)))
    assert (read_idx(tmp_path / "a.gz") == values).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plain", "not readable as gzip"),
        (gzip.compress(idx(np.zeros(400, np.uint8)))[:-12], "not readable as gzip"),
        (gzip.compress(b""), "starts with nothing"),
        (gzip.compress(b"PNG picture"), "starts with 504e4720"),
        (gzip.compress(idx(np.zeros(4, np.uint8), kind=13)), "starts with 00000d01"),
        (gzip.compress(idx(np.zeros(4, np.uint8))[:-1]), r"declares the shape \[4\] but holds 3 values"),
        (gzip.compress(b"\0\0\x08\x03\0\0"), "header"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",  # gzip notes the time of packing
)
def test_a_damaged_idx_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(FormatError, match=rf"a\.gz.*{message}.*Copy the file again"):
        read_idx(tmp_path / "a.gz")


def test_other_counts_than_ten_thousand_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(np.zeros((5, 28, 28), np.uint8))))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.zeros(5, np.uint8))))
    with pytest.raises(FormatError, match=r"\[5, 28, 28\].*Expected are the MNIST test files"):
        read_mnist(tmp_path)


@pytest.mark.real_data
def test_the_test_digits_are_split_once_and_completely(
    real_data: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    parts = [load("mnist_t10k", split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [7000, 1000, 2000]
    raw = read_idx(real_data / "mnist" / "t10k-images-idx3-ubyte.gz")
    assert sorted(i.tobytes() for part in parts for i in part.images) == sorted(i.tobytes() for i in raw)
    # The first digits of the official test file are 7, 2, 1, 0, 4.
    labels = read_idx(real_data / "mnist" / "t10k-labels-idx1-ubyte.gz")
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
    label_of = {image.tobytes(): label for image, label in zip(raw, labels, strict=True)}
    found = [(i.tobytes(), y) for part in parts for i, y in zip(part.images, part.labels[:, 0], strict=True)]
    assert all(label_of[image] == label for image, label in found)
