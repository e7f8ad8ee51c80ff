"""Messages along a network (oracle: the loop of the definition, and a calculation by hand)."""

import numpy as np
import pytest
import torch
from torch import nn

from teachkit import hyperinit
from teachkit.hyperinit.architecture import ArchitectureGraph, longest_paths, shortest_paths
from teachkit.hyperinit.gated import GatedGNN
from teachkit.hyperinit.transformer import GraphTransformer


def graph_of(edges: list[tuple[int, int]], count: int) -> ArchitectureGraph:
    array = np.array(edges, dtype=np.int32).reshape(-1, 2)
    return ArchitectureGraph(
        name="by hand",
        ops=np.zeros(count, dtype=np.int8),
        labels=("",) * count,
        shapes=np.zeros((count, 4), dtype=np.int32),
        parameters=((),) * count,
        edges=array,
        distances=shortest_paths(count, array),
        levels=longest_paths(count, array),
    )


DIAMOND = graph_of([(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)], 5)
SKIP = graph_of([(0, 1), (1, 2), (2, 3), (0, 3), (3, 4), (4, 5)], 6)
SINGLE = graph_of([], 1)


@pytest.mark.parametrize("hops", ["equation", "code"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-6), (torch.float64, 1e-13)])
def test_levels_at_once_equal_the_loop_over_nodes(residual, hops, layers, dtype, close):
    graphs = [DIAMOND, hyperinit.architecture_graph(residual()), SINGLE, SKIP]
    states = torch.randn(sum(graph.num_nodes for graph in graphs), 8, dtype=dtype, requires_grad=True)
    network = GatedGNN(8, layers, hops).to(dtype)
    parts = states.split([graph.num_nodes for graph in graphs])
    slow = torch.cat([network.definition(part, graph) for part, graph in zip(parts, graphs, strict=True)])
    fast = network(states, graphs)
    torch.testing.assert_close(fast, slow, rtol=0, atol=close)
    wanted = [states, *network.parameters()]
    slow_grads, fast_grads = (torch.autograd.grad(out.square().sum(), wanted) for out in (slow, fast))
    for one, other in zip(slow_grads, fast_grads, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=30 * close)


def test_the_two_readings_differ():
    states = torch.randn(5, 8)
    torch.manual_seed(0)
    one = GatedGNN(8)
    other = GatedGNN(8, hops="code")
    other.load_state_dict(one.state_dict())
    assert not torch.allclose(one(states, [DIAMOND]), other(states, [DIAMOND]))


def test_four_nodes_by_hand():
    """With MLPs that pass on what they get and an update that adds, states are sums one can count."""
    network = GatedGNN(2)
    network.direct, network.distant = nn.Identity(), nn.Identity()

    class Add(nn.Module):
        def forward(self, message, state):
            return message + state

    network.update = Add()
    chain = graph_of([(0, 1), (1, 2), (2, 3)], 4)
    found = network.definition(torch.tensor([[1.0, 0], [10, 0], [100, 0], [1000, 0]]), chain)[:, 0]
    # Forwards: 1; 10 + 1; 100 + 11 + 1 / 2; 1000 + 111.5 + 11 / 2 + 1 / 3.
    fourth = 1000 + 111.5 + 11 / 2 + 1 / 3
    third = 111.5 + fourth
    second = 11 + third + fourth / 2
    first = 1 + second + third / 2 + fourth / 3
    torch.testing.assert_close(found, torch.tensor([first, second, third, fourth]))


@pytest.mark.parametrize(
    "network", [GatedGNN(8), GraphTransformer(8, layers=2)], ids=["gated", "transformer"]
)
def test_graphs_together_equal_graphs_one_at_a_time(network):
    graphs = [DIAMOND, SKIP, SINGLE]
    states = [torch.randn(graph.num_nodes, 8) for graph in graphs]
    alone = [network(state, [graph]) for state, graph in zip(states, graphs, strict=True)]
    torch.testing.assert_close(network(torch.cat(states), graphs), torch.cat(alone), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "network", [GatedGNN(8), GraphTransformer(8, layers=2)], ids=["gated", "transformer"]
)
def test_numbering_the_nodes_otherwise_changes_nothing(network):
    states = torch.randn(5, 8)
    swap = torch.tensor([0, 2, 1, 3, 4])  # the two middle nodes of the diamond, one with a state of its own
    wider = graph_of([(0, 1), (0, 2), (2, 3), (3, 4), (1, 4)], 5)
    renamed = graph_of([(0, 2), (0, 1), (1, 3), (3, 4), (2, 4)], 5)
    torch.testing.assert_close(network(states, [wider])[swap], network(states[swap], [renamed]))


@pytest.mark.parametrize("network", [GatedGNN(8), GraphTransformer(8)], ids=["gated", "transformer"])
def test_every_node_hears_of_every_other_one_on_a_path(network):
    chain = graph_of([(0, 1), (1, 2), (2, 3)], 4)
    reached = torch.zeros(4, 4)
    for _ in range(20):  # in a single draw a ReLU may shut the way
        states = torch.randn(4, 8, requires_grad=True)
        for node, answer in enumerate(network(states, [chain])):
            (gradient,) = torch.autograd.grad(answer.sum(), states, retain_graph=True)
            reached[node] += gradient.abs().sum(1)
    assert reached.all()


def test_attention_depends_on_the_way_between_nodes():
    network, states = GraphTransformer(8), torch.randn(4, 8)
    chain, shortcut = graph_of([(0, 1), (1, 2), (2, 3)], 4), graph_of([(0, 1), (1, 2), (2, 3), (0, 3)], 4)
    assert not torch.allclose(network(states, [chain]), network(states, [shortcut]))
