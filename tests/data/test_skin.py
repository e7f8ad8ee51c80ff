"""Skin sections: six grey levels become four classes; anything else is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from teachkit import data
from teachkit.errors import FormatError

LEVELS = np.array([[36, 72, 108], [144, 180, 216]], np.uint8)


@pytest.fixture
def sections(isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two tiny sections a split, in a folder in force."""
    folder = tmp_path / "data" / "segmentation_data_small"
    for split in ("training", "validation", "testing"):
        for kind, picture in (("images", np.zeros((2, 3, 3), np.uint8)), ("masks", LEVELS)):
            (folder / split / kind).mkdir(parents=True)
            for name in ("a.tif", "b.tif"):
                Image.fromarray(picture).save(folder / split / kind / name)
    monkeypatch.setenv("TEACHKIT_DATA", str(tmp_path / "data"))
    return folder


def test_grey_levels_become_the_named_classes(sections: Path) -> None:
    split = data.load("skin", "val")
    assert split.masks is not None
    assert split.masks[0].tolist() == [[0, 1, 0], [0, 2, 3]]
    assert split.info.classes == ("epidermis", "dermis", "hair", "background")
    assert (len(split), split.channels) == (2, 3)


def test_an_unknown_grey_level_is_refused(sections: Path) -> None:
    Image.fromarray(LEVELS + 1).save(sections / "testing" / "masks" / "b.tif")
    with pytest.raises(FormatError, match=r"b\.tif holds the grey levels \[37, 73, 109, 145, 181, 217\]"):
        data.load("skin", "test")


def test_a_picture_without_mask_is_refused(sections: Path) -> None:
    (sections / "training" / "masks" / "a.tif").unlink()
    with pytest.raises(FormatError, match=r"training: 1 files .* lack a partner: 'a\.tif' has no mask"):
        data.load("skin")


def test_a_mask_of_another_size_is_refused(sections: Path) -> None:
    Image.fromarray(LEVELS[:1]).save(sections / "training" / "masks" / "a.tif")
    with pytest.raises(FormatError, match=r"a\.tif is \[1, 3\] but its image is \[2, 3\]"):
        data.load("skin")


def test_pictures_of_unequal_size_are_refused(sections: Path) -> None:
    for kind, picture in (
        ("images", np.zeros((3, 3, 3), np.uint8)),
        ("masks", np.full((3, 3), 36, np.uint8)),
    ):
        Image.fromarray(picture).save(sections / "training" / kind / "b.tif")
    with pytest.raises(FormatError, match=r"b\.tif is \[3, 3\] but a\.tif is \[2, 3\]"):
        data.load("skin")


def test_a_file_that_is_no_picture_is_refused(sections: Path) -> None:
    (sections / "testing" / "images" / "a.tif").write_bytes(b"nothing")
    with pytest.raises(FormatError, match=r"testing/images/a\.tif is not a readable picture"):
        data.load("skin", "test")


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_a_file_of_another_kind_is_refused(sections: Path, kind: str) -> None:
    (sections / "validation" / kind / "notes.txt").write_text("hair?")
    with pytest.raises(FormatError, match=rf"{kind}/notes\.txt is no picture of the kind \.tif"):
        data.load("skin", "val")


def test_what_file_browsers_leave_behind_does_no_harm(sections: Path) -> None:
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini"):
        (sections / "training" / "images" / name).write_bytes(b"")
    assert len(data.load("skin")) == 2
