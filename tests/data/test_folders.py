"""Sets of one's own: registered folders of npz files, and pictures imported from a folder."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from teachkit.data import sources
from teachkit.data.folders import import_folder, register_folder
from teachkit.data.loading import load
from teachkit.errors import FormatError, MissingExtraError, SettingsError, TeachkitWarning

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registrations last as long as Python; each test begins without any."""
    monkeypatch.setattr(sources, "_registered", {})


def picture(seed: int, size: tuple[int, int] = (30, 30)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Two subfolders with ten colour pictures each, in three formats."""
    folder = tmp_path / "My cells"
    for label, start in (("healthy", 0), ("ill", 10)):
        (folder / label).mkdir(parents=True)
        for k in range(10):
            suffix = ("png", "jpg", "tif")[k % 3]
            Image.fromarray(picture(start + k)).save(folder / label / f"{k}.{suffix}")
    return folder


@pytest.fixture
def patients(classes: Path) -> pd.DataFrame:
    """A table of these pictures: ten patients with two pictures each."""
    files = sorted(str(path.relative_to(classes)) for path in classes.rglob("*.*"))
    return pd.DataFrame(
        {
            "file": files,
            "label": [name.split("/")[0] for name in files],
            "patient": [f"{name[0]}{k // 2}" for k, name in enumerate(files)],
        }
    )


def test_subfolders_become_classes_of_a_set_that_loads_by_name(classes: Path) -> None:
    made = import_folder(classes)
    splits = {split: load(made.name, split) for split in ("train", "val", "test")}
    assert made.name == "my_cells"
    assert {split: len(part) for split, part in splits.items()} == {"train": 14, "val": 2, "test": 4}
    assert splits["train"].info.task == "binary"
    assert splits["train"].info.classes == ("healthy", "ill")
    assert all(set(part.labels[:, 0]) == {0, 1} for part in splits.values())
    assert splits["test"].images.shape[1:] == (30, 30, 3)


def test_every_picture_arrives_once_with_its_label(classes: Path) -> None:
    for path in classes.rglob("*.*"):  # lossless, so that pixels can be compared
        Image.open(path).convert("RGB").save(path.with_suffix(".png"))
        if path.suffix != ".png":
            path.unlink()
    made = import_folder(classes)
    found = {
        image.tobytes(): label
        for split in ("train", "val", "test")
        for image, label in zip(
            load(made.name, split).images, load(made.name, split).labels[:, 0], strict=True
        )
    }
    expected = {
        np.asarray(Image.open(path)).tobytes(): int(path.parent.name == "ill")
        for path in classes.rglob("*.png")
    }
    assert found == expected


def test_without_patients_the_set_says_what_cannot_be_claimed(classes: Path) -> None:
    split = load(import_folder(classes).name, "test")
    assert "patients unknown" in split.title
    assert "nothing about new patients" in split.info.rule
    assert split.groups is None


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_in_two_splits(classes: Path, patients: pd.DataFrame, seed: int) -> None:
    made = import_folder(classes, patients, seed=seed)
    groups = [set(load(made.name, split).groups) for split in ("train", "val", "test")]
    assert sum(map(len, groups)) == len(set.union(*groups)) == patients["patient"].nunique()
    assert "split by patient" in load(made.name).title


def test_a_csv_with_other_column_names_is_read(classes: Path, patients: pd.DataFrame, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    patients.rename(columns={"file": "scan", "label": "finding", "patient": "person"}).to_csv(
        table, index=False
    )
    made = import_folder(classes, table, file="scan", label="finding", patient="person", positive="ill")
    assert load(made.name).info.positive == 1
    assert load(made.name).groups is not None


def test_the_seed_decides_the_split_and_nothing_else(classes: Path) -> None:
    def names(seed: int, name: str) -> list[bytes]:
        import_folder(classes, seed=seed, name=name)
        return [image.tobytes() for image in load(name).images]

    assert names(1, "first") == names(1, "second")
    assert names(1, "first") != names(2, "third")


def test_identical_files_stay_together_and_are_named(classes: Path) -> None:
    for k in range(4):
        (classes / "ill" / f"copy{k}.png").write_bytes((classes / "ill" / "0.png").read_bytes())
    made = import_folder(classes)
    assert any("4 files are copies" in note and "0.png" in note for note in made.notes)
    twin = np.asarray(Image.open(classes / "ill" / "0.png"))
    holders = [
        split
        for split in ("train", "val", "test")
        if any((i == twin).all() for i in load(made.name, split).images)
    ]
    assert len(holders) == 1


def test_one_picture_with_two_labels_is_a_warning(classes: Path) -> None:
    (classes / "healthy" / "same.png").write_bytes((classes / "ill" / "0.png").read_bytes())
    with pytest.warns(TeachkitWarning, match="two labels"):
        import_folder(classes)


def test_fractions_make_a_regression_set(classes: Path, patients: pd.DataFrame) -> None:
    made = import_folder(classes, patients.assign(label=np.linspace(0.5, 2.5, 20)))
    part = load(made.name)
    assert part.info.task == "regression"
    assert part.labels.dtype == np.float32


def test_several_columns_make_a_multi_label_set(classes: Path, patients: pd.DataFrame) -> None:
    table = patients.assign(oedema=np.arange(20) % 2, mass=1)
    part = load(import_folder(classes, table, label=("oedema", "mass")).name)
    assert part.info.task == "multi-label"
    assert part.info.classes == ("oedema", "mass")


def test_mixed_sizes_are_refused_naming_the_odd_ones(classes: Path) -> None:
    Image.fromarray(picture(99, (40, 20))).save(classes / "ill" / "odd.png")
    with pytest.raises(FormatError, match=r"odd\.png 20×40.*Give size="):
        import_folder(classes)


def test_a_size_cuts_the_middle_square(classes: Path) -> None:
    wide = np.zeros((30, 60, 3), np.uint8)
    wide[:, 15:45] = 200
    Image.fromarray(wide).save(classes / "ill" / "wide.png")
    made = import_folder(classes, size=12)
    parts = [load(made.name, split).images for split in ("train", "val", "test")]
    assert {part.shape[1:] for part in parts} == {(12, 12, 3)}
    assert any((image == 200).all() for part in parts for image in part)


def test_deep_grey_pictures_share_one_scale(classes: Path) -> None:
    for k, path in enumerate(sorted(classes.rglob("*.*"))):
        path.unlink()
        Image.fromarray(np.full((8, 8), 100 * k, np.uint16)).save(path.with_suffix(".png"))
    made = import_folder(classes)
    values = np.concatenate([load(made.name, split).images[:, 0, 0] for split in ("train", "val", "test")])
    assert sorted(values) == [round(k * 255 / 19) for k in range(20)]


def test_unreadable_pictures_are_named(classes: Path) -> None:
    (classes / "ill" / "broken.png").write_bytes(b"no picture")
    (classes / "ill" / "cut.png").write_bytes((classes / "ill" / "0.png").read_bytes()[:200])
    with pytest.raises(FormatError, match=r"2 of 22.*broken\.png.*cut\.png.*take them out"):
        import_folder(classes)


def test_a_tiff_with_pages_is_refused(classes: Path) -> None:
    first, second = (Image.fromarray(picture(k)) for k in (1, 2))
    first.save(classes / "ill" / "stack.tif", save_all=True, append_images=[second])
    with pytest.raises(FormatError, match=r"stack\.tif.*2 pages"):
        import_folder(classes)


def test_a_class_with_two_pictures_is_refused(classes: Path) -> None:
    for path in sorted((classes / "ill").iterdir())[2:]:
        path.unlink()
    with pytest.raises(FormatError, match=r"'ill' has 2 different pictures.*leave the class out"):
        import_folder(classes)


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    Image.fromarray(picture(0)).save(tmp_path / "lonely.png")
    with pytest.raises(FormatError, match="one subfolder per class"):
        import_folder(tmp_path, name="lonely")


def change(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def apply(table: pd.DataFrame) -> pd.DataFrame:
        changed = table.astype(object)
        changed.loc[3, column] = value
        return changed

    return apply


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (change("file", "gone.png"), r"gone\.png.*relative to the folder"),
        (change("label", None), "empty 'label' in row 3.*Fill"),
        (change("patient", None), "empty 'patient' in row 3.*Fill"),
        (change("file", "healthy/0.png"), "twice: healthy/0.png.*one row"),
        (lambda table: table.iloc[:0], "no rows"),
        (lambda table: table.assign(label="ill"), "one class only"),
        (lambda table: table.assign(patient="same"), "has 1 patients|fell into"),
    ],
)
def test_a_wrong_table_is_refused_with_the_remedy(
    classes: Path, patients: pd.DataFrame, spoil: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        import_folder(classes, spoil(patients))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "lable"}, "no column 'lable'.*Did you mean 'label'"),
        ({"name": "ihc_patches"}, "registered set.*Choose another"),
        ({"name": "a b"}, "cannot name a set.*letters"),
        ({"name": "cells_28"}, "cannot name a set.*do not end"),
        ({"shares": (1, 0, 0)}, "make no split.*three above 0"),
        ({"size": 0}, "impossible.*positive size"),
        ({"positive": "cured"}, "No class is called 'cured'.*healthy, ill"),
        ({"task": "regresion"}, "Did you mean 'regression'"),
        ({"task": "regression"}, "holds text"),
    ],
)
def test_wrong_settings_are_refused_with_the_remedy(
    classes: Path, patients: pd.DataFrame, options: dict, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        import_folder(classes, patients, **options)


def test_nothing_is_left_behind_by_a_refused_import(classes: Path, offline: Path) -> None:
    (classes / "ill" / "broken.png").write_bytes(b"")
    with pytest.raises(FormatError):
        import_folder(classes)
    assert not list(offline.rglob("*.npz"))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    for call in (import_folder, register_folder):
        with pytest.raises(SettingsError, match=r"not a folder.*Give the folder"):
            call(tmp_path / "nowhere")


def test_an_unreadable_table_is_refused(classes: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"nowhere\.csv cannot be read.*csv file with a header"):
        import_folder(classes, tmp_path / "nowhere.csv")


def test_dicom_without_the_extra_names_it(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    (classes / "ill" / "scan.dcm").write_bytes(b"")
    with pytest.raises(MissingExtraError, match=r"teachkit\[dicom\]"):
        import_folder(classes)


@pytest.fixture
def dicom(classes: Path) -> Iterator[Path]:
    """Each class holds five DICOM scans; those of the second store dark as high."""
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    for path in classes.rglob("*.*"):
        path.unlink()
    for label, photometric in (("healthy", "MONOCHROME2"), ("ill", "MONOCHROME1")):
        for k in range(5):
            meta = FileMetaDataset()
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            meta.MediaStorageSOPInstanceUID = generate_uid()
            meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
            scan = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
            scan.Rows = scan.Columns = 6
            scan.SamplesPerPixel, scan.BitsAllocated, scan.BitsStored, scan.HighBit = 1, 16, 12, 11
            scan.PixelRepresentation, scan.PhotometricInterpretation = 0, photometric
            scan.RescaleSlope, scan.RescaleIntercept = 1, 0 if label == "healthy" else 400
            scan.PixelData = np.full((6, 6), 100 * k, np.uint16).tobytes()
            pydicom.dcmwrite(classes / label / f"{k}.dcm", scan, enforce_file_format=True)
    return classes


def test_dicom_scans_are_read_with_slope_intercept_and_photometric(dicom: Path) -> None:
    """Stored 0..400 as MONOCHROME2; 400..800 turned round as MONOCHROME1: both span -800..400 together."""
    made = import_folder(dicom)
    parts = [load(made.name, split) for split in ("train", "val", "test")]
    by_class = [
        sorted(int(i[0, 0]) for part in parts for i in part.images[part.labels[:, 0] == k]) for k in (0, 1)
    ]
    scale = 255 / 1200
    assert by_class[0] == [round((800 + 100 * k) * scale) for k in range(5)]
    assert by_class[1] == [round(100 * k * scale) for k in range(5)]


def test_registered_files_load_by_name_in_both_sizes(tmp_path: Path) -> None:
    for name, edge in (("mine", 28), ("mine_64", 64)):
        arrays = {f"{s}_images": np.zeros((4, edge, edge), np.uint8) for s in ("train", "val", "test")}
        arrays |= {f"{s}_labels": np.arange(4)[:, None] % 2 for s in ("train", "val", "test")}
        np.savez(tmp_path / f"{name}.npz", **arrays)
    assert register_folder(tmp_path) == ("mine",)
    assert load("mine", "val").images.shape == (4, 28, 28)
    assert load("mine", "val", size=64).images.shape == (4, 64, 64)


def test_a_registered_folder_is_an_explicit_wish_and_answers_offline(classes: Path) -> None:
    made = import_folder(classes)
    assert str(made.folder) in load(made.name).info.source


def test_an_empty_folder_cannot_be_registered(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"hold no npz files.*import_folder"):
        register_folder(tmp_path)


def test_no_file_may_pass_for_an_embedded_set(tmp_path: Path) -> None:
    np.savez(tmp_path / "ihc_patches.npz", train_images=np.zeros(1))
    with pytest.raises(SettingsError, match=r"name of an embedded set.*Rename"):
        register_folder(tmp_path)
