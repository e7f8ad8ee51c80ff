"""Mask files: every kind of grey picture is read, and nothing else passes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from teachkit.data.mask_files import classes_of_levels, paired_files, read_mask, read_picture
from teachkit.errors import FormatError

LEVELS = np.array([[0, 1, 2], [3, 4, 255]], np.uint8)


def saved(path: Path, picture: Image.Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path


def test_grey_palette_black_and_white_and_16_bit_masks_give_their_numbers(tmp_path: Path) -> None:
    grey = Image.fromarray(LEVELS)
    palette = grey.convert("P")
    palette.putpalette([number % 251 for number in range(768)])
    deep = Image.fromarray(LEVELS.astype(np.uint16) * 257)
    assert np.array_equal(read_mask(saved(tmp_path / "grey.png", grey), (2, 3)), LEVELS)
    assert np.array_equal(read_mask(saved(tmp_path / "rgb.png", grey.convert("RGB")), (2, 3, 3)), LEVELS)
    assert np.array_equal(read_mask(saved(tmp_path / "palette.png", palette), (2, 3)), LEVELS)
    assert np.array_equal(read_mask(saved(tmp_path / "deep.png", deep), (2, 3)), LEVELS.astype(int) * 257)
    two = read_mask(saved(tmp_path / "two.png", Image.fromarray(LEVELS > 2)), (2, 3))
    assert two.tolist() == [[0, 0, 0], [1, 1, 1]]


def test_a_picture_in_colour_is_no_mask(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.png", Image.new("RGB", (3, 2), (255, 0, 0)))
    with pytest.raises(FormatError, match=r"m\.png is a picture in colour"):
        read_mask(path, (2, 3))


def test_numbers_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.tif", Image.fromarray(np.array([[0.0, 0.5]], np.float32)))
    with pytest.raises(FormatError, match=r"m\.tif holds the value 0\.5"):
        read_mask(path, (1, 2))


def test_several_pages_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.tif"
    Image.fromarray(LEVELS).save(path, save_all=True, append_images=[Image.fromarray(LEVELS)])
    with pytest.raises(FormatError, match=r"m\.tif holds 2 pages"):
        read_picture(path)


def test_levels_become_classes_or_are_named(tmp_path: Path) -> None:
    assert classes_of_levels(np.array([[255, 0]]), {0: 0, 255: 1}, tmp_path).tolist() == [[1, 0]]
    with pytest.raises(
        FormatError, match=r"holds the grey levels \[7, 300\].*Masks may hold \[0, 255\] only"
    ):
        classes_of_levels(np.array([[300, 7, 0]]), {0: 0, 255: 1}, tmp_path)


def test_files_are_paired_by_name_whatever_their_ending(tmp_path: Path) -> None:
    for name in ("images/b.jpg", "images/a.png", "masks/a.tif", "masks/b.png"):
        saved(tmp_path / name, Image.fromarray(LEVELS))
    pairs = paired_files(tmp_path, (".png", ".jpg"), (".png", ".tif"))
    assert [(image.name, mask.name) for image, mask in pairs] == [("a.png", "a.tif"), ("b.jpg", "b.png")]
    saved(tmp_path / "masks" / "c.png", Image.fromarray(LEVELS))
    with pytest.raises(FormatError, match=r"'c\.png' has no image"):
        paired_files(tmp_path, (".png", ".jpg"), (".png", ".tif"))
    saved(tmp_path / "masks" / "a.png", Image.fromarray(LEVELS))
    with pytest.raises(FormatError, match=r"a\.png and a\.tif: one name, two files"):
        paired_files(tmp_path, (".png", ".jpg"), (".png", ".tif"))
