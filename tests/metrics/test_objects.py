"""Objects are counted and matched. Oracles: scikit-image for pieces and overlaps, else hand counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label
from skimage.metrics import contingency_table

from teachkit import metrics
from teachkit.errors import FormatError, SettingsError

SEEDS = st.integers(0, 2**32 - 1)


def two_instance_masks(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of pixels with numbers that have gaps, and a noisy copy."""
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.choice([0, 0, 3, 7, 8, 20], (3, 4)), np.ones((3, 3), int))
    guess = np.where(rng.random(truth.shape) < 0.2, 0, truth)
    return truth, np.roll(guess, rng.integers(0, 2), axis=1) * 2


@given(SEEDS)
@settings(deadline=None, max_examples=50)
def test_pieces_are_those_of_scikit_image(seed: int) -> None:
    mask = np.random.default_rng(seed).random((9, 9)) < 0.4
    assert np.array_equal(metrics.connected_objects(mask), label(mask))


def test_small_pieces_are_left_out_and_the_rest_is_numbered_anew() -> None:
    mask = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 0, 1]])
    assert metrics.connected_objects(mask, smallest=2).tolist() == [[0, 0, 1, 1], [0, 0, 0, 0], [2, 2, 0, 0]]
    assert metrics.connected_objects(np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]


def test_two_objects_that_touch_become_one() -> None:
    touching = np.array([[1, 1, 2, 2]])
    found = metrics.object_scores(touching, metrics.connected_objects(touching))
    assert (found.true, found.predicted, found.matched) == (2, 1, 0)  # either half covers just 0.5


@given(SEEDS)
@settings(deadline=None, max_examples=50)
def test_overlaps_follow_from_scikit_images_contingency_table(seed: int) -> None:
    truth, guess = two_instance_masks(seed)
    both = contingency_table(truth, guess).toarray()
    for row, name in enumerate(np.unique(truth[truth > 0])):
        for column, other in enumerate(np.unique(guess[guess > 0])):
            union = both[name].sum() + both[:, other].sum() - both[name, other]
            assert metrics.object_overlaps(truth, guess)[row, column] == pytest.approx(
                both[name, other] / union
            )


@given(SEEDS, st.sampled_from([0.5, 0.6, 0.75, 0.9]))
@settings(deadline=None, max_examples=50)
def test_above_one_half_no_object_has_two_partners(seed: int, iou: float) -> None:
    truth, guess = two_instance_masks(seed)
    enough = metrics.object_overlaps(truth, guess) > iou
    assert enough.sum(axis=0).max(initial=0) <= 1
    assert enough.sum(axis=1).max(initial=0) <= 1
    found = metrics.object_scores(truth, guess, iou)
    assert found.matched == enough.sum()


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_a_mask_matches_itself_under_any_numbers(seed: int) -> None:
    truth, _ = two_instance_masks(seed)
    found = metrics.object_scores(truth, truth * 5)
    assert found.matched == found.true == found.predicted
    assert found.f1 == 1 or not truth.any()


def test_scores_by_hand() -> None:
    truth = np.array([[1, 1, 0, 2, 2, 0, 3]])
    guess = np.array([[4, 4, 0, 9, 0, 8, 0]])  # one found, one just half, one invented, one missed
    found = metrics.object_scores(truth, guess)
    assert (found.true, found.predicted, found.matched, found.missed, found.invented) == (3, 3, 1, 2, 2)
    assert (found.precision, found.recall, found.f1) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert metrics.object_scores(truth, guess, iou=0.4).matched == 2


def test_at_low_overlap_pairs_are_chosen_that_match_most() -> None:
    truth = np.array([[1, 1, 1, 2, 2, 2]])
    guess = np.array([[1, 1, 2, 2, 0, 0]])  # the second overlaps both; the first only one
    assert metrics.object_scores(truth, guess, iou=0.1).matched == 2


def test_several_pictures_are_counted_together() -> None:
    one, none = np.array([[1, 0]]), np.array([[0, 0]])
    found = metrics.object_scores([one, one, none], [one, none, none])
    assert (found.true, found.predicted, found.matched) == (2, 1, 1)
    assert found.recall == 0.5


def test_nothing_to_find_and_nothing_found_is_undefined() -> None:
    found = metrics.object_scores(np.zeros((2, 2), int), np.zeros((2, 2), int))
    assert np.isnan([found.precision, found.recall, found.f1]).all()


def test_arguments_that_make_no_sense_are_refused() -> None:
    with pytest.raises(FormatError, match=r"shape \[1, 2, 2\] is no single picture"):
        metrics.connected_objects(np.zeros((1, 2, 2)))
    with pytest.raises(FormatError, match=r"\[1, 2\] meet predictions of shape \[2, 1\]"):
        metrics.object_scores([[0, 1]], [[0], [1]])
    with pytest.raises(SettingsError, match="above 1"):
        metrics.object_scores([[1]], [[1]], iou=1)
