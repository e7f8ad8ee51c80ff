"""The adjacency matrix of several graphs."""

import numpy as np

from teachkit import plots


def shade_at(picture, row, column):
    return picture.figure.axes[0].images[0].get_array()[row, column]


def test_marks_are_where_edges_are_and_nowhere_else():
    picture = plots.spy(np.array([0, 3]), np.array([1, 4]), [2, 3], ["a", "b"], title="Two")
    marks = (picture.figure.axes[0].images[0].get_array() < 1).any(-1)
    assert np.argwhere(marks).tolist() == [[1, 0], [4, 3]]
    assert (shade_at(picture, 1, 0) != shade_at(picture, 4, 3)).any()


def test_edges_between_models_are_counted():
    alone = plots.spy(np.array([0]), np.array([1]), [2, 3], ["a", "b"])
    assert "5 neurons, 1 edges; between two models: 0." in alone.alt
    crossing = plots.spy(np.array([0]), np.array([4]), [2, 3], ["a", "b"])
    assert "between two models: 1." in crossing.alt


def test_large_matrices_share_cells_and_keep_every_block():
    src = np.array([0, 999])
    picture = plots.spy(src, src + 1000, [2000, 3000], ["a", "b"])
    marks = (picture.figure.axes[0].images[0].get_array() < 1).any(-1)
    assert marks.shape == (420, 420)
    assert marks.sum() == 2
    assert "a: 2,000 neurons, 2 edges; b: 3,000 neurons, 0 edges" in picture.alt
