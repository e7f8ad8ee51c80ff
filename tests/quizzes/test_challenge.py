"""The challenge: which files are refused, and which predictions earn which points."""

import numpy as np
import pytest

from teachkit.course.challenge import (
    PREDICTIONS,
    misfit,
    plain_predictions,
    read_predictions,
    save_predictions,
)
from teachkit.data.splits import Info, Split
from teachkit.errors import FormatError
from teachkit.metrics import balanced_accuracy

EVEN = np.full((4, 2), 0.5)


def split(labels, images=None):
    labels = np.asarray(labels, dtype=np.int64)[:, None]
    images = np.zeros((len(labels), 4, 4), np.uint8) if images is None else images
    info = Info("toy", "Toy", "binary", ("dark", "bright"), 1, "none", True, "", "made here")
    return Split(images, labels, info, "test", 4)


def test_what_was_saved_is_read_back(tmp_path):
    path = save_predictions(EVEN, steps=300, data="toy", path=tmp_path / PREDICTIONS)
    read = read_predictions(path)
    assert np.allclose(read.probabilities, EVEN)
    assert (read.steps, read.data) == (300, "toy")
    assert misfit(read, split([0, 1, 0, 1])) == ""


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [
        ([[0.5, 0.6]], "add up to 1"),
        ([[1.5, -0.5]], "add up to 1"),
        ([[0.5, 0.5], [np.nan, 1]], "Row 1"),
        ([0.5, 0.5], r"shape \(2,\)"),
        (np.zeros((2, 2, 2)), "one row for each image"),
    ],
)
def test_numbers_that_are_no_probabilities_are_refused_with_the_row(tmp_path, probabilities, said):
    path = save_predictions(probabilities, steps=1, data="toy", path=tmp_path / PREDICTIONS)
    with pytest.raises(FormatError, match=said):
        read_predictions(path)


def test_seconds_of_training_are_kept_where_they_are_given(tmp_path):
    path = save_predictions(EVEN, steps=1, data="toy", path=tmp_path / PREDICTIONS)
    assert read_predictions(path).seconds is None
    assert read_predictions(save_predictions(EVEN, steps=1, data="toy", seconds=12, path=path)).seconds == 12


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_seconds_must_be_one_finite_number(tmp_path, seconds):
    path = save_predictions(EVEN, steps=1, data="toy", seconds=seconds, path=tmp_path / PREDICTIONS)
    with pytest.raises(FormatError, match="'seconds' is"):
        read_predictions(path)


@pytest.mark.parametrize("steps", [1.5, [1, 2], "many", True])
def test_steps_must_be_one_whole_number(tmp_path, steps):
    path = save_predictions(EVEN, steps=steps, data="toy", path=tmp_path / PREDICTIONS)
    with pytest.raises(FormatError, match="one whole number"):
        read_predictions(path)


def test_absent_damaged_and_incomplete_files_are_refused(tmp_path):
    path = tmp_path / PREDICTIONS
    with pytest.raises(FormatError, match=r"There is no predictions\.npz"):
        read_predictions(path)
    path.write_bytes(b"PK\x03\x04 not a zip file")
    with pytest.raises(FormatError, match="cannot be read"):
        read_predictions(path)
    np.savez(path, probabilities=EVEN)
    with pytest.raises(FormatError, match="holds no 'steps'"):
        read_predictions(path)


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / PREDICTIONS
    np.savez(path, probabilities=np.array([print, None]), steps=1, data="toy")
    with pytest.raises(FormatError, match="cannot be read"):
        read_predictions(path)


@pytest.mark.parametrize("shape", [(3, 2), (4, 3)])
def test_predictions_for_other_images_or_classes_do_not_fit(tmp_path, shape):
    rows = np.full(shape, 1 / shape[1])
    read = read_predictions(save_predictions(rows, steps=1, data="toy", path=tmp_path / PREDICTIONS))
    assert "needs (4, 2)" in misfit(read, split([0, 1, 0, 1]))


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 3)])
def test_the_plain_model_knows_brightness_and_nothing_else(shape):
    labels = np.arange(60) % 2
    bright = np.zeros((60, *shape), np.uint8)
    bright[labels == 1] = 200
    assert np.array_equal(plain_predictions(split(labels, bright), split(labels, bright)), labels)
    corner = np.zeros((60, *shape), np.uint8)  # class 1 is bright on the left, class 0 on the right
    corner[labels == 1, :, :2] = 200
    corner[labels == 0, :, 2:] = 200
    found = plain_predictions(split(labels, corner), split(labels, corner))
    assert balanced_accuracy(labels, found) == 0.5


def predictions(kind, truth):
    """A student's file: all right, majority guess, and one that ignores the images."""
    one_hot = np.eye(2)[truth]
    return {"right": one_hot, "majority": np.eye(2)[np.zeros_like(truth)], "wrong": one_hot[:, ::-1]}[kind]


@pytest.mark.parametrize(
    ("kind", "steps", "points"),
    [
        ("right", 300, (3, 7)),
        ("right", 301, (2, 7)),
        ("right", -1, (2, 7)),
        ("majority", 0, (3, 0)),
        ("wrong", 0, (3, 0)),
    ],
)
def test_each_rule_of_the_challenge_has_its_own_points(offline, tmp_path, marks_of, kind, steps, points):
    from teachkit import data

    truth = data.load("ihc_patches", "test").labels[:, 0]
    save_predictions(predictions(kind, truth), steps=steps, data="ihc_patches", path=tmp_path / PREDICTIONS)
    marks = marks_of("01_classification/challenge.ipynb", {"solve": "def solve(*_): raise RuntimeError"})
    assert (marks["form-test"], marks["score-test"]) == points


@pytest.mark.parametrize(("name", "rows"), [("ihc_patches", 239), ("wisconsin", 240)])
def test_a_file_for_other_images_earns_nothing(offline, tmp_path, marks_of, name, rows):
    save_predictions(np.full((rows, 2), 0.5), steps=1, data=name, path=tmp_path / PREDICTIONS)
    marks = marks_of("01_classification/challenge.ipynb")
    assert (marks["form-test"], marks["score-test"]) == (0, 0)


@pytest.mark.real_data
@pytest.mark.slow
def test_reference_solution_earns_all_points_on_pneumoniamnist_too(
    isolated, real_data, tmp_path, marks_of, monkeypatch
):
    import torch

    torch.set_num_threads(1)
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    marks = marks_of("01_classification/challenge.ipynb")
    assert read_predictions(tmp_path / PREDICTIONS).data == "pneumoniamnist"
    assert (marks["form-test"], marks["score-test"]) == (3, 7)
