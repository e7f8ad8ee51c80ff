"""Convolutions as edges (oracle: torch.nn, and a count by convolving ones with ones)."""

import pytest
import torch
from torch import nn

from teachkit import graphs

SETTINGS = {
    "stride": {"stride": 2},
    "padding": {"padding": (2, 1)},
    "dilation": {"dilation": (1, 2), "padding": 2},
    "groups": {"groups": 2, "padding": 1},
    "depthwise": {"groups": 4, "stride": (2, 1)},
    "no bias": {"bias": False},
    "same": {"padding": "same", "dilation": 2},
    "valid": {"padding": "valid"},
    "reflect": {"padding": 1, "padding_mode": "reflect"},
    "replicate": {"padding": (0, 2), "padding_mode": "replicate"},
    "circular": {"padding": 1, "padding_mode": "circular", "stride": 2},
    "same circular": {"padding": "same", "padding_mode": "circular"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_of_conv2d_agrees_with_torch(difference, name):
    assert difference(nn.Conv2d(4, 8, (3, 2), **SETTINGS[name]), 4, 9, 7) < 1e-5


@pytest.mark.parametrize("name", SETTINGS)
def test_edges_are_the_places_of_the_kernel_that_lie_inside_the_image(name):
    layer = nn.Conv2d(4, 8, (3, 2), **SETTINGS[name])
    graph = graphs.model_graph(layer, torch.zeros(1, 4, 9, 7))
    nn.init.ones_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    assert graph.num_edges == int(layer(torch.ones(1, 4, 9, 7)).sum())


def test_conv1d_and_conv3d_agree_with_torch(difference):
    assert difference(nn.Conv1d(3, 4, 4, stride=2, padding=3, dilation=2), 3, 11) < 1e-5
    assert difference(nn.Conv3d(2, 3, 2, stride=(1, 2, 1), padding=1), 2, 4, 5, 3) < 1e-5


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"stride": 2, "padding": 1, "output_padding": 1},
        {"stride": (1, 3), "dilation": 2, "bias": False},
        {"stride": 2, "groups": 2},
    ],
)
def test_transposed_convolutions_agree_with_torch(difference, settings):
    assert difference(nn.ConvTranspose2d(4, 6, 3, **settings), 4, 5, 4) < 1e-5
    assert difference(nn.ConvTranspose1d(2, 3, 4, stride=2), 2, 6) < 1e-5


def test_zero_padding_by_a_layer_of_its_own_makes_no_edges(difference):
    apart = nn.Sequential(nn.ZeroPad2d((1, 2, 0, 3)), nn.Conv2d(2, 3, 3))
    inside = nn.Conv2d(2, 3, 3, padding=1)
    assert difference(apart, 2, 6, 6) < 1e-5
    sizes = [graphs.model_graph(m, torch.zeros(1, 2, 6, 6)).num_edges for m in (apart, inside)]
    assert sizes == [2 * 3 * 15 * 17, 2 * 3 * 16 * 16]


@pytest.mark.parametrize(
    "pad", [nn.ReflectionPad2d(2), nn.ReplicationPad2d((1, 0, 2, 3)), nn.ConstantPad2d(1, 0.5)]
)
def test_other_padding_layers_agree_with_torch(difference, pad):
    assert difference(nn.Sequential(pad, nn.Conv2d(2, 3, 3)), 2, 5, 6) < 1e-5


def test_a_kernel_is_stored_once_and_its_edges_name_it():
    graph = graphs.model_graph(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1)), torch.zeros(1, 1, 4, 4))
    assert len(graph.values) == 2 * 9 + 2
    node = graph.layers[1].first_node + 16 + 5  # channel 1, row 1, column 1: inside
    edges = (graph.edges.dst == node).nonzero()[:, 0]
    names = [graph.name_of(int(graph.edges.weight[edge])) for edge in edges]
    assert names == [f"0.weight[1, 0, {row}, {column}]" for row in range(3) for column in range(3)]
    assert graph.name_of(int(graph.nodes.bias[node])) == "0.bias[1]"
