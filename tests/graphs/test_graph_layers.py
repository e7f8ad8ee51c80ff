"""Layers over a fixed graph, by their formulas and as model-graphs (oracle: answers worked out by hand)."""

import networkx
import pytest
import torch
from torch import nn

from teachkit import graphs
from teachkit.errors import FormatError

PATH = torch.tensor([[0.0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])  # 0 - 1 - 2 - 3


def with_identity(layer):
    for name, parameter in layer.named_parameters():
        nn.init.zeros_(parameter) if "bias" in name else parameter.data.copy_(torch.eye(len(parameter)))
    return layer


def test_gcn_averages_neighbours_with_the_normalised_adjacency():
    layer = with_identity(graphs.GCNConv(PATH, 1, 1))
    x = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]])
    end, middle = 1 / 6**0.5, 1 / 3  # degrees with loops: 2, 3, 3, 2
    expected = [
        1 / 2 + 2 * end,
        end + 2 * middle + 3 * middle,
        2 * middle + 3 * middle + 4 * end,
        3 * end + 4 / 2,
    ]
    torch.testing.assert_close(layer(x).flatten(), torch.tensor(expected))


def test_sage_adds_the_node_and_the_mean_of_its_neighbours():
    layer = with_identity(graphs.SAGEConv(PATH, 1, 1))
    x = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]])
    assert layer(x).flatten().tolist() == [1 + 2, 2 + 2, 3 + 3, 4 + 3]


def test_gin_adds_the_node_and_the_sum_of_its_neighbours():
    layer = graphs.GINConv(PATH, nn.Identity(), eps=0.5)
    x = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]])
    assert layer(x).flatten().tolist() == [1.5 + 2, 3 + 4, 4.5 + 6, 6 + 3]


def test_a_networkx_graph_gives_the_same_layer():
    one, other = graphs.GCNConv(networkx.path_graph(4), 2, 3), graphs.GCNConv(PATH, 2, 3)
    assert one.normalised.equal(other.normalised)
    directed = networkx.DiGraph([("a", "b")])
    assert graphs.adjacency(directed).tolist() == [[0, 0], [1, 0]]


def test_a_matrix_that_is_not_square_is_refused():
    with pytest.raises(FormatError, match=r"\(2, 3\)"):
        graphs.GCNConv(torch.zeros(2, 3), 1, 1)


def test_a_grid_joins_each_node_to_its_neighbours():
    assert graphs.grid_graph(7, 7).sum(1).view(7, 7)[0].tolist() == [3, 5, 5, 5, 5, 5, 3]
    assert graphs.grid_graph(3, 4, neighbours=4).sum() == 2 * (3 * 3 + 2 * 4)
    assert graphs.grid_graph(3, 3).equal(graphs.grid_graph(3, 3).T)
    with pytest.raises(FormatError, match="not 6"):
        graphs.grid_graph(3, 3, neighbours=6)


def test_patches_hold_the_pixels_of_one_place():
    image = torch.arange(16.0).view(1, 1, 4, 4)
    assert graphs.Patches(2)(image)[0].tolist() == [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
        [8, 9, 12, 13],
        [10, 11, 14, 15],
    ]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layer", [graphs.GCNConv, graphs.SAGEConv])
def test_layers_agree_with_their_model_graphs(difference, layer, bias):
    assert difference(nn.Sequential(layer(PATH, 3, 5, bias), nn.ReLU(), layer(PATH, 5, 2, bias)), 4, 3) < 1e-5


@pytest.mark.parametrize("settings", [{}, {"eps": 0.3}, {"eps": 0.3, "learn_eps": True}, {"eps": -1.0}])
def test_gin_agrees_with_its_model_graph(difference, settings):
    perceptron = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2))
    assert (
        difference(nn.Sequential(graphs.GINConv(PATH, perceptron, **settings), graphs.MeanReadout()), 4, 3)
        < 1e-5
    )


def test_a_graph_network_on_image_patches_agrees(difference):
    grid = graphs.grid_graph(7, 7)
    module = nn.Sequential(
        *(graphs.Patches(4), graphs.GCNConv(grid, 16, 16), nn.ReLU(), graphs.GCNConv(grid, 16, 8), nn.ReLU()),
        *(graphs.MeanReadout(), nn.Linear(8, 10)),
    )
    assert difference(module, 1, 28, 28) < 1e-5
    graph = graphs.model_graph(module, torch.zeros(1, 1, 28, 28))
    joined = int(grid.sum()) + 49  # with loops
    assert graph.num_edges == joined * 16 * 16 + joined * 16 * 8 + 49 * 8 + 8 * 10
    assert len(graph.values) == 16 * 16 + 16 + 16 * 8 + 8 + 8 * 10 + 10


def test_gains_are_the_data_edges_and_weights_are_shared_by_all_nodes():
    layer = graphs.GCNConv(PATH, 2, 3)
    graph = graphs.model_graph(layer, torch.zeros(1, 4, 2))
    into = graph.edges.dst == graph.layers[1].first_node  # node 0 of the data, feature 0
    assert graph.edges.src[into].tolist() == [0, 1, 2, 3]
    assert graph.edges.gain[into].tolist() == pytest.approx([1 / 2, 1 / 2, 6**-0.5, 6**-0.5])
    assert [graph.name_of(int(i)) for i in graph.edges.weight[into]] == ["weight[0, 0]", "weight[0, 1]"] * 2


def test_a_layer_written_with_a_fixed_matrix_agrees(difference):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("matrix", PATH)
            self.linear = nn.Linear(3, 2)

        def forward(self, x):
            return torch.relu(self.matrix @ self.linear(x))

    assert difference(Own(), 4, 3) < 1e-5
