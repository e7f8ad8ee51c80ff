"""Challenges on pixels: which files are refused, and what the plain model of colours knows."""

import numpy as np
import pytest

from teachkit.course.challenge import (
    PREDICTIONS,
    misfit,
    plain_masks,
    read_arrays,
    read_masks,
    save_arrays,
    save_masks,
)
from teachkit.data.splits import Info, Split
from teachkit.errors import FormatError


def split(images, masks):
    info = Info("toy", "Toy", "segmentation", ("dark", "bright"), None, "none", True, "", "made here")
    return Split(images, np.zeros((len(images), 0), np.int64), info, "test", 4, masks)


def truth():
    return split(np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8))


def test_masks_that_were_saved_are_read_back(tmp_path):
    masks = np.arange(32).reshape(2, 4, 4) % 2
    read = read_masks(save_masks(masks, steps=7, data="toy", path=tmp_path / PREDICTIONS))
    assert np.array_equal(read.masks, masks)
    assert (read.masks.dtype, read.steps, read.data) == (np.uint8, 7, "toy")
    assert misfit(read, truth()) == ""


@pytest.mark.parametrize("masks", [np.zeros((2, 4, 4)), np.full((2, 4, 4), 300), np.full((2, 4, 4), -1)])
def test_numbers_that_are_no_classes_are_refused_before_they_are_written(tmp_path, masks):
    with pytest.raises(FormatError, match="class of each pixel as a whole number"):
        save_masks(masks, steps=1, data="toy", path=tmp_path / PREDICTIONS)
    assert not (tmp_path / PREDICTIONS).exists()


def test_a_file_with_probabilities_is_no_file_of_masks(tmp_path):
    path = save_arrays(tmp_path / PREDICTIONS, {"masks": np.zeros((2, 4, 4)), "steps": 1, "data": "toy"})
    with pytest.raises(FormatError, match="masks are float64"):
        read_masks(path)
    with pytest.raises(FormatError, match="holds no 'probabilities'"):
        read_arrays(path, ["probabilities"])


@pytest.mark.parametrize(
    ("masks", "said"),
    [(np.zeros((3, 4, 4), np.uint8), "needs (2, 4, 4)"), (np.full((2, 4, 4), 2, np.uint8), "class 2")],
)
def test_masks_for_other_images_or_with_unknown_classes_do_not_fit(tmp_path, masks, said):
    read = read_masks(save_masks(masks, steps=1, data="toy", path=tmp_path / PREDICTIONS))
    assert said in misfit(read, truth())


@pytest.mark.parametrize("shape", [(6, 8, 8), (6, 8, 8, 3)])
def test_the_plain_model_sees_colour_and_no_neighbours(shape):
    rng = np.random.default_rng(0)
    masks = (rng.random(shape[:3]) < 0.1).astype(np.uint8)  # the bright class is rare
    images = np.zeros(shape, np.uint8)
    images[masks == 1] = 200
    found = plain_masks(split(images, masks), split(images, masks))
    assert np.array_equal(found, masks)
    moved = np.roll(masks, 1, axis=2)  # the class depends on the pixel to the left alone
    blind = plain_masks(split(images, moved), split(images, moved))
    assert (blind == masks).all() or (blind == 1 - masks).all() or len(np.unique(blind)) == 1


CHALLENGE = "03_segmentation/challenge.ipynb"


def crops(part):
    from teachkit import data

    return data.load("ihc_masks", part, size=128).crops(64)


def hand_in(kind):
    """A student's masks: all right, the plain model's, everything rare, everything the most common class."""
    test = crops("test")
    if kind == "right":
        return test.masks
    if kind == "plain":
        return plain_masks(crops("train"), test)
    return np.full(test.masks.shape, {"rare": 3, "common": 2}[kind], np.uint8)


@pytest.mark.parametrize(
    ("kind", "steps", "points"),
    [
        ("right", 300, (3, 7)),
        ("right", 301, (2, 7)),
        ("right", -1, (2, 7)),
        ("plain", 0, (3, 2)),  # no better than itself, and no worse
        ("rare", 0, (3, 0)),  # finds all of the rare class, and nothing else
        ("common", 0, (3, 0)),
    ],
)
def test_each_rule_of_the_challenge_has_its_own_points(offline, tmp_path, marks_of, kind, steps, points):
    save_masks(hand_in(kind), steps=steps, data="ihc_masks", path=tmp_path / PREDICTIONS)
    marks = marks_of(CHALLENGE, {"solve": "def solve(*_): raise RuntimeError"})
    assert (marks["form-test"], marks["score-test"]) == points


@pytest.mark.parametrize(("name", "count"), [("ihc_masks", 11), ("wisconsin", 12)])
def test_masks_for_other_images_earn_nothing(offline, tmp_path, marks_of, name, count):
    masks = np.zeros((count, 64, 64), np.uint8)
    save_masks(masks, steps=1, data=name, path=tmp_path / PREDICTIONS)
    marks = marks_of(CHALLENGE)
    assert (marks["form-test"], marks["score-test"]) == (0, 0)


def test_reference_solution_finds_the_rare_class_and_keeps_the_others(offline, marks_of):
    import torch

    torch.set_num_threads(1)
    marks = marks_of(CHALLENGE)
    assert (marks["form-test"], marks["score-test"]) == (3, 7)
