"""Nuclei: pictures and instance masks, paired by name, split by the hash of the name."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from teachkit.data import nuclei
from teachkit.data.loading import load
from teachkit.errors import FormatError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures; picture k is 10 + k pixels wide and holds k nuclei."""
    for sub in ("images", "masks"):
        (tmp_path / sub).mkdir()
    for k in range(10):
        mask = np.zeros((12, 10 + k), np.uint16)
        mask[0, :k] = np.arange(1, k + 1) * 300 if k == 9 else np.arange(1, k + 1)
        Image.fromarray(mask).save(tmp_path / "masks" / f"p{k}.png")
        image = Image.fromarray(np.full((12, 10 + k), 10 * k, np.uint8))
        (image.convert("RGBA") if k % 2 else image).save(tmp_path / "images" / f"p{k}.png")
    return tmp_path


def test_pictures_meet_their_masks_and_keep_their_sizes(folder: Path) -> None:
    parts = nuclei.read(folder)
    assert {split: len(part.images) for split, part in parts.items()} == {"train": 6, "val": 2, "test": 2}
    for part in parts.values():
        for image, mask in zip(part.images, part.masks, strict=True):
            k = image.shape[1] - 10
            assert image.shape == (12, 10 + k, 3)
            assert (image == 10 * k).all()
            assert np.count_nonzero(mask) == k
            assert mask.max(initial=0) == (2700 if k == 9 else k)  # 16-bit numbers survive


def test_the_hash_of_the_name_decides_and_nothing_else(folder: Path) -> None:
    """The order of `printf p0.png | sha256sum` and so on: 6 7 8 9 5 2, then 0 4, then 1 3."""
    widths = {
        split: [image.shape[1] - 10 for image in part.images] for split, part in nuclei.read(folder).items()
    }
    assert widths == {"train": [2, 5, 6, 7, 8, 9], "val": [0, 4], "test": [1, 3]}


def test_an_image_without_a_mask_is_named(folder: Path) -> None:
    (folder / "masks" / "p3.png").unlink()
    with pytest.raises(FormatError, match=r"lack a partner: 'p3\.png'.*one mask of the same name"):
        nuclei.read(folder)


def test_an_unreadable_picture_is_named(folder: Path) -> None:
    (folder / "images" / "p3.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(FormatError, match=r"p3\.png is not a readable picture.*Copy it again"):
        nuclei.read(folder)


def test_a_mask_of_another_size_is_named(folder: Path) -> None:
    Image.fromarray(np.zeros((5, 5), np.uint16)).save(folder / "masks" / "p3.png")
    with pytest.raises(FormatError, match=r"p3\.png is \[5, 5\] but its image is \[12, 13\].*as large as"):
        nuclei.read(folder)


def test_too_few_pictures_are_refused(folder: Path, tmp_path: Path) -> None:
    for path in [*folder.glob("images/p[2-9].png"), *folder.glob("masks/p[2-9].png")]:
        path.unlink()
    with pytest.raises(FormatError, match=r"holds 2 PNG pictures.*At least three"):
        nuclei.read(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"images holds no pictures \(\.png\)"):
        nuclei.read(tmp_path)


@pytest.mark.real_data
def test_the_eighty_pictures_are_split_48_16_16(
    real_data: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    parts = [load("nuclei", split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [48, 16, 16]
    assert all(mask.max() == len(np.unique(mask)) - 1 for part in parts for mask in part.masks)
    keys = [image.tobytes() for part in parts for image in part.images]
    assert len(set(keys)) == 80
