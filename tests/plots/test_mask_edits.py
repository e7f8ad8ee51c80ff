"""Edits of a mask do what they say, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.segmentation import expand_labels

from teachkit.plots import mask_edits


@pytest.fixture
def cells():
    """Two squares that touch, one three pixels away from them, one alone in a corner."""
    mask = np.zeros((12, 40), int)
    mask[2:6, 2:6], mask[2:6, 6:9], mask[3:6, 11:14], mask[10:12, 38:40] = 1, 2, 3, 7
    return mask


def objects(mask):
    return len(np.unique(mask[mask > 0]))


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_growing_equals_expanding_labels(seed, pixels):
    rng = np.random.default_rng(seed)
    mask = rng.integers(1, 5, (12, 12)) * (rng.random((12, 12)) < 0.1)
    ours, theirs = mask_edits.grown(mask, pixels), expand_labels(mask, pixels)
    assert np.array_equal(ours > 0, theirs > 0)  # on equal distances either neighbour may win
    assert (ours[mask > 0] == mask[mask > 0]).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 2))
@settings(deadline=None, max_examples=20)
def test_shrinking_keeps_pixels_with_nothing_else_within_reach(seed, pixels):
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.integers(0, 4, (3, 3)), np.ones((5, 5), int))
    rows, columns = np.indices(mask.shape)
    for row, column in np.ndindex(mask.shape):
        near = (rows - row) ** 2 + (columns - column) ** 2 <= pixels**2
        alone = (mask[near] == mask[row, column]).all()
        assert mask_edits.grown(mask, -pixels)[row, column] == (mask[row, column] if alone else 0)


def test_growing_by_nothing_changes_nothing(cells):
    assert np.array_equal(mask_edits.grown(cells, 0), cells)


def test_the_smallest_objects_go_first(cells):
    assert set(np.unique(mask_edits.without_smallest(cells, 0.5))) == {0, 1, 2}
    assert np.array_equal(mask_edits.without_smallest(cells, 0), cells)
    assert not mask_edits.without_smallest(cells, 1).any()


def test_neighbours_are_listed_from_the_closest_and_none_beyond_reach(cells):
    gaps = mask_edits.neighbours(cells)
    assert [(first, second) for _, first, second in gaps] == [(1, 2), (2, 3), (1, 3)]
    assert [gap for gap, *_ in gaps] == [1, 3, 6]


def test_every_merge_makes_one_object_fewer_and_fills_the_gap(cells):
    gaps = mask_edits.neighbours(cells)
    once, twice = (mask_edits.merged(cells, count, gaps) for count in (1, 2))
    assert (objects(cells), objects(once), objects(twice)) == (4, 3, 2)
    assert np.array_equal(once > 0, cells > 0)  # side by side there is no gap to fill
    assert (twice[3:6, 9:11] == 1).all()
    assert set(np.unique(twice)) == {0, 1, 7}
    assert np.array_equal(mask_edits.merged(cells, 9, gaps), twice)  # nobody else is near
    assert np.array_equal(mask_edits.merged(cells, 0, gaps), cells)


def test_deleted_objects_are_not_merged(cells):
    gaps = mask_edits.neighbours(cells)
    rest = np.where(cells == 2, 0, cells)
    assert set(np.unique(mask_edits.merged(rest, 1, gaps))) == {0, 1, 7}


def test_shifting_loses_what_leaves_the_picture(cells):
    assert np.array_equal(mask_edits.shifted(cells, 1)[:, 1:], cells[:, :-1])
    assert np.array_equal(mask_edits.shifted(cells, -2)[:, :-2], cells[:, 2:])
    assert not mask_edits.shifted(cells, 1)[:, 0].any()
    assert not mask_edits.shifted(cells, 99).any()
