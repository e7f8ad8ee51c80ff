"""Several model-graphs as one: nothing is added, nothing is shared, every model answers as if alone."""

import networkx
import pytest
import torch
from torch import nn

from teachkit import graphs
from teachkit.errors import FormatError, GraphError, SettingsError


@pytest.fixture
def three(reference) -> list[graphs.ModelGraph]:
    return [graphs.model_graph(make(1, 10), torch.zeros(1, 1, 28, 28)) for make in reference.values()]


def test_the_sizes_are_those_of_the_public_code(three):
    union = graphs.unite(three)
    assert (union.num_nodes, union.num_edges) == (6_992, 170_060)
    assert union.offsets == (0, 2_098, 6_028)
    assert repr(union) == "Union(3 models: 6,992 nodes, 170,060 edges)"


def test_colour_images_give_the_sizes_of_the_public_code(reference):
    example = torch.zeros(1, 3, 28, 28)
    union = graphs.unite([graphs.model_graph(make(3, 9), example) for make in reference.values()])
    assert (union.num_nodes, union.num_edges) == (11_693, 390_816)


def test_each_model_answers_as_if_alone_in_any_order(three):
    x = torch.randn(4, 1, 28, 28)
    alone = [model.forward(x) for model in three]
    for order in ([0, 1, 2], [2, 0, 1]):
        together = graphs.unite([three[place] for place in order]).forward(x)
        assert all(out.equal(alone[place]) for out, place in zip(together, order, strict=True))


def test_each_model_can_get_a_batch_of_its_own(three):
    batches = [torch.randn(size, 1, 28, 28) for size in (1, 2, 3)]
    union = graphs.unite(three)
    assert [len(out) for out in union.forward(batches)] == [1, 2, 3]
    with pytest.raises(SettingsError, match="3 models and 2 batches"):
        union.forward(batches[:2])


def test_models_of_different_inputs_live_in_one_union():
    small = graphs.model_graph(nn.Linear(2, 3), torch.zeros(1, 2))
    near = graphs.grid_graph(2, 2)
    network = nn.Sequential(graphs.Patches(2), graphs.GCNConv(near, 4, 2), graphs.MeanReadout())
    union = graphs.unite([small, graphs.model_graph(network, torch.zeros(1, 1, 4, 4))])
    union.check()
    outputs = union.forward([torch.randn(3, 2), torch.randn(3, 1, 4, 4)])
    assert [out.shape for out in outputs] == [(3, 3), (3, 2)]
    with pytest.raises(FormatError, match=r"\(2,\)"):
        union.forward(torch.randn(3, 1, 4, 4))


def test_the_adjacency_has_a_block_for_each_model_and_no_cycle():
    parts = [graphs.model_graph(nn.Linear(2, size), torch.zeros(1, 2)) for size in (1, 2)]
    union = graphs.unite(parts)
    pairs = list(zip(union.edges.src.tolist(), union.edges.dst.tolist(), strict=True))
    assert pairs == [(0, 2), (1, 2), (3, 5), (4, 5), (3, 6), (4, 6)]
    assert union.model_of_edge.tolist() == [0, 0, 1, 1, 1, 1]
    assert union.model_of_node.tolist() == [0] * 3 + [1] * 4
    assert networkx.is_directed_acyclic_graph(networkx.DiGraph(pairs))


def test_models_share_no_number_even_if_they_are_the_same_graph_twice():
    graph = graphs.model_graph(nn.Linear(2, 1), torch.zeros(1, 2))
    union = graphs.unite([graph, graph])
    assert union.edges.weight.tolist() == [1, 2, 4, 5]  # after the bias, number 0
    assert union.value_offsets == (0, 3)


def test_an_edge_between_two_models_is_found():
    parts = [graphs.model_graph(nn.Linear(2, 1), torch.zeros(1, 2)) for _ in range(2)]
    union = graphs.unite(parts)
    union.check()
    union.edges.dst[1] = 5
    with pytest.raises(GraphError, match="1 edges join two models"):
        union.check()


def test_statistics_have_a_row_a_model(three):
    table = graphs.unite(three).statistics()
    assert table["edges"].tolist() == [27_204, 58_256, 84_600]


def test_what_cannot_be_united_is_refused():
    with pytest.raises(SettingsError, match="not of Linear"):
        graphs.unite([nn.Linear(2, 1)])
    with pytest.raises(SettingsError, match="at least one"):
        graphs.unite([])
