"""What the converter promises about any network: sharing is kept, nothing is skipped, nothing is wrong."""

import networkx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from teachkit import graphs
from teachkit.errors import FormatError, GraphError, UnsupportedLayerError
from teachkit.graphs.rules.registry import MODULES


class Twice(nn.Module):
    """One module used twice, and one number used by two layers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.head = nn.Linear(3, 2)
        self.tied = nn.Linear(3, 2)
        self.tied.weight = self.head.weight

    def forward(self, x):
        x = self.conv(F.relu(self.conv(x))).mean((2, 3))
        return self.head(x) - self.tied(x)


def test_a_module_used_twice_shares_its_numbers(difference):
    module = Twice()
    assert difference(module, 3, 5, 5) < 1e-5
    graph = graphs.model_graph(module, torch.zeros(1, 3, 5, 5))
    assert len(graph.values) == sum(parameter.numel() for parameter in module.parameters())
    first, second = (layer for layer in graph.layers if layer.kind == "Conv2d")
    assert (first.name, second.name) == ("conv", "conv (2)")
    assert graph.edges.weight[first.edge_slice].equal(graph.edges.weight[second.edge_slice])


def test_gradients_equal_those_of_the_network(reference):
    module = reference["deep"](1, 10)
    graph = graphs.model_graph(module, torch.zeros(1, 1, 28, 28))
    values, x = graph.values.clone().requires_grad_(), torch.randn(2, 1, 28, 28)
    graph.forward(x, values).square().sum().backward()
    module(x).square().sum().backward()
    for parameter in graph.parameters:
        own = values.grad[parameter.offset : parameter.offset + parameter.size].view(parameter.shape)
        torch.testing.assert_close(own, module.get_parameter(parameter.name).grad, rtol=1e-4, atol=1e-6)


def test_the_graph_has_no_cycle_and_networkx_agrees():
    module = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )
    graph = graphs.model_graph(module, torch.zeros(1, 1, 4, 4))
    drawn = graph.to_networkx()
    assert networkx.is_directed_acyclic_graph(drawn)
    assert (drawn.number_of_nodes(), drawn.number_of_edges()) == (graph.num_nodes, graph.num_edges)
    assert networkx.dag_longest_path_length(drawn, weight=None) == graph.depth
    assert (graph.edges.src < graph.edges.dst).all()


def test_neurons_know_where_they_are():
    module = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Flatten(), nn.Linear(12, 3))
    graph = graphs.model_graph(module, torch.zeros(1, 1, 2, 3))
    places = torch.stack([graph.nodes.channel, graph.nodes.y, graph.nodes.x], 1).tolist()
    assert places[:6] == [[0, y, x] for y in range(2) for x in range(3)]
    assert places[6:18] == [[c, y, x] for c in range(2) for y in range(2) for x in range(3)]
    assert places[18:] == [[c, -1, -1] for c in range(3)]
    assert graph.nodes.level.tolist() == [0] * 6 + [1] * 12 + [2] * 3


def test_renumbering_hidden_neurons_leaves_the_output_unchanged():
    module = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2))
    order = torch.randperm(6)
    other = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2))
    other[0].weight.data, other[0].bias.data = module[0].weight[order], module[0].bias[order]
    other[2].weight.data, other[2].bias.data = module[2].weight[:, order], module[2].bias.data
    x = torch.randn(4, 3)
    one, two = (graphs.model_graph(m, x[:1]) for m in (module, other))
    assert not one.values.equal(two.values)
    torch.testing.assert_close(one.forward(x), two.forward(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.LayerNorm(4), r"1 \(LayerNorm\): .*depends on the image.*BatchNorm"),
        (nn.Softmax(1), r"1 \(Softmax\): .*logits"),
        (nn.GRU(4, 4), r"1 \(GRU\): .*loop"),
        (nn.Softshrink(), r"1 \(Softshrink\): no rule"),
    ],
)
def test_a_layer_without_a_rule_is_refused_by_path_class_reason_and_remedy(layer, message):
    with pytest.raises(UnsupportedLayerError, match=message) as caught:
        graphs.model_graph(nn.Sequential(nn.Linear(4, 4), layer), torch.zeros(1, 4))
    assert caught.value.path == "1"


def test_a_network_that_decides_by_the_numbers_is_refused():
    class Deciding(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(UnsupportedLayerError, match=r"Deciding cannot be traced.*`return x if x.sum"):
        graphs.model_graph(Deciding(), torch.zeros(1, 4))


def test_hooks_second_inputs_and_several_outputs_are_refused():
    hooked = nn.Sequential(nn.Linear(2, 2))
    hooked[0].register_forward_hook(lambda module, inputs, output: output * 2)
    with pytest.raises(UnsupportedLayerError, match="hooks"):
        graphs.model_graph(hooked, torch.zeros(1, 2))

    class Pair(nn.Module):
        def forward(self, x):
            return x, x + 1

    with pytest.raises(UnsupportedLayerError, match="not one tensor"):
        graphs.model_graph(Pair(), torch.zeros(1, 2))


def test_a_subclass_with_its_own_forward_is_looked_into_not_mistaken(difference):
    class Doubled(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2

    assert difference(nn.Sequential(Doubled(3, 4)), 3) < 1e-5


class Functions(nn.Module):
    """Everything written as functions and methods."""

    def __init__(self):
        super().__init__()
        self.kernel, self.back = nn.Parameter(torch.randn(4, 2, 3, 3)), nn.Parameter(torch.randn(4, 3, 2, 2))
        self.shift, self.matrix = nn.Parameter(torch.randn(4)), nn.Parameter(torch.randn(5, 12))
        self.register_buffer("mean", torch.randn(4))
        self.register_buffer("variance", torch.rand(4) + 0.5)

    def forward(self, x):
        x = F.conv2d(F.pad(x, (1, 1, 1, 1)), self.kernel, self.shift, stride=2)
        x = F.batch_norm(x, self.mean, self.variance, self.shift, training=self.training)
        x = F.dropout(F.max_pool2d(F.relu(x), 2), 0.5, self.training)
        x = F.interpolate(F.conv_transpose2d(x, self.back, stride=2), scale_factor=2)
        x = F.adaptive_avg_pool2d(F.avg_pool2d(x, 2), (2, 2))
        x = F.adaptive_max_pool2d(x, 1) + x
        return F.linear(x.reshape(x.shape[0], -1), self.matrix) @ self.matrix[:, :5]


def test_a_network_written_with_functions_agrees(difference):
    assert difference(Functions(), 2, 8, 8) < 1e-4  # outputs are around 100


def test_a_view_that_is_read_after_a_change_in_place_is_refused():
    class Views(nn.Module):
        def forward(self, x):
            x = x * 2
            view = x.view(x.shape[0], 2, 2)
            x.relu_()
            return view + 1

    with pytest.raises(UnsupportedLayerError, match=r"relu_\(\) in forward changes its input in place"):
        graphs.model_graph(Views(), torch.zeros(1, 4))


def test_the_numbers_of_the_graph_are_a_copy():
    module = nn.Linear(2, 2, bias=False)
    graph = graphs.model_graph(module, torch.zeros(1, 2))
    graph.values.zero_()
    assert module.weight.abs().sum() > 0


def test_an_example_that_does_not_fit_is_refused_with_the_layer():
    with pytest.raises(GraphError, match=r"does not go through the network.*batch dimension"):
        graphs.model_graph(nn.Linear(3, 2), torch.zeros(1, 4))
    with pytest.raises(FormatError, match=r"\(3,\).*with a batch dimension"):
        graphs.model_graph(nn.Linear(3, 2), torch.zeros(3))


def test_a_graph_refuses_inputs_of_another_shape():
    graph = graphs.model_graph(nn.Linear(3, 2), torch.zeros(1, 3))
    with pytest.raises(FormatError, match=r"\(3,\), not \(4,\)"):
        graph.forward(torch.zeros(1, 4))


class Halving(nn.Module):
    """A layer that nobody has a rule for."""

    def forward(self, x):
        return torch.fmod(x, 1e9) / 2


@pytest.fixture
def halving():
    yield Halving
    MODULES.pop(Halving, None)


def test_a_reader_can_write_a_rule(halving, difference):
    @graphs.rule(halving)
    def _halve(build, module, x):
        src = x.ids.flatten()
        half = torch.full((len(src),), 0.5)
        return build.neurons(x.shape[1:], src, dst=torch.arange(len(src)), gain=half)

    assert difference(nn.Sequential(nn.Linear(3, 4), halving(), nn.ReLU()), 3) < 1e-5


def test_a_wrong_rule_is_noticed_before_the_graph_is_given_away(halving):
    @graphs.rule(halving)
    def _skip(build, module, x):
        return x

    with pytest.raises(GraphError, match="differ by"):
        graphs.model_graph(nn.Sequential(nn.Linear(3, 4), halving()), torch.ones(1, 3))


def test_double_precision_is_kept():
    module = nn.Linear(3, 2).double()
    graph = graphs.model_graph(module, torch.zeros(1, 3, dtype=torch.float64))
    assert graph.values.dtype == torch.float64
    x = torch.randn(2, 3, dtype=torch.float64)
    torch.testing.assert_close(graph.forward(x), module(x), rtol=0, atol=1e-14)
