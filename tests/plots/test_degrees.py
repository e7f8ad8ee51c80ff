"""Edges of a neuron at its place, and sharing layer by layer."""

import numpy as np

from teachkit import plots


def test_a_map_writes_the_count_into_each_cell():
    counts = np.array([[[4, 6], [6, 9]]])
    picture = plots.degree_maps(counts, title="Kernel")
    assert [text.get_text() for text in picture.figure.axes[0].texts] == ["4", "6", "6", "9"]
    assert "1 of 4 neurons have 4, 2 of 4 neurons have 6, 1 of 4 neurons have 9" in picture.alt


def test_only_the_first_maps_are_drawn_and_it_is_said():
    picture = plots.degree_maps(np.ones((6, 20, 20), int))
    assert len(picture.figure.axes) == 4 + 1
    assert not picture.figure.axes[0].texts
    assert "The first 4 of 6 channels are drawn" in picture.alt


def test_sharing_shows_edges_numbers_and_their_ratio():
    layers = [plots.LayerCount("conv", 100, 0, 9), plots.LayerCount("pool", 16, 16, 0)]
    picture = plots.sharing(layers, np.array([4, 4, 9, 4]), title="Net")
    left, right = picture.figure.axes
    assert [text.get_text().strip() for text in left.texts] == ["× 11.1", "fixed"]
    edges, numbers = left.collections
    assert edges.get_offsets()[:, 0].tolist() == [100, 16]
    assert numbers.get_offsets().tolist() == [[9, 0]]
    assert right.collections[0].get_offsets().tolist() == [[4, 3], [9, 1]]
    assert "conv: 100 edges, 9 distinct numbers; pool: 16 edges, 0 distinct numbers" in picture.alt
