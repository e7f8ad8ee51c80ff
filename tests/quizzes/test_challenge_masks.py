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
