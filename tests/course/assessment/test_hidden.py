"""Hidden tests: nobody can look a label up, patients stay together, and the instructor can still score."""

import hashlib

import numpy as np
import pytest

from teachkit import data
from teachkit.course.assessment import hidden
from teachkit.course.assessment.hidden import make_hidden, read_key, read_truth
from teachkit.data import sources
from teachkit.data.splits import Info, Split
from teachkit.errors import FormatError, SettingsError

KEY = b"a key of at least sixteen bytes"
INFO = Info("toy", "Toy", "binary", ("dark", "bright"), 1, "own", False, "", "made here")


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Sets that a test registers are forgotten after it."""
    monkeypatch.setattr(sources, "_registered", {})


@pytest.fixture
def toy(monkeypatch):
    """A set of 200 pictures, each of which shows its number; `toy(groups)` gives them patients."""

    def install(groups=None, **info):
        numbers = np.arange(200)
        images = np.repeat(numbers.astype(np.uint8), 64).reshape(200, 8, 8)
        labels = (numbers // 100)[:, None].astype(np.int64)  # the brighter half
        told = Info(**{**vars(INFO), **info})

        def load(name, split, size):
            rows = {"train": slice(0, 100), "val": slice(100, 150), "test": slice(150, 200)}[split]
            own = None if groups is None else np.array(groups)[rows]
            return Split(images[rows], labels[rows], told, split, 8, groups=own)

        monkeypatch.setattr(hidden, "load", load)

    return install


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.npz")}


def opened(made):
    data.register_folder(made.folder)
    return {part: data.load(made.name, part) for part in ("train", "val", "test")}


def test_students_load_pictures_of_all_parts_and_labels_of_two(toy, tmp_path):
    toy()
    made = make_hidden("toy", KEY, tmp_path)
    parts = opened(made)
    assert (
        made.counts
        == {part: len(split) for part, split in parts.items()}
        == {"train": 110, "val": 30, "test": 60}
    )
    assert not parts["test"].labels.any()
    assert (parts["train"].labels[:, 0] == parts["train"].images[:, 0, 0] // 100).all()
    assert parts["test"].info.classes == ("dark", "bright")
    assert "hidden test labels" in parts["test"].title


def test_the_truth_belongs_to_the_rows_that_students_have_and_lies_in_another_folder(toy, tmp_path):
    toy()
    made = make_hidden("toy", KEY, tmp_path)
    truth = read_truth(made.truth)
    labels = truth.labels
    assert truth.data == made.name == "toy_hidden"
    assert truth.task == "binary"
    assert made.truth.parent.name == "instructor"
    assert not list(made.folder.glob("*truth*"))
    shown = opened(made)["test"].images.reshape(len(labels), -1).mean(axis=1)
    clear = np.abs(shown - 99.5) > 12  # farther from the middle than the change can move a picture
    assert clear.sum() > 40
    assert (labels[clear] == (shown[clear] > 99.5)).all()


def test_no_test_picture_is_byte_for_byte_one_of_the_originals(toy, tmp_path):
    toy()
    test = opened(make_hidden("toy", KEY, tmp_path))["test"].images
    assert all(len(np.unique(image)) > 1 for image in test)  # the originals have one grey level each


def test_rows_and_ids_come_in_an_order_that_only_the_key_gives(toy, tmp_path):
    toy()
    shown = {}
    for name, key in {"one": KEY, "again": KEY, "other": KEY + b"!"}.items():
        made = make_hidden("toy", key, tmp_path / name)
        shown[name] = hashes(tmp_path / name), list(np.load(made.truth)["ids"])
    assert shown["one"] == shown["again"]
    assert not set(shown["one"][1]) & set(shown["other"][1])
    assert shown["one"][1] == sorted(shown["one"][1])


def test_patients_and_equal_pictures_stay_in_one_part(toy, tmp_path):
    toy(groups=[f"patient {number // 10}" for number in range(200)])
    parts = opened(make_hidden("toy", KEY, tmp_path))
    patients = {part: set(parts[part].images[:, 0, 0] // 10) for part in ("train", "val")}
    assert not patients["train"] & patients["val"]
    assert len(patients["train"] | patients["val"]) < 20


@pytest.mark.parametrize("shares", [(0.0, 0.3), (0.5, 0.5), (-0.1, 0.3)])
def test_shares_that_leave_nothing_are_refused(toy, tmp_path, shares):
    toy()
    with pytest.raises(SettingsError, match="two positive shares"):
        make_hidden("toy", KEY, tmp_path, shares=shares)
    assert not list(tmp_path.iterdir())


def test_another_task_and_an_absent_class_are_refused(toy, tmp_path):
    toy(task="multi-label")
    with pytest.raises(SettingsError, match="set for multi-label"):
        make_hidden("toy", KEY, tmp_path)
    toy()
    with pytest.raises(SettingsError, match="has no picture of class"):
        make_hidden("toy", KEY, tmp_path, shares=(0.004, 0.3))


def test_a_key_file_that_is_absent_or_short_is_refused_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(SettingsError, match=r"no key file .*token_hex"):
        read_key(tmp_path / "key")
    (tmp_path / "key").write_text("short\n")
    with pytest.raises(SettingsError, match="5 bytes, fewer than 16"):
        read_key(tmp_path / "key")
    (tmp_path / "key").write_bytes(KEY + b"\n")
    assert read_key(tmp_path / "key") == KEY


def test_a_file_that_is_no_truth_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", labels=np.zeros((3, 2)), data="toy", task="binary")
    with pytest.raises(FormatError, match=r"float64 of shape \(3, 2\)"):
        read_truth(tmp_path / "x.npz")


def test_an_embedded_set_with_slides_is_divided_too(offline, tmp_path):
    made = make_hidden("ihc_patches", KEY, tmp_path)
    assert sum(made.counts.values()) == sum(
        len(data.load("ihc_patches", part)) for part in ("train", "val", "test")
    )
    assert read_truth(made.truth).labels.shape == (made.counts["test"],)
