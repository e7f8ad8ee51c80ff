"""Overlap and outlines. Oracles: scikit-learn for overlap, the definitions written out for the rest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.segmentation import find_boundaries
from sklearn import metrics as sk

from teachkit import metrics
from teachkit.errors import FormatError, SettingsError


def masks_and_guesses(seed: int, pictures: int = 3, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Noisy pairs in which classes are often absent."""
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, rng.integers(1, classes + 1), (pictures, 6, 5))
    wrong = rng.random(masks.shape) < rng.random()
    return masks, np.where(wrong, rng.integers(0, classes, masks.shape), masks)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_dice_and_iou_equal_scikit_learns_f1_and_jaccard_scores(seed: int) -> None:
    masks, guesses = masks_and_guesses(seed)
    asked = {"labels": range(4), "average": None}
    dice = sk.f1_score(masks.ravel(), guesses.ravel(), zero_division=np.nan, **asked)
    jaccard = sk.jaccard_score(masks.ravel(), guesses.ravel(), zero_division=0, **asked)
    np.testing.assert_allclose(metrics.dice(masks, guesses, 4), dice, atol=1e-12)
    np.testing.assert_allclose(np.nan_to_num(metrics.iou(masks, guesses, 4)), jaccard, atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(deadline=None, max_examples=50)
def test_dice_follows_from_iou_for_every_mask(seed: int, per_image: bool) -> None:
    masks, guesses = masks_and_guesses(seed)
    dice, iou = (score(masks, guesses, 4, per_image=per_image) for score in (metrics.dice, metrics.iou))
    assert np.array_equal(np.isnan(dice), np.isnan(iou))
    np.testing.assert_allclose(dice, 2 * iou / (1 + iou), atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["dice", "iou", "boundary_f"]))
@settings(deadline=None, max_examples=50)
def test_a_score_per_image_is_that_of_the_image_alone(seed: int, name: str) -> None:
    masks, guesses = masks_and_guesses(seed)
    score = getattr(metrics, name)
    rows = score(masks, guesses, 4, per_image=True)
    assert rows.shape == (3, 4)
    for mask, guess, row in zip(masks, guesses, rows, strict=True):
        np.testing.assert_array_equal(row, score(mask, guess, 4))
    np.testing.assert_array_equal(rows, score(list(masks), list(guesses), 4, per_image=True))


def test_means_over_pictures_can_order_two_models_differently() -> None:
    """Dice and IoU agree on each picture, but not on the mean: one model is even, the other wins or loses."""
    truth = np.zeros((2, 1, 12), int)
    truth[:, 0, :6] = 1
    even, uneven = truth.copy(), truth.copy()
    even[:, 0, 3:6] = 0  # each half found: Dice 2/3, IoU 1/2
    uneven[0, 0, :6], uneven[0, 0, 6:7] = 0, 1  # the first missed, the second perfect
    dice = {
        name: metrics.dice(truth, guess, 2, per_image=True)[:, 1].mean()
        for name, guess in (("even", even), ("uneven", uneven))
    }
    iou = {
        name: metrics.iou(truth, guess, 2, per_image=True)[:, 1].mean()
        for name, guess in (("even", even), ("uneven", uneven))
    }
    assert dice["even"] - dice["uneven"] == pytest.approx(2 / 3 - 1 / 2)
    assert iou["even"] - iou["uneven"] == pytest.approx(0)


def test_pooled_scores_weigh_pictures_by_their_pixels_of_the_class() -> None:
    truth, guess = np.zeros((2, 1, 10), int), np.zeros((2, 1, 10), int)
    truth[0, 0, :9], truth[1, 0, :1] = 1, 1
    guess[0] = truth[0]
    assert metrics.dice(truth, guess, 2)[1] == pytest.approx(18 / 19)
    assert metrics.dice(truth, guess, 2, per_image=True)[:, 1].tolist() == [1, 0]


@pytest.mark.parametrize("name", ["dice", "iou", "boundary_f"])
def test_a_class_absent_from_both_is_nan_or_what_is_asked(name: str) -> None:
    score, nothing = getattr(metrics, name), np.zeros((4, 4), int)
    corner = nothing.copy()
    corner[1:3, 1:3] = 1
    assert np.isnan(score(nothing, nothing, 2)[1])
    assert score(nothing, nothing, 2, empty=1.0)[1] == 1
    assert score(nothing, corner, 2, empty=1.0)[1] == 0  # invented: an honest zero
    assert score(corner, nothing, 2)[1] == 0


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 1.5, 2, 3]))
@settings(deadline=None, max_examples=40)
def test_boundary_f_equals_its_definition_point_by_point(seed: int, tolerance: float) -> None:
    rng = np.random.default_rng(seed)
    truth, guess = (rng.random((2, 9, 8)) < 0.6).astype(int)
    outlines = [
        np.argwhere(find_boundaries(mask, connectivity=1, mode="inner") & mask) for mask in (guess, truth)
    ]
    found = metrics.boundary_f(truth, guess, 2, tolerance=tolerance)[1]
    if not all(map(len, outlines)):
        assert np.isnan(found) or found == 0
        return
    distance = np.linalg.norm(outlines[0][:, None] - outlines[1][None], axis=-1)
    precision, recall = (distance.min(axis=1) <= tolerance).mean(), (distance.min(axis=0) <= tolerance).mean()
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_shift_within_the_tolerance_costs_overlap_but_no_boundary() -> None:
    disk = (np.hypot(*np.indices((40, 40)) - 20) < 10).astype(int)
    shifted = np.roll(disk, 2, axis=1)
    assert metrics.boundary_f(disk, shifted, 2)[1] == 1
    assert metrics.boundary_f(disk, shifted, 2, tolerance=0)[1] < 0.5
    assert metrics.dice(disk, shifted, 2)[1] < 0.9


def test_the_edge_of_the_picture_is_no_boundary() -> None:
    everything = np.ones((5, 5), int)
    assert np.isnan(metrics.boundary_f(everything, everything, 2)[1])


def test_classes_that_do_not_exist_are_refused() -> None:
    with pytest.raises(FormatError, match=r"The masks contain 7, but there are 2 classes.*semantic"):
        metrics.dice(np.array([[0, 7]]), np.array([[0, 1]]), 2)
    with pytest.raises(FormatError, match="The predictions contain -1"):
        metrics.iou(np.array([[0, 1]]), np.array([[0, -1]]), 2)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(FormatError, match=r"Masks of shape \[1, 2\] meet predictions of shape \[2, 1\]"):
        metrics.dice(np.zeros((1, 2)), np.zeros((2, 1)), 2)
    with pytest.raises(FormatError, match="2 masks meet 1 predictions"):
        metrics.iou([np.zeros((1, 2))] * 2, [np.zeros((1, 2))], 2)
    with pytest.raises(SettingsError, match="tolerance of -1"):
        metrics.boundary_f([[0, 1]], [[0, 1]], 2, tolerance=-1)
