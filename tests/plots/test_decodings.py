"""From the state of a node to the weights of its layer, as a picture."""

from functools import cache

import numpy as np

from teachkit import plots


def steps(out=6, into=4, block=(3, 2), kernel=3, factor=0.5):
    rng = np.random.default_rng(0)
    base = rng.normal(size=(*block, kernel, kernel))
    weights = np.tile(base, (out // block[0], into // block[1], 1, 1)) * factor
    return plots.Decoding(rng.normal(size=8), rng.random((7, 7)), weights, block, (kernel, kernel), factor)


@cache
def copied():
    return plots.decoding(steps(), title="Layer")


def panels(picture):
    """Axes by the number their title begins with."""
    return {axes.get_title()[0]: axes for axes in picture.figure.axes if axes.get_title()}


def test_the_five_steps_stand_there_in_order():
    assert list(panels(copied())) == ["1", "2", "3", "4", "5"]


def test_copies_are_counted_and_ruled_off():
    picture = copied()
    assert "The block stands there 2 × 2 times" in picture.alt
    assert "6 × 4 × 3 × 3 = 216 weights, 54 different" in picture.alt
    assert len(panels(picture)["4"].lines) == 2


def test_where_nothing_is_copied_nothing_is_ruled():
    picture = plots.decoding(steps(out=3, into=2))
    assert "Nothing is copied" in picture.alt
    assert not panels(picture)["4"].lines


def test_a_copy_that_is_cut_counts():
    cut = plots.Decoding(np.zeros(4), np.ones((7, 7)), np.ones((7, 5, 1, 1)), (3, 2), (1, 1), 1.0)
    assert cut.copies == (3, 3)


def test_the_middle_of_the_map_is_framed():
    frame = panels(copied())["2"].patches[0]
    assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (1.5, 1.5, 3, 3)


def test_the_block_is_the_corner_of_all_channels_at_the_middle_of_the_kernel():
    given, drawn = steps(), panels(copied())
    block, whole = (drawn[panel].images[0].get_array() for panel in "34")
    np.testing.assert_allclose(whole, given.weights[:, :, 1, 1])
    np.testing.assert_allclose(block, whole[:3, :2])


def test_the_words_compare_the_spread_with_that_of_random_numbers():
    expected = steps().weights.std() / steps().factor
    assert f"{expected:.2f} of it" in copied().alt


def test_numbers_that_are_all_zero_can_be_drawn():
    nothing = plots.Decoding(np.zeros(4), np.zeros((3, 3)), np.zeros((2, 2, 1, 1)), (2, 2), (1, 1), 1.0)
    assert "1 different" in plots.decoding(nothing).alt
