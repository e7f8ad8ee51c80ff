import numpy as np
import pytest

from teachkit.errors import FormatError
from teachkit.plots.mixtures import EXAMPLES, mixture

PICTURES = [np.full((8, 4, 4), 50, np.uint8), np.full((2, 4, 4), 200, np.uint8)]
COUNTS = np.array([[6, 2], [0, 2]])
PLACES = [np.zeros((8, 2)), np.ones((2, 2))]


def test_the_bars_are_shares_of_a_cluster_and_the_alt_text_tells_the_counts():
    picture = mixture(PICTURES, ["a", "b"], COUNTS, ["ill", "well"], PLACES, title="Toy", note="a map")
    bars = picture.figure.subfigs[1].axes
    assert [patch.get_height() for patch in bars[0].patches] == [0.75, 0.25, 0, 1]
    assert bars[0].get_ylim()[0] == 0
    assert "a: 6 ill, 2 well; b: 0 ill, 2 well" in picture.alt


def test_each_cluster_has_a_row_of_its_first_images():
    picture = mixture(PICTURES, ["a", "b"], COUNTS, ["ill", "well"], PLACES)
    shown = [len(axes.images) for axes in picture.figure.subfigs[0].axes]
    assert shown == [1] * EXAMPLES + [1, 1] + [0] * (EXAMPLES - 2)


def test_the_map_has_one_dot_an_image():
    picture = mixture(PICTURES, ["a", "b"], COUNTS, ["ill", "well"], PLACES)
    lines = picture.figure.subfigs[2].axes[0].lines
    assert [len(line.get_xdata()) for line in lines] == [8, 2]


def test_lists_of_different_length_are_refused():
    with pytest.raises(FormatError, match="2 clusters, but images of 1"):
        mixture(PICTURES[:1], ["a", "b"], COUNTS, ["ill", "well"], PLACES)
