"""Sizes of the three reference networks, counted by hand (oracle: arithmetic on kernels and borders)."""

import pytest
import torch
from torch import nn

from teachkit import graphs

SIZES = {  # channels, classes, network: parameters, nodes, edges
    (1, 10, "deep"): (2_210, 2_098, 27_204),
    (1, 10, "shallow"): (31_410, 3_930, 58_256),
    (1, 10, "perceptron"): (84_780, 964, 84_600),
    (3, 9, "deep"): (2_153, 3_665, 40_524),
    (3, 9, "shallow"): (28_345, 5_497, 108_912),
    (3, 9, "perceptron"): (241_559, 2_531, 241_380),
}


@pytest.mark.parametrize(("channels", "classes", "name"), SIZES)
def test_reference_networks_have_the_known_sizes(reference, channels, classes, name):
    module = reference[name](channels, classes)
    graph = graphs.model_graph(module, torch.zeros(1, channels, 28, 28))
    assert (len(graph.values), graph.num_nodes, graph.num_edges) == SIZES[channels, classes, name]


@pytest.mark.parametrize("name", ["deep", "shallow", "perceptron"])
def test_reference_networks_and_their_graphs_agree(reference, difference, name):
    assert difference(reference[name](1, 10), 1, 28, 28) < 1e-5


@pytest.mark.parametrize(("size", "per_axis"), [(28, 82), (4, 10), (1, 1)])
def test_a_padded_kernel_has_one_edge_for_each_place_inside_the_image(size, per_axis):
    graph = graphs.model_graph(nn.Conv2d(2, 5, 3, padding=1), torch.zeros(1, 2, size, size))
    assert graph.num_edges == 2 * 5 * per_axis**2
