"""Activations as properties of neurons (oracle: torch.nn)."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from teachkit import graphs
from teachkit.errors import UnsupportedLayerError

LAYERS = [
    *(nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.LeakyReLU(), nn.LeakyReLU(0.3), nn.ELU(), nn.SELU()),
    *(
        nn.CELU(),
        nn.GELU(),
        nn.GELU(approximate="tanh"),
        nn.SiLU(),
        nn.Mish(),
        nn.Hardswish(),
        nn.Hardsigmoid(),
    ),
    *(nn.Hardtanh(), nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.Softsign(), nn.LogSigmoid()),
    *(nn.PReLU(init=0.4), nn.PReLU(5, init=-0.2)),
]


class Calls(nn.Module):
    """A linear layer, then a function of its output."""

    def __init__(self, function):
        super().__init__()
        self.linear, self.function = nn.Linear(4, 5), function

    def forward(self, x):
        return self.function(self.linear(x))


FUNCTIONS = {
    "used before and after": lambda x: x - F.relu(x),
    "twice the same": lambda x: F.relu(torch.tanh(F.relu(x))),
    "one value, two activations": lambda x: torch.cat([F.relu(x), torch.sigmoid(x)], 1),
    "half of the neurons": lambda x: torch.cat([F.relu(x[:, :2]), x[:, 2:]], 1),
    "method": lambda x: x.relu() * 2.0,
    "in place": lambda x: F.relu(x, inplace=True) + 1,
    "reshaped first": lambda x: F.relu(x.view(x.size(0), -1, 1)).flatten(1),
    "square": lambda x: x * x + x**2 + torch.square(x),
    "absolute": lambda x: abs(x) + x.abs(),
    "functional settings": lambda x: F.elu(x, alpha=1.0) + F.leaky_relu(x, 0.2) + F.gelu(x),
}


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_every_activation_agrees_with_torch(difference, layer):
    assert difference(nn.Sequential(nn.Linear(4, 5), layer), 4) < 1e-5


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations_written_as_functions_agree_with_torch(difference, name):
    assert difference(Calls(FUNCTIONS[name]), 4) < 1e-5


def test_an_activation_makes_no_neuron_unless_its_input_is_read_elsewhere():
    def nodes(function):
        return graphs.model_graph(Calls(function), torch.zeros(1, 4)).num_nodes

    assert nodes(F.relu) == 4 + 5
    assert nodes(lambda x: F.relu(x.flatten(1))) == 4 + 5
    assert nodes(lambda x: F.relu(x) + x) == 4 + 5 + 5 + 5  # copies, then sums


def test_an_activation_of_the_input_is_a_copy():
    graph = graphs.model_graph(nn.ReLU(), torch.zeros(1, 3))
    assert (graph.num_nodes, graph.num_edges) == (6, 3)


@pytest.mark.parametrize("layer", [nn.ELU(2.0), nn.Softplus(beta=3), nn.Hardtanh(-2, 2)])
def test_settings_that_a_node_cannot_have_are_refused_with_the_value(layer):
    with pytest.raises(UnsupportedLayerError, match=r"1 \(.*with .*[23]"):
        graphs.model_graph(nn.Sequential(nn.Linear(2, 2), layer), torch.zeros(1, 2))


def test_changing_a_value_in_place_that_is_read_later_is_refused():
    class Shortcut(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.act = nn.Linear(2, 2), nn.ReLU(inplace=True)

        def forward(self, x):
            x = self.first(x)
            return self.act(x) + x  # torch adds relu(x) twice here

    with pytest.raises(UnsupportedLayerError, match=r"act \(ReLU\) changes its input in place"):
        graphs.model_graph(Shortcut(), torch.zeros(1, 2))
