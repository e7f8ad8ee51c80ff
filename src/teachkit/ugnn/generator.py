"""A small network that says, for each edge and bias, how its scale and shift should change.

It sees where a number stands, never the number itself: how deep, how many messages arrive there, the place of
sender and receiver in the image, the class that is answered. So it can say the same to models of different
architecture, and every loss trains it: what one model learns changes the numbers of all.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from teachkit.graphs import ModelGraph, Union

HIDDEN = 16
WAVES = (1, 2)  # half-waves per image edge: how finely a network can draw over places

Pair = tuple[Tensor, Tensor]


class Generator(nn.Module):
    """Scale and shift of every learned edge and bias of a union, from what `edge_features` tells of it.

    All output is 0 at the start. Equal features give equal output, so each distinct row is computed once.

    Args:
        union: whose edges and biases.
        kind: "shared": one network for all models; "per_model": each has its own, all with the same start.
        seed: of the start.

    Attributes:
        rows: distinct features [R, F]; those of one network lie together.
        of_edge, of_bias: row of each learned edge and each bias.
        unit: 1 / sqrt(messages that arrive) [R], the unit of shifts: that of weights at torch's start.
    """

    rows: Tensor
    of_edge: Tensor
    of_bias: Tensor
    unit: Tensor

    def __init__(self, union: Union, kind: Literal["shared", "per_model"], seed: int = 0) -> None:
        super().__init__()
        classes = max(len(model.outputs) for model in union.models)
        edges = [edge_features(model, classes) for model in union.models]
        biases = [bias_features(model, classes) for model in union.models]
        parts = [*edges, *biases]
        networks = len(union) if kind == "per_model" else 1
        owner = torch.cat([torch.full((len(p), 1), float(k % networks)) for k, p in enumerate(parts)])
        keyed, row = torch.cat((owner, torch.cat(parts)), 1).unique(dim=0, return_inverse=True)
        of_edge, of_bias = row.split([sum(map(len, edges)), sum(map(len, biases))])
        self.sizes = keyed[:, 0].long().bincount(minlength=networks).tolist()
        self.register_buffer("rows", keyed[:, 1:].clone(), persistent=False)
        self.register_buffer("unit", 10 ** (-0.5 * self.rows[:, 0]), persistent=False)
        self.register_buffer("of_edge", of_edge, persistent=False)
        self.register_buffer("of_bias", of_bias, persistent=False)
        self.networks = nn.ModuleList(_network(self.rows.shape[1], seed) for _ in range(networks))
        self.to(union.models[0].values)

    def forward(self) -> tuple[Pair, Pair]:
        """What is added to theta and delta [edges], and to phi and eps [biases]."""
        parts = zip(self.networks, self.rows.split(self.sizes), strict=True)
        found = torch.cat([network(rows) for network, rows in parts])
        scale, shift = found[:, 0], found[:, 1] * self.unit
        edge, bias = self.of_edge, self.of_bias
        return (
            (scale.index_select(0, edge), shift.index_select(0, edge)),
            (scale.index_select(0, bias), shift.index_select(0, bias)),
        )

    @torch.enable_grad()
    def moved(self, along: Sequence[Tensor]) -> Tensor:
        """How what is added to theta of each edge moves when the parameters move along a direction.

        What `autograd.grad` pulls back to the parameters is linear in what it pulls, and the derivative of
        that is the answer.
        """
        theta = self()[0][0]
        pull = torch.zeros_like(theta, requires_grad=True)
        pulled = torch.autograd.grad(theta, list(self.parameters()), pull, create_graph=True)
        inner = torch.stack([(one * other).sum() for one, other in zip(pulled, along, strict=True)]).sum()
        return torch.autograd.grad(inner, pull)[0]


def edge_features(model: ModelGraph, classes: int) -> Tensor:
    """What the generator sees of each learned edge, [learned edges, F]; hidden neurons have no number.

    The logarithm of the number of messages that arrive, the depth, whether the number is shared as in a
    convolution, whether the input is read, sender's and receiver's place, how far the message goes, and the
    class that is answered.
    """
    learned = model.edges.weight >= 0
    src, dst = model.edges.src[learned].long(), model.edges.dst[learned].long()
    uses = model.edges.weight[learned].bincount(minlength=len(model.values))
    shared = uses[model.edges.weight[learned]] > 1
    places, sizes = _places(model)
    way = (places[dst] - places[src]) * places[src, :1] * places[dst, :1] * sizes[src]
    return torch.cat(
        (
            _of_node(model, dst, classes),
            shared[:, None].float(),
            (model.nodes.level[src] == 0)[:, None].float(),
            _waves(places[src]),
            places[dst],
            way[:, 1:],
            torch.zeros(len(src), 1),
        ),
        1,
    )


def bias_features(model: ModelGraph, classes: int) -> Tensor:
    """The same for each bias; what only an edge has is 0."""
    node = (model.nodes.bias >= 0).nonzero()[:, 0]
    uses = model.nodes.bias[node].bincount(minlength=len(model.values))
    shared = uses[model.nodes.bias[node]] > 1
    places, _ = _places(model)
    return torch.cat(
        (
            _of_node(model, node, classes),
            shared[:, None].float(),
            torch.zeros(len(node), 1),
            torch.zeros(len(node), _waves(places).shape[1]),
            places[node],
            torch.zeros(len(node), 2),
            torch.ones(len(node), 1),
        ),
        1,
    )


def _of_node(model: ModelGraph, node: Tensor, classes: int) -> Tensor:
    """log10 of the messages that arrive in the layer's fullest neuron, depth from 0 to 1, class one-hot."""
    arriving = model.degrees()[0].clamp(min=1).float()
    fullest = torch.stack([arriving[layer.node_slice].max() for layer in model.layers])
    answered = torch.zeros(model.num_nodes, classes)
    answered[model.outputs, torch.arange(len(model.outputs))] = 1
    depth = model.nodes.level[node].float() / max(model.depth, 1)
    return torch.cat(
        (fullest[model.nodes.layer[node].long()].log10()[:, None], depth[:, None], answered[node]), 1
    )


def _places(model: ModelGraph) -> tuple[Tensor, Tensor]:
    """Whether a neuron has a place in the image, its row and column from -1 to 1; and half of the image."""
    places, sizes = torch.zeros(model.num_nodes, 3), torch.zeros(model.num_nodes, 3)
    for layer in model.layers:
        if len(layer.shape) == 3:
            nodes = layer.node_slice
            half = torch.tensor(layer.shape[1:]).sub(1).clamp(min=1) / 2
            own = torch.stack((model.nodes.y[nodes], model.nodes.x[nodes]), 1).float()
            places[nodes, 0] = 1
            places[nodes, 1:] = own / half - 1
            sizes[nodes, 1:] = half
    return places, sizes


def _waves(places: Tensor) -> Tensor:
    """Places, and sines and cosines of row and column, 0 for a neuron without a place."""
    angles = torch.cat([torch.pi * wave / 2 * places[:, 1:] for wave in WAVES], 1)
    return torch.cat((places, angles.sin(), angles.cos() * places[:, :1]), 1)


def _network(features: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(features, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 2))
    last = network[-1]
    assert isinstance(last, nn.Linear)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return network
