"""From a graph back to a network: torch's own layers where weights are tied, else locally connected ones."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from teachkit.graphs.activations import activate
from teachkit.graphs.building import EdgeList
from teachkit.graphs.record import MAX, Parameter
from teachkit.graphs.rules.convolving import Plan
from teachkit.graphs.rules.linear import every_pair

if TYPE_CHECKING:
    from teachkit.graphs.record import Layer, ModelGraph

CONVOLUTIONS = {
    ("convolution", 1): nn.Conv1d,
    ("convolution", 2): nn.Conv2d,
    ("convolution", 3): nn.Conv3d,
    ("transposed convolution", 1): nn.ConvTranspose1d,
    ("transposed convolution", 2): nn.ConvTranspose2d,
    ("transposed convolution", 3): nn.ConvTranspose3d,
}


class LocallyConnected(nn.Module):
    """A layer given by its edges: each may have a weight of its own, share one, or be fixed.

    Inputs [B, *shape] are flattened; outputs are [B, neurons].
    """

    src: Tensor
    dst: Tensor
    gain: Tensor
    which: Tensor
    which_bias: Tensor

    def __init__(self, graph: "ModelGraph", layer: "Layer") -> None:
        super().__init__()
        edges, nodes = layer.edge_slice, layer.node_slice
        self.neurons = layer.nodes
        self.by_maximum = bool((graph.nodes.aggregate[nodes] == MAX).any())
        read = _sources(layer).flatten().long()
        place = torch.zeros(graph.num_nodes, dtype=torch.int64)
        place[read[read >= 0]] = (read >= 0).nonzero()[:, 0]
        self.register_buffer("src", place[graph.edges.src[edges].long()])
        self.register_buffer("dst", graph.edges.dst[edges].long() - nodes.start)
        self.register_buffer("gain", graph.edges.gain[edges].to(graph.values.dtype))
        self.weight, which = _own(graph.values, graph.edges.weight[edges])
        self.bias, which_bias = _own(graph.values, graph.nodes.bias[nodes])
        self.register_buffer("which", which)
        self.register_buffer("which_bias", which_bias)

    def forward(self, x: Tensor) -> Tensor:
        strength = self.gain * torch.cat((self.weight, self.weight.new_ones(1)))[self.which]
        messages = x.flatten(1)[:, self.src] * strength  # [B, edges]
        out = messages.new_zeros(len(x), self.neurons)
        if self.by_maximum:
            places = self.dst.expand_as(messages)
            out = out.scatter_reduce(1, places, messages, "amax", include_self=False)
        else:
            out = out.index_add(1, self.dst, messages)
        return out + torch.cat((self.bias, self.bias.new_zeros(1)))[self.which_bias]

    def extra_repr(self) -> str:
        return f"{len(self.src)} edges, {self.weight.numel()} weights, {self.neurons} neurons"


class RebuiltNetwork(nn.Module):
    """Layers of a graph in their order; each reads neurons of earlier layers."""

    def __init__(self, graph: "ModelGraph") -> None:
        super().__init__()
        self.output_shape = graph.output_shape
        self.starts = [layer.kind for layer in graph.layers if layer.level == 0]
        self.steps: list[tuple[str, tuple[int, ...]]] = []  # name of the part, shape of what it reads
        self.parts = nn.ModuleDict()
        known: dict[object, str] = {}
        for number, layer in enumerate(graph.layers[len(self.starts) :]):
            part, shared = _part(graph, layer)
            name = layer.name.replace(".", "_") + "_" * hasattr(nn.ModuleDict, layer.name)
            if shared is not None:
                name = known.setdefault(shared, name)
            if name not in self.parts:
                self.parts[name] = part
            self.steps.append((name, tuple(_sources(layer).shape[1:]) if layer.settings else (-1,)))
            self._remember(f"step_{number}", graph, _sources(layer))
            kinds = graph.nodes.activation[layer.node_slice]
            self.register_buffer(f"step_{number}_activation", kinds, persistent=False)
        self._remember("output", graph, graph.outputs)

    def forward(self, x: Tensor) -> Tensor:
        fixed = {"input": x.flatten(1), "constant": x.new_ones(len(x), 1), "zero": x.new_zeros(len(x), 1)}
        blocks = [fixed["zero"], *(fixed[kind] for kind in self.starts)]
        for number, (name, shape) in enumerate(self.steps):
            read = self._read(f"step_{number}", blocks)
            state = self.parts[name](read.reshape(len(x), *shape)).flatten(1)
            blocks.append(activate(state.T, getattr(self, f"step_{number}_activation")).T)
        return self._read("output", blocks).reshape(len(x), *self.output_shape)

    def _remember(self, name: str, graph: "ModelGraph", ids: Tensor) -> None:
        """Which blocks hold these neurons, and where; block 0 is a zero for what no neuron holds."""
        ids = ids.flatten().long()
        starts = torch.tensor([-1, *(layer.first_node for layer in graph.layers)])
        sizes = torch.tensor([1, *(layer.nodes for layer in graph.layers)])
        block = torch.searchsorted(starts, ids, right=True) - 1
        used = block.unique()
        offset = torch.zeros(len(starts), dtype=torch.int64)
        offset[used] = sizes[used].cumsum(0) - sizes[used]
        place = ids - starts[block] + offset[block]
        whole = len(used) == 1 and place.equal(torch.arange(int(sizes[used[0]])))
        setattr(self, f"{name}_blocks", used.tolist())
        self.register_buffer(f"{name}_place", None if whole else place, persistent=False)

    def _read(self, name: str, blocks: list[Tensor]) -> Tensor:
        joined = torch.cat([blocks[block] for block in getattr(self, f"{name}_blocks")], dim=1)
        place = getattr(self, f"{name}_place")
        return joined if place is None else joined[:, place]


def to_module(graph: "ModelGraph") -> nn.Module:
    """See `ModelGraph.to_module`."""
    return RebuiltNetwork(graph)


def _part(graph: "ModelGraph", layer: "Layer") -> tuple[nn.Module, object]:
    """The module of one layer, and a key that layers share if they share all numbers (None: no sharing)."""
    settings, sources = layer.settings, _sources(layer)
    operation = settings.get("operation")
    if operation == "linear":
        shape: tuple[int, ...] = (layer.shape[-1], sources.shape[-1])
        places = torch.arange(shape[0] * shape[1]).view(shape)
        pattern = every_pair(sources[0].long(), places)
    elif operation:
        shape = _kernel_shape(layer)
        places = torch.arange(torch.Size(shape).numel()).view(shape)
        pattern = Plan.of(sources.long(), places, dict(settings)).write()
    else:
        return LocallyConnected(graph, layer), None
    weight = _tied(graph, layer, pattern, places.numel())
    biases = graph.nodes.bias[layer.node_slice].view(layer.shape)
    biases = (
        biases.reshape(-1, shape[0]) if operation == "linear" else biases.flatten(1).T
    )  # [places, outputs]
    if weight is None or not bool((biases == biases[0]).all()):
        return LocallyConnected(graph, layer), None
    made = _empty(operation, shape, dict(settings), bool((biases[0] >= 0).all())).to(graph.values.dtype)
    with torch.no_grad():
        made.weight.copy_(torch.where(weight < 0, 0, graph.values[weight.clamp(min=0)]).view(shape))
        if made.bias is not None:
            made.bias.copy_(graph.values[biases[0]])
    return made, (str(settings), tuple(weight.tolist()), tuple(biases[0].tolist()))


def _kernel_shape(layer: "Layer") -> tuple[int, ...]:
    """The shape of torch's weight for a convolution."""
    channels, outputs, groups = _sources(layer).shape[1], layer.shape[0], layer.settings["groups"]
    if layer.settings["operation"] == "convolution":
        return (outputs, channels // groups, *layer.settings["kernel"])
    return (channels, outputs // groups, *layer.settings["kernel"])


def _empty(
    operation: str, shape: tuple[int, ...], settings: dict[str, Any], bias: bool
) -> nn.Linear | nn.Conv2d:
    if operation == "linear":
        return nn.Linear(shape[1], shape[0], bias)
    groups, kernel = settings["groups"], settings["kernel"]
    channels = (shape[1] * groups, shape[0])
    if operation != "convolution":
        channels = (shape[0], shape[1] * groups)
    rest = {name: value for name, value in settings.items() if name not in ("operation", "kernel")}
    rest = {name: tuple(value) if isinstance(value, list) else value for name, value in rest.items()}
    return CONVOLUTIONS[operation, len(kernel)](*channels, tuple(kernel), bias=bias, **rest)


def _tied(graph: "ModelGraph", layer: "Layer", pattern: EdgeList, count: int) -> Tensor | None:
    """Which number each place of the kernel uses [count], -1 for none; None where sharing is broken."""
    edges = layer.edge_slice
    src, dst = graph.edges.src[edges].long(), graph.edges.dst[edges].long() - layer.first_node
    ids, gain = graph.edges.weight[edges], graph.edges.gain[edges]
    order = torch.argsort(pattern.dst * graph.num_nodes + pattern.src, stable=True)
    assert pattern.weight is not None
    if len(order) != len(src) or not (pattern.src[order].equal(src) and pattern.dst[order].equal(dst)):
        return None
    place = pattern.weight[order]
    if bool((gain != 1).any()) or bool((ids < 0).any()):
        return None
    first = ids - place
    if len(ids) and bool((first == first[0]).all()):  # one parameter, with the entries that no edge uses
        base = int(first[0])
        if base >= 0 and base + count <= len(graph.values):
            return torch.arange(base, base + count)
    used = torch.full((count,), -1)
    used[place] = ids
    return used if bool((used[place] == ids).all()) else None


def _sources(layer: "Layer") -> Tensor:
    assert layer.sources is not None, layer.name
    return layer.sources


def _own(values: Tensor, ids: Tensor) -> tuple[nn.Parameter, Tensor]:
    """The distinct numbers in use as a parameter, and for each id which of them; its length for id -1."""
    distinct = ids[ids >= 0].unique()
    which = torch.searchsorted(distinct, ids).where(ids >= 0, len(distinct))
    return nn.Parameter(values[distinct].clone()), which


def untie(graph: "ModelGraph") -> "ModelGraph":
    """See `ModelGraph.untie`."""
    learned, own = graph.edges.weight >= 0, graph.nodes.bias >= 0
    edges, biases = int(learned.sum()), int(own.sum())
    weight, bias = torch.full_like(graph.edges.weight, -1), torch.full_like(graph.nodes.bias, -1)
    weight[learned] = torch.arange(edges)
    bias[own] = torch.arange(edges, edges + biases)
    return replace(
        graph,
        nodes=replace(graph.nodes, bias=bias),
        edges=replace(graph.edges, weight=weight),
        values=graph.values[torch.cat((graph.edges.weight[learned], graph.nodes.bias[own]))],
        parameters=(Parameter("edges", (edges,), 0), Parameter("biases", (biases,), edges)),
    )
