"""Images and masks of one's own: a segmentation set that loads by name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from teachkit.data.folders import import_folder
from teachkit.data.loading import load
from teachkit.data.splits import SPLITS
from teachkit.errors import FormatError, SettingsError

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures of 30 × 24 pixels; in mask k the left k + 1 columns are 255, in its picture they are k."""
    found = tmp_path / "My stains"
    for kind in ("images", "masks"):
        (found / kind).mkdir(parents=True)
    for k in range(10):
        mask = np.zeros((24, 30), np.uint8)
        mask[:, : k + 1] = 255
        Image.fromarray(np.where(mask == 255, k, 200).astype(np.uint8)).save(found / "images" / f"p{k}.png")
        Image.fromarray(mask).save(found / "masks" / f"p{k}.{'tif' if k % 2 else 'png'}")
    return found


def every_row(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    parts = [load(name, split) for split in SPLITS]
    return [pair for part in parts for pair in zip(part.images, part.masks, strict=True)]  # type: ignore[arg-type]


def test_masks_travel_with_their_pictures(folder: Path) -> None:
    made = import_folder(folder)
    split = load(made.name)
    assert (split.info.task, split.info.classes) == ("segmentation", ("background", "level 255"))
    assert made.counts == {"train": 7, "val": 1, "test": 2}
    rows = every_row(made.name)
    for image, mask in rows:
        assert set(np.unique(mask)) == {0, 1}
        assert np.array_equal(image != 200, mask == 1)
    assert sorted(int(mask[0].sum()) for _, mask in rows) == list(range(1, 11))
    assert split.labels.shape == (7, 0)
    assert not split.info.instances


def test_levels_name_the_classes_in_their_order(folder: Path) -> None:
    split = load(import_folder(folder, levels={"stain": 255, "rest": 0}).name)
    assert split.info.classes == ("stain", "rest")
    assert split.class_shares()["stain"] == pytest.approx(np.mean([mask == 0 for mask in split.masks]))  # type: ignore[union-attr]


def test_an_unknown_level_is_named_with_its_file(folder: Path) -> None:
    Image.fromarray(np.full((24, 30), 128, np.uint8)).save(folder / "masks" / "p4.png")
    with pytest.raises(
        FormatError, match=r"p4\.png holds the grey levels \[128\].*Masks may hold \[0, 255\]"
    ):
        import_folder(folder, levels={"rest": 0, "stain": 255})


def test_resized_masks_hold_no_new_number(folder: Path) -> None:
    for image, mask in every_row(import_folder(folder, size=11).name):
        assert image.shape == mask.shape == (11, 11)
        assert set(np.unique(mask)) <= {0, 1}


def test_single_objects_keep_their_numbers_and_can_be_cut_out(folder: Path) -> None:
    for k in range(10):
        mask = np.zeros((24, 30), np.uint16)
        mask[4:8, 4:9], mask[12:18, 12 : 14 + k] = 1, 700
        path = folder / "masks" / f"p{k}.{'tif' if k % 2 else 'png'}"
        Image.fromarray(mask).save(path)
    made = import_folder(folder, instances=True)
    split = load(made.name)
    assert split.info.instances
    assert split.masks is not None
    assert split.masks.max() == 700  # type: ignore[union-attr]
    objects = split.objects(size=20)
    assert (objects.labels == 20).sum() == 7
    assert split.semantic().class_shares().keys() == {"background", "object"}


def test_a_table_of_patients_keeps_each_in_one_split(folder: Path) -> None:
    table = pd.DataFrame({"file": [f"p{k}.png" for k in range(10)], "patient": [k // 2 for k in range(10)]})
    made = import_folder(folder, table)
    groups = [set(load(made.name, split).groups) for split in SPLITS]  # type: ignore[arg-type]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 5
    assert load(made.name).info.note == "split by patient"
    with pytest.raises(FormatError, match=r"no patient for 1 of 10 pictures: p9\.png"):
        import_folder(folder, table[:9])
    with pytest.raises(SettingsError, match="no column 'patient'"):
        import_folder(folder, table[["file"]])


def test_masks_with_many_numbers_ask_what_they_mean(folder: Path) -> None:
    Image.fromarray(np.arange(720, dtype=np.uint16).reshape(24, 30)).save(folder / "masks" / "p0.png")
    with pytest.raises(
        FormatError, match=r"hold 720 different numbers: 0, 1, 2, 3, 4 and 715 more.*instances=True"
    ):
        import_folder(folder)


def test_masks_and_pictures_that_do_not_fit_are_named(folder: Path) -> None:
    Image.fromarray(np.zeros((24, 29), np.uint8)).save(folder / "masks" / "p2.png")
    with pytest.raises(FormatError, match=r"p2\.png is \[24, 29\] but its image is \[24, 30\]"):
        import_folder(folder)
    (folder / "masks" / "p2.png").unlink()
    with pytest.raises(FormatError, match=r"'p2\.png' has no mask"):
        import_folder(folder)
    Image.fromarray(np.zeros((24, 30), np.uint8)).save(folder / "masks" / "p2.jpg")
    with pytest.raises(FormatError, match=r"p2\.jpg is no picture of the kind \.png"):
        import_folder(folder)


def test_an_unreadable_picture_is_named(folder: Path) -> None:
    (folder / "images" / "p3.png").write_bytes(b"nothing")
    with pytest.raises(FormatError, match=r"images/p3\.png cannot be read"):
        import_folder(folder)


def test_settings_that_contradict_each_other_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Single objects have no levels"):
        import_folder(folder, instances=True, levels={"a": 0, "b": 1})
    with pytest.raises(SettingsError, match="share a grey level"):
        import_folder(folder, levels={"a": 0, "b": 0})
    with pytest.raises(SettingsError, match="no subfolders images and masks"):
        import_folder(tmp_path, name="other", instances=True)
