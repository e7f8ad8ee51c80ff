"""From a graph back to a network (oracle: the network it was made from)."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from teachkit import graphs
from teachkit.graphs.rebuilding import LocallyConnected

PARTS = {
    "conv": nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2),
    "same": nn.Conv2d(2, 4, 2, padding="same", dilation=2, bias=False),
    "reflect": nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"),
    "transposed": nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2),
}


def rebuilt(module, *shape):
    graph = graphs.model_graph(module.eval(), torch.zeros(1, *shape))
    return graph, graph.to_module()


@pytest.mark.parametrize("name", PARTS)
def test_tied_convolutions_come_back_as_the_same_layer_with_the_same_numbers(name):
    module = nn.Sequential(PARTS[name], nn.ReLU())
    _, network = rebuilt(module, 2, 6, 5)
    again = network.parts["0"]
    assert str(again) == str(PARTS[name])
    assert again.weight.equal(PARTS[name].weight)
    x = torch.randn(3, 2, 6, 5)
    torch.testing.assert_close(network(x), module(x), rtol=0, atol=1e-6)


def test_entries_of_a_kernel_that_no_edge_uses_come_back_too():
    module = nn.Conv2d(1, 1, 3, padding=1)
    graph, network = rebuilt(module, 1, 1, 1)
    assert graph.num_edges == 1
    assert network.parts["network"].weight.equal(module.weight)


def test_a_module_used_twice_is_one_module_again():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, x):
            return self.conv(F.relu(self.conv(x))) + x

    module = Twice()
    _, network = rebuilt(module, 2, 4, 4)
    assert sum(p.numel() for p in network.parameters()) == sum(p.numel() for p in module.parameters())
    x = torch.randn(2, 2, 4, 4)
    torch.testing.assert_close(network(x), module(x), rtol=0, atol=1e-6)


def test_an_untied_convolution_becomes_a_locally_connected_layer():
    module = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))
    graph = graphs.model_graph(module, torch.zeros(1, 1, 4, 4)).untie()
    graph.check()
    assert len(graph.values) == graph.num_edges + 32 + 3
    network, x = graph.to_module(), torch.randn(2, 1, 4, 4)
    assert isinstance(network.parts["0"], LocallyConnected)
    assert network.parts["0"].weight.numel() == 2 * 100
    assert isinstance(network.parts["3"], nn.Linear)
    torch.testing.assert_close(network(x), module(x), rtol=0, atol=1e-6)
    graph.values[7] += 1.0  # now one edge differs from all others
    assert not network(x).equal(graph.to_module()(x))
    torch.testing.assert_close(graph.to_module()(x), graph.forward(x), rtol=0, atol=1e-6)


def test_one_number_changed_for_one_edge_breaks_the_sharing():
    graph = graphs.model_graph(nn.Conv2d(1, 1, 3, padding=1), torch.zeros(1, 1, 3, 3))
    assert isinstance(graph.to_module().parts["network"], nn.Conv2d)
    graph.edges.weight[4] = graph.edges.weight[5]
    assert isinstance(graph.to_module().parts["network"], LocallyConnected)


def test_everything_else_comes_back_by_its_edges():
    grid = graphs.grid_graph(2, 2)
    module = nn.Sequential(
        *(nn.ZeroPad2d(1), nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.PReLU(), nn.MaxPool2d(2)),
        *(graphs.Patches(1), graphs.GCNConv(grid, 2, 3), nn.Tanh(), nn.Linear(3, 2), nn.Flatten()),
    )
    _, network = rebuilt(module, 1, 4, 4)
    x = torch.randn(3, 1, 4, 4)
    torch.testing.assert_close(network(x), module(x), rtol=0, atol=1e-6)


def test_the_rebuilt_network_can_be_trained_like_the_first():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    _, network = rebuilt(module, 1, 4, 4)
    x = torch.randn(3, 1, 4, 4)
    for each in (module, network):
        each(x).square().sum().backward()
    torch.testing.assert_close(network.parts["0"].weight.grad, module[0].weight.grad)
    torch.testing.assert_close(network.parts["1"].weight.grad, module[1].weight.grad)
