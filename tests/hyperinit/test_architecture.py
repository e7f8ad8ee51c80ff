"""The graph that the hyper-initializer reads (oracles: published counts, networkx, named_parameters)."""

import networkx
import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from teachkit import hyperinit, vision
from teachkit.errors import SettingsError, UnsupportedLayerError
from teachkit.hyperinit.architecture import longest_paths, shortest_paths


def shapeless(name: str) -> nn.Module:
    """A network of torchvision without memory or numbers."""
    with torch.device("meta"):
        return torchvision.models.get_model(name, weights=None)


def covered(graph: hyperinit.ArchitectureGraph) -> dict[str, tuple[int, ...]]:
    found = [parameter for here in graph.parameters for parameter in here]
    assert len(found) == len({parameter.name for parameter in found}), "a tensor is covered twice"
    return {parameter.name: parameter.shape for parameter in found}


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}


# Counts of ppuda, the public code of Knyazev et al. 2021, for torchvision's networks.
@pytest.mark.parametrize(
    ("name", "nodes", "edges"),
    [
        ("resnet18", 53, 1354),
        ("resnet50", 127, 7953),
        ("vgg11_bn", 37, 666),
        ("mobilenet_v2", 118, 6874),
        ("densenet121", 307, 46971),
    ],
)
def test_nodes_and_edges_are_as_many_as_published(name, nodes, edges):
    graph = hyperinit.architecture_graph(shapeless(name))
    assert (graph.num_nodes, graph.num_edges()) == (nodes, edges)


@pytest.mark.parametrize(
    "network",
    [
        lambda: shapeless("resnet101"),
        lambda: torchvision.models.regnet_y_1_6gf(),
        lambda: vision.UNet(1, 2, depth=2, base_width=4, norm="batch").encoder,
        lambda: vision.UNet(1, 2, encoder="resnet18", base_width=8).encoder,
        lambda: vision.Classifier("small_resnet", weights=None, input_size=None, channels=1)(),
        lambda: vision.Classifier("efficientnet_lite0", weights=None)(),
        lambda: timm.create_model("mobilenetv2_050"),
        lambda: timm.create_model("regnetx_002"),
        lambda: timm.create_model("mixer_s32_224"),
    ],
    ids=[
        "resnet101",
        "regnet_y_1_6gf",
        "unet",
        "unet_with_resnet18",
        "small_resnet",
        "lite0",
        "mobilenet",
        "regnet",
        "mixer",
    ],
)
def test_every_tensor_is_covered_once_with_its_shape(network):
    module = network()
    graph = hyperinit.architecture_graph(module)
    assert covered(graph) == shapes(module)
    assert graph.left_alone == ()


def test_a_small_network_is_the_graph_its_forward_method_says(residual):
    graph = hyperinit.architecture_graph(residual())
    assert graph.kinds == (
        "input", "conv", "bn", "conv", "bias", "sum", "max_pool", "glob_avg", "conv", "bias"
    )  # fmt: skip
    assert graph.edges.tolist() == [
        [0, 1], [1, 2], [2, 3], [2, 5], [3, 4], [4, 5], [5, 6], [6, 7], [7, 8], [8, 9]
    ]  # fmt: skip
    assert graph.levels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert graph.distances[2].tolist() == [0, 0, 0, 1, 2, 1, 2, 3, 4, 5]
    assert graph.shapes[[0, 1, 2, 6, 9]].tolist() == [
        [0, 0, 0, 0], [8, 1, 5, 5], [8, 1, 1, 1], [1, 1, 2, 2], [3, 1, 1, 1]
    ]  # fmt: skip
    assert [p.kind for p in graph.parameters[2]] == ["gamma", "beta"]
    assert graph.heads.nonzero()[0].tolist() == [8, 9]


def test_groups_and_dilation_are_operations_of_their_own():
    network = nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=4, bias=False), nn.Conv2d(4, 4, 3, groups=2, dilation=2, bias=False)
    )
    assert hyperinit.architecture_graph(network).kinds == ("input", "sep_conv", "dil_conv")


def test_activations_are_nodes_on_request(residual):
    plain = hyperinit.architecture_graph(residual())
    full = hyperinit.architecture_graph(residual(), activations=True)
    assert full.num_nodes == plain.num_nodes + 2
    assert full.kinds.count("activation") == 2
    assert covered(full) == covered(plain)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet18", ["fc.weight", "fc.bias"]),
        ("vgg11_bn", ["classifier.6.weight", "classifier.6.bias"]),
        ("squeezenet1_1", ["classifier.1.weight", "classifier.1.bias"]),
    ],
)
def test_the_last_layer_is_known(name, head):
    graph = hyperinit.architecture_graph(shapeless(name))
    assert [p.name for here in graph.parameters for p in here if p.head] == head


