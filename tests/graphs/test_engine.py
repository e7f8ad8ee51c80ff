"""The fast forward pass gives the numbers and the gradients of the definition (oracle: the definition)."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit import graphs
from teachkit.errors import FormatError, GraphError
from teachkit.graphs import definition, products
from teachkit.graphs.engine import forward


class Twice(nn.Module):
    """A shortcut, a value used before and after its activation, and a join."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x))
        return torch.cat([torch.tanh(y) + x, y * 2 + 1], 1).flatten(1)


def patched() -> nn.Sequential:
    near = graphs.grid_graph(3, 3)
    return nn.Sequential(graphs.Patches(2), graphs.GCNConv(near, 8, 3), nn.ReLU(), graphs.MeanReadout())


NETWORKS = {
    "perceptron": lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, 5), nn.Tanh(), nn.Linear(5, 3)),
    "without bias": lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, 5, bias=False)),
    "convolutions": lambda: nn.Sequential(
        *(nn.Conv2d(2, 4, 3, 2, 1, groups=2), nn.ReLU(), nn.ConvTranspose2d(4, 2, 2, 2), nn.Flatten()),
        nn.Linear(72, 3),
    ),
    "largest and mean": lambda: nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2, ceil_mode=True)),
    "padding that repeats": lambda: nn.Conv2d(2, 1, 3, padding=1, padding_mode="circular"),
    "two edges of a pair": lambda: nn.Conv2d(2, 1, 5, padding=2, padding_mode="reflect"),
    "shortcut and join": Twice,
    "graph network": patched,
    "a part of the image": lambda: nn.Sequential(nn.ZeroPad2d((1, -2, 0, -1)), nn.Conv2d(2, 2, 3)),
    "nothing but bias": lambda: nn.Sequential(nn.ZeroPad2d((6, -6, 0, 0)), nn.Conv2d(2, 2, 3), nn.ReLU()),
}


@pytest.fixture(params=NETWORKS)
def graph(request) -> graphs.ModelGraph:
    network = NETWORKS[request.param]().eval()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean)
    return graphs.model_graph(network, torch.zeros(1, 2, 6, 6))


def both(graph: graphs.ModelGraph, x: Tensor) -> list[tuple[Tensor, ...]]:
    """Outputs, gradient of the numbers and gradient of the input, by the engine and by the definition."""
    found = []
    for way in (forward, definition.forward):
        values, image = graph.values.clone().requires_grad_(), x.clone().requires_grad_()
        out = way(graph, image, values)
        wave = torch.linspace(0, 9, out.numel(), dtype=out.dtype).view_as(out).cos()
        grads = torch.autograd.grad((wave * out).sum(), (values, image), materialize_grads=True)
        found.append((out, *grads))
    return found


def test_outputs_and_gradients_are_those_of_the_definition(graph):
    fast, slow = both(graph, torch.randn(4, 2, 6, 6))
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5)


def test_gradients_agree_with_finite_differences(graph):
    tiny = graph.to(torch.float64)
    x = torch.randn(2, 2, 6, 6, dtype=torch.float64)
    values = tiny.values.clone().requires_grad_()
    if len(values):
        assert torch.autograd.gradcheck(lambda numbers: forward(tiny, x, numbers), (values,), fast_mode=True)


def test_untied_edges_get_each_its_own_gradient(graph):
    fast, slow = both(graph.untie(), torch.randn(3, 2, 6, 6))
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5)


def test_a_machine_without_sparse_products_gets_the_same(graph, monkeypatch):
    x = torch.randn(3, 2, 6, 6)
    expected = both(graph, x)[1]
    monkeypatch.setattr(products, "has_sparse_products", lambda device, dtype: False)
    torch.testing.assert_close(both(graph, x)[0], expected, rtol=1e-5, atol=1e-5)


def test_each_layer_is_sent_by_the_way_that_fits_it(reference):
    def ways(network: nn.Module) -> list[str]:
        graph = graphs.model_graph(network, torch.zeros(1, 1, 28, 28))
        return [type(step.product).__name__ for step in graph.engine.steps]

    assert ways(reference["perceptron"](1, 10)) == ["Dense"] * 4
    assert ways(reference["deep"](1, 10)) == ["Sparse"] * 3 + ["Dense"]
    assert ways(nn.MaxPool2d(2)) == ["Maximum"]
    assert ways(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")) == ["Sparse"]
    assert ways(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")) == ["Gathered"]


def test_half_precision_around_it_is_kept_out(reference):
    network, x = reference["deep"](1, 10), torch.randn(2, 1, 28, 28)
    graph = graphs.model_graph(network, x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = graph.forward(x)
    assert out.dtype == torch.float32
    assert out.equal(graph.forward(x))


def test_the_constant_node_gets_no_gradient_and_the_input_none_unless_asked():
    graph = graphs.model_graph(Twice().eval(), torch.zeros(1, 2, 6, 6))
    values = graph.values.clone().requires_grad_()
    graph.forward(torch.randn(2, 2, 6, 6), values).sum().backward()
    assert values.grad is not None
    assert values.grad.abs().sum() > 0


def test_an_input_of_another_shape_is_refused(reference):
    graph = graphs.model_graph(reference["deep"](1, 10), torch.zeros(1, 1, 28, 28))
    with pytest.raises(FormatError, match=r"\(1, 28, 28\), not \(3, 28, 28\)"):
        graph.forward(torch.zeros(2, 3, 28, 28))


def test_a_layer_that_adds_and_takes_the_maximum_is_refused_by_name():
    graph = replace(graphs.model_graph(nn.Sequential(nn.MaxPool2d(2)), torch.zeros(1, 1, 4, 4)))
    graph.nodes.aggregate[-1] = 0
    with pytest.raises(GraphError, match="layer '0' add and others take the maximum"):
        graph.forward(torch.zeros(1, 1, 4, 4))


def test_neurons_of_one_layer_may_have_different_activations():
    graph = replace(graphs.model_graph(nn.Linear(3, 2), torch.zeros(1, 3)))
    graph.nodes.activation[-1] = graphs.activations.ACTIVATIONS.index("relu")
    fast, slow = both(graph, torch.randn(5, 3))
    torch.testing.assert_close(fast, slow)
    assert F.relu(fast[0][:, 1]).equal(fast[0][:, 1])
