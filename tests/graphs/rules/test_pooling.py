"""Pooling as fixed edges (oracle: torch.nn)."""

import pytest
import torch
from torch import nn

from teachkit import graphs
from teachkit.errors import UnsupportedLayerError

LAYERS = [
    nn.MaxPool2d(2),
    nn.MaxPool2d(3, stride=2, padding=1),
    nn.MaxPool2d((2, 3), stride=(2, 1), dilation=(1, 2)),
    nn.MaxPool2d(3, stride=2, ceil_mode=True),
    nn.MaxPool2d(2, stride=3, padding=1, ceil_mode=True),
    nn.AvgPool2d(2),
    nn.AvgPool2d(3, stride=2, padding=1),
    nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
    nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True),
    nn.AvgPool2d(2, stride=3, ceil_mode=True, count_include_pad=False),
    nn.AvgPool2d(3, divisor_override=2),
    nn.AdaptiveAvgPool2d(1),
    nn.AdaptiveAvgPool2d((3, None)),
    nn.AdaptiveMaxPool2d((2, 5)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_every_pooling_layer_agrees_with_torch(difference, layer):
    assert difference(nn.Sequential(nn.Conv2d(2, 3, 1), layer), 2, 8, 7) < 1e-5


def test_pooling_in_one_and_three_dimensions_agrees_with_torch(difference):
    for layer in (
        nn.MaxPool1d(3, 2),
        nn.AvgPool1d(3, 2, 1),
        nn.AdaptiveAvgPool1d(4),
        nn.AdaptiveMaxPool1d(3),
    ):
        assert difference(layer, 2, 9) < 1e-5
    for layer in (nn.MaxPool3d(2), nn.AvgPool3d(2), nn.AdaptiveAvgPool3d((1, 2, 1))):
        assert difference(layer, 2, 4, 5, 4) < 1e-5


def test_pooling_edges_are_fixed_and_a_maximum_is_no_sum():
    graph = graphs.model_graph(nn.MaxPool2d(2), torch.zeros(1, 1, 4, 4))
    assert graph.num_edges == 16
    assert (graph.edges.weight == -1).all()
    assert (graph.edges.gain == 1).all()
    assert graph.nodes.aggregate[16:].tolist() == [1] * 4
    assert graph.forward(torch.arange(16.0).view(1, 1, 4, 4)).flatten().tolist() == [5, 7, 13, 15]


def test_maximum_after_zero_padding_counts_the_zeros(difference):
    layer = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ZeroPad2d(1), nn.MaxPool2d(2))
    nn.init.constant_(layer[0].bias, -9.0)
    assert difference(layer, 1, 4, 4) < 1e-5


def test_places_of_the_maximum_are_refused():
    with pytest.raises(UnsupportedLayerError, match="where the maximum was"):
        graphs.model_graph(nn.MaxPool2d(2, return_indices=True), torch.zeros(1, 1, 4, 4))
