"""A cell graph: nodes are data, edges join neighbours, averaging is one round of messages."""

import networkx
import numpy as np
import pytest
import torch

from teachkit import graphs
from teachkit.errors import FormatError, SettingsError


@pytest.fixture
def mask():
    """Four objects of 4, 4, 9 and 1 pixels; the last one stands far from the others."""
    mask = np.zeros((30, 40), int)
    mask[2:4, 2:4], mask[2:4, 8:10], mask[8:11, 2:5], mask[25, 35] = 1, 2, 5, 9
    return mask


def test_centres_and_areas_are_those_of_the_objects(mask):
    cells = graphs.cell_graph(mask)
    assert cells.numbers.tolist() == [1, 2, 5, 9]
    assert cells.areas.tolist() == [4, 4, 9, 1]
    assert cells.centres.tolist() == [[2.5, 2.5], [2.5, 8.5], [9, 3], [25, 35]]


def test_a_radius_joins_centres_that_are_near_enough(mask):
    assert graphs.cell_graph(mask, radius=6.2).edges.tolist() == [[0, 1]]
    cells = graphs.cell_graph(mask, radius=7)
    assert cells.edges.tolist() == [[0, 1], [0, 2]]
    assert cells.degrees.tolist() == [2, 1, 1, 0]
    assert cells.neighbours(0) == [1, 2]


def test_the_nearest_joins_where_either_chose_the_other(mask):
    cells = graphs.cell_graph(mask, neighbours=1)
    assert cells.edges.tolist() == [[0, 1], [0, 2], [1, 3]]  # 3 chose 1, although 1 chose 0
    assert graphs.cell_graph(mask, neighbours=99).num_edges == 6


def test_neighbours_are_those_of_scikit_learn(mask):
    sklearn = pytest.importorskip("sklearn.neighbors")
    rng = np.random.default_rng(0)
    crowd = np.zeros((80, 80), int)
    crowd.ravel()[rng.choice(6400, 30, replace=False)] = np.arange(1, 31)
    cells = graphs.cell_graph(crowd, radius=20)
    oracle = sklearn.radius_neighbors_graph(cells.centres, 20).toarray()
    assert np.array_equal(cells.adjacency.numpy(), oracle)


def test_averaging_takes_the_mean_of_a_cell_and_its_neighbours(mask):
    cells = graphs.cell_graph(mask, radius=7)
    assert cells.average([3.0, 6.0, 0.0, 7.0]).tolist() == [3, 4.5, 1.5, 7]
    two = cells.average(np.eye(4), rounds=2)
    assert two.shape == (4, 4)
    assert two[1, 2] > 0 == cells.average(np.eye(4))[1, 2]  # two edges apart


def test_averaging_is_the_matrix_product_with_the_normalised_adjacency(mask):
    cells = graphs.cell_graph(mask, neighbours=2)
    matrix = cells.adjacency + torch.eye(4)
    values = torch.rand(4, 3)
    expected = (matrix / matrix.sum(1, keepdim=True)) @ values
    assert np.allclose(cells.average(values), expected, atol=1e-6)


def test_a_graph_layer_takes_the_adjacency(mask):
    layer = graphs.GCNConv(graphs.cell_graph(mask).adjacency, 2, 3)
    assert layer(torch.zeros(1, 4, 2)).shape == (1, 4, 3)


def test_networkx_gets_the_same_graph(mask):
    made = graphs.cell_graph(mask, radius=7).to_networkx()
    assert [sorted(part) for part in networkx.connected_components(made)] == [[0, 1, 2], [3]]
    assert made.nodes[2] == {"row": 9.0, "column": 3.0, "area": 9}


def test_a_single_cell_has_no_neighbours_and_keeps_its_value():
    cells = graphs.cell_graph(np.pad([[1]], 3))
    assert cells.edges.shape == (0, 2)
    assert cells.average([2.5]).tolist() == [2.5]
    assert "1 cell, 0 edges" in cells.draw().alt


def test_the_picture_says_what_averaging_did(mask):
    cells = graphs.cell_graph(mask, radius=7)
    shown = cells.draw(cells.areas, name="area (px)", title="Made, n = 1")
    assert "4 cells, 2 edges; neighbours: centres at most 7 px apart" in shown.alt
    assert "before: area (px) from 1 to 9" in shown.alt
    low, high = cells.average(cells.areas).min(), cells.average(cells.areas).max()
    assert f"averaging: area (px) from {low:,.3g} to {high:,.3g}" in shown.alt
    before, after, _ = shown.figure.axes
    assert before.collections[1].get_clim() == after.collections[1].get_clim()


def test_what_is_no_mask_is_refused():
    for wrong in (np.zeros((4, 4), int), np.ones((4, 4)), np.ones((2, 4, 4), int)):
        with pytest.raises(FormatError, match="needs a mask of whole numbers"):
            graphs.cell_graph(wrong)


def test_rules_that_make_no_sense_are_refused(mask):
    with pytest.raises(SettingsError, match="Two rules"):
        graphs.cell_graph(mask, radius=3, neighbours=2)
    for wrong in ({"radius": 0}, {"neighbours": 0}):
        with pytest.raises(SettingsError, match="must be positive"):
            graphs.cell_graph(mask, **wrong)


def test_values_of_another_length_are_refused(mask):
    with pytest.raises(FormatError, match=r"4 cells, and values of shape \[3\]"):
        graphs.cell_graph(mask).average([1, 2, 3])
    with pytest.raises(FormatError, match="one number a cell"):
        graphs.cell_graph(mask).draw(np.eye(4))
