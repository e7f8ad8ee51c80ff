"""The operation graph (oracle: what the forward method says)."""

import networkx
import pytest
import torch
import torchvision
from torch import nn

from teachkit import graphs
from teachkit.errors import FormatError, GraphError, UnsupportedLayerError
from teachkit.graphs.tracing import program_of


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)) + x)


def test_operations_and_data_flow_are_those_of_the_forward_method():
    graph = graphs.trace(nn.Sequential(Block(), nn.Flatten()), torch.zeros(5, 2, 4, 4))
    assert [node.op for node in graph.nodes] == [
        "placeholder", "call_module", "call_module", "call_function", "call_function", "call_module", "output"
    ]  # fmt: skip
    assert [node.module for node in graph.nodes if node.module] == ["Conv2d", "BatchNorm2d", "Flatten"]
    assert [node.path for node in graph.nodes if node.path] == ["0.conv", "0.norm", "1"]
    assert graph.edges == ((0, 1), (1, 2), (2, 3), (0, 3), (3, 4), (4, 5), (5, 6))
    assert graph.nodes[1].shape == (5, 2, 4, 4)
    assert graph.nodes[-1].shape == (5, 32)
    assert graph.nodes[1].parameters == 36


def test_without_an_example_there_are_no_shapes():
    graph = graphs.trace(Block())
    assert all(node.shape is None for node in graph.nodes)
    assert graph.num_nodes == 6


def test_the_operation_graph_of_a_published_network_is_acyclic():
    graph = graphs.trace(torchvision.models.resnet18(), torch.zeros(1, 3, 32, 32))
    drawn = graph.to_networkx()
    assert networkx.is_directed_acyclic_graph(drawn)
    assert drawn.number_of_edges() == graph.num_edges
    assert sum(node.module == "Conv2d" for node in graph.nodes) == 20
    assert sum(node.parameters for node in graph.nodes) == 11_689_512
    assert drawn.nodes[1]["shape"] == (1, 64, 16, 16)


def test_a_single_layer_is_a_network_too():
    assert [node.module for node in graphs.trace(nn.Linear(2, 3)).nodes] == ["", "Linear", ""]


def test_mode_and_statistics_stay_as_they_were():
    module = Block().train()
    graphs.trace(module, torch.randn(4, 2, 4, 4))
    assert module.norm.training
    assert int(module.norm.num_batches_tracked) == 0


def test_what_cannot_be_traced_or_run_says_why():
    class Looping(nn.Module):
        def forward(self, x):
            for _ in range(int(x.sum())):
                x = x + 1
            return x

    with pytest.raises(UnsupportedLayerError, match=r"Looping cannot be traced.*same steps for every input"):
        graphs.trace(Looping())
    with pytest.raises(FormatError, match="this is a list"):
        graphs.trace([nn.Linear(2, 2)])
    with pytest.raises(GraphError, match=r"\(1, 3, 4, 4\) does not go through the network: '0.conv'"):
        graphs.trace(nn.Sequential(Block()), torch.zeros(1, 3, 4, 4))


class Asking(nn.Module):
    """Depends on the numbers in a tensor."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else x


def test_the_part_that_cannot_be_traced_is_named_and_may_stay_whole():
    network = nn.Sequential(nn.ReLU(), nn.Sequential(Asking()))
    with pytest.raises(UnsupportedLayerError) as caught:
        program_of(network)
    assert caught.value.values["path"] == "1.0"
    program = program_of(network, whole=[network.get_submodule("1.0")])
    assert [str(node.target) for node in program.graph.nodes][1:] == ["0", "1.0", "output"]