def test_a_linear_layer_inside_is_no_head():
    class Excited(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.gate, self.last = nn.Conv2d(1, 4, 3), nn.Linear(4, 4), nn.Conv2d(4, 4, 3)

        def forward(self, x):
            x = self.first(x)
            return self.last(x * torch.sigmoid(self.gate(x.mean((2, 3))))[:, :, None, None])

    graph = hyperinit.architecture_graph(Excited())
    assert not graph.heads.any()
    assert "cse" in graph.kinds


class Curious(nn.Module):
    """Looks at the numbers: cannot be traced."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(4, 4, 3)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else x


def test_only_the_part_that_cannot_be_traced_is_left_alone():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), Curious(), nn.Sequential(Curious()), nn.Conv2d(4, 2, 3))
    graph = hyperinit.architecture_graph(network)
    assert set(covered(graph)) == {"0.weight", "0.bias", "3.weight", "3.bias"}
    assert [name for name, _ in graph.left_alone] == [
        "1.layer.weight", "1.layer.bias", "2.0.layer.weight", "2.0.layer.bias"
    ]  # fmt: skip
    assert "Curious cannot be traced" in graph.left_alone[0][1]


def test_a_network_that_cannot_be_traced_at_all_is_an_error():
    with pytest.raises(UnsupportedLayerError, match="Curious cannot be traced"):
        hyperinit.architecture_graph(Curious())


def test_what_has_no_rule_is_named_with_the_reason():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.unused = nn.Embedding(5, 2), nn.Linear(2, 2)
            self.line = nn.Parameter(torch.ones(2, 3))

        def forward(self, x):
            return torch.cdist(self.words(x), self.line)

    why = dict(hyperinit.architecture_graph(Odd()).left_alone)
    assert why == {
        "words.weight": "there is no rule for Embedding",
        "unused.weight": "the forward pass does not use it",
        "unused.bias": "the forward pass does not use it",
        "line": "there is no rule for the function 'cdist'",
    }


def test_learned_numbers_that_are_no_layer_keep_their_start():
    class Free(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.slope = nn.Linear(4, 4), nn.PReLU()
            self.token, self.place = nn.Parameter(torch.ones(1, 1, 4)), nn.Parameter(torch.ones(1, 6, 4))
            self.scale = nn.Parameter(torch.ones(4))

        def forward(self, x):
            x = self.slope(self.first(x)) * self.scale.exp()
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
            return x + self.place

    graph = hyperinit.architecture_graph(Free())
    assert graph.kinds == ("input", "conv", "bias", "pos_enc", "sum")
    assert dict(graph.left_alone) == {
        "token": "learned tokens keep their start",
        "place": "numbers of a position keep their start",
        "scale": "learned factors keep their start",
        "slope.weight": "slopes of an activation keep their start",
    }


class Volumes(nn.Module):
    """The same kinds of layers for lines, pictures and volumes, as layers or as functions."""

    def __init__(self, axes: int, functions: bool):
        super().__init__()
        self.axes, self.functions = axes, functions
        self.conv = getattr(nn, f"Conv{axes}d")(2, 6, 3, groups=2)
        self.norm = nn.GroupNorm(3, 6)
        self.up = getattr(nn, f"ConvTranspose{axes}d")(6, 4, 2, stride=2)
        self.rms = nn.RMSNorm(4)

    def forward(self, x):
        if not self.functions:
            x = self.up(self.norm(self.conv(x)))
            x = getattr(F, f"max_pool{self.axes}d")(x, 2)
            return self.rms(x.movedim(1, -1))
        conv, up = (getattr(F, f"{kind}{self.axes}d") for kind in ("conv", "conv_transpose"))
        x = conv(x, self.conv.weight, self.conv.bias, groups=2)
        x = up(F.group_norm(x, 3, self.norm.weight, self.norm.bias), self.up.weight, self.up.bias, 2)
        x = getattr(F, f"max_pool{self.axes}d")(x, 2)
        return F.rms_norm(x.movedim(1, -1), (4,), self.rms.weight)


@pytest.mark.parametrize("functions", [False, True], ids=["layers", "functions"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_lines_pictures_and_volumes_have_rules(axes, functions):
    graph = hyperinit.architecture_graph(network := Volumes(axes, functions))
    assert covered(graph) == shapes(network)
    assert graph.kinds == ("input", "sep_conv", "bias", "ln", "conv", "bias", "max_pool", "ln")
    height, width = (3, 1) if axes == 1 else (3, 3)
    assert graph.shapes[1].tolist() == [6, 1, height, width]
    assert graph.shapes[4, :2].tolist() == [4, 6]  # channels out come first, unlike in its tensor


def test_a_tensor_used_twice_is_covered_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)
            self.again = nn.Linear(4, 4)
            self.again.weight = self.layer.weight

        def forward(self, x):
            return self.again(self.layer(F.relu(self.layer(x))))

    graph = hyperinit.architecture_graph(Twice())
    assert set(covered(graph)) == {"layer.weight", "layer.bias", "again.bias"}
    assert graph.kinds.count("conv") == 3


def test_the_network_stays_as_it_was(residual):
    module = residual().train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    hyperinit.architecture_graph(module)
    assert module.training
    assert all(before[name].equal(value) for name, value in module.state_dict().items())


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_paths_are_those_of_networkx(data):
    count = data.draw(st.integers(1, 9))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    edges = sorted(data.draw(st.sets(st.sampled_from(pairs)))) if pairs else []
    graph = networkx.DiGraph(edges)
    graph.add_nodes_from(range(count))
    array = np.array(edges, dtype=np.int32).reshape(-1, 2)
    limit = data.draw(st.integers(1, 9))
    found = shortest_paths(count, array, limit)
    for start, lengths in networkx.all_pairs_shortest_path_length(graph):
        wanted = [lengths.get(end, 0) for end in range(count)]
        assert found[start].tolist() == [hops if hops <= limit else 0 for hops in wanted]
    for level, members in enumerate(networkx.topological_generations(graph)):
        assert all(longest_paths(count, array)[node] == level for node in members)


@pytest.mark.parametrize("s_max", [0, 256])
def test_paths_of_impossible_length_are_refused(residual, s_max):
    with pytest.raises(SettingsError, match="1 to 255"):
        hyperinit.architecture_graph(residual(), s_max=s_max)


def test_far_nodes_have_no_virtual_edge():
    graph = hyperinit.architecture_graph(shapeless("vgg11_bn"), s_max=1)
    assert graph.num_edges() == graph.num_edges(virtual=False) == 36
