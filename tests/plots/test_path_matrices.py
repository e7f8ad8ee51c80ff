"""Which nodes are joined, and over how many edges."""

import numpy as np

from teachkit import plots


def test_paths_show_edges_in_black_and_distances_without_zeros():
    distances = np.array([[0, 1, 2], [0, 0, 1], [0, 0, 0]], dtype=np.uint8)
    picture = plots.path_lengths(np.array([[0, 1], [1, 2]]), distances, title="Chain")
    edges, lengths = (axes.images[0].get_array() for axes in picture.figure.axes[:2])
    np.testing.assert_array_equal(edges, distances == 1)
    np.testing.assert_array_equal(np.ma.filled(lengths, 0), distances)
    assert lengths.mask.sum() == 6
    assert picture.alt.startswith("Chain. 3 nodes, 2 edges; 3 pairs")
    assert "at most 2 edges" in picture.alt
