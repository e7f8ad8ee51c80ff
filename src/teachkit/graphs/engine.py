"""The fast forward pass of a model-graph: the numbers and gradients of `definition`, layer by layer.

The value of a layer of n neurons for a batch of B inputs is a matrix [n, B]. A layer in which everybody hears
everybody is one dense product. All others are one product with a sparse matrix; see `products`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from teachkit.errors import FormatError, GraphError
from teachkit.graphs.activations import ACTIVATIONS, FUNCTIONS, activate
from teachkit.graphs.products import Product, choose
from teachkit.graphs.record import MAX

if TYPE_CHECKING:
    from teachkit.graphs.record import Layer, ModelGraph

IN_PLACE = {"none": lambda x: x, "relu": torch.relu_}  # activations that can reuse the memory of the sums


class Engine(nn.Module):
    """A model-graph made ready to run with any numbers on its learned edges and biases.

    Attributes:
        edge_counts: learned edges of each layer; together they are the learned edges of the graph in order.
        bias_counts: neurons with a bias in each layer, likewise.
    """

    inputs: Tensor
    outputs: Tensor | None

    def __init__(self, graph: "ModelGraph") -> None:
        super().__init__()
        self.input_shape, self.output_shape = graph.input_shape, graph.output_shape
        self.constant = graph.constant
        self.ground = [layer for layer in graph.layers if layer.level == 0]
        self.steps = nn.ModuleList(_Step(graph, layer) for layer in graph.layers if layer.level > 0)
        none = [0] * len(self.ground)
        self.edge_counts = none + [step.learned_edges for step in self.steps]
        self.bias_counts = none + [step.own_biases for step in self.steps]
        ground = torch.arange(sum(layer.nodes for layer in self.ground))
        self.only_inputs = graph.inputs.cpu().equal(ground)
        self.register_buffer("inputs", graph.inputs, persistent=False)
        self.reader = _Reader(graph, graph.outputs)
        places = self.reader.places(graph.outputs)
        in_order = places.equal(torch.arange(self.reader.size))
        self.register_buffer("outputs", None if in_order else places, persistent=False)
        self.to(graph.values.device)

    def columns(self, x: Tensor) -> Tensor:
        """Inputs [B, *input_shape] as one column each, [input nodes, B]."""
        if tuple(x.shape[1:]) != self.input_shape:
            raise FormatError(
                f"The graph was made for inputs of shape {self.input_shape}, not {tuple(x.shape[1:])}.",
                "Convert the network again with an example of this shape.",
                shape=tuple(x.shape),
            )
        return x.flatten(1).T.contiguous()

    def forward(self, columns: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        """Outputs [B, *output_shape].

        Args:
            columns: what `columns` makes of a batch of inputs.
            weights: one tensor a layer, a number for each learned edge, before its gain.
            biases: one tensor a layer, a number for each neuron that has a bias.
        """
        with torch.autocast(columns.device.type, enabled=False):
            values = self._start(columns)
            given = zip(self.steps, weights[len(values) :], biases[len(values) :], strict=True)
            for step, weight, bias in given:
                values.append(step(values, weight, bias))
            state = self.reader(values)
        if self.outputs is not None:
            state = state.index_select(0, self.outputs)
        return state.T.reshape(-1, *self.output_shape)

    def _start(self, columns: Tensor) -> list[Tensor]:
        """Values of the layers of level 0: the input, 1 for the constant node, 0 for the zero node."""
        if self.only_inputs:
            return [columns]
        state = columns.new_zeros(sum(layer.nodes for layer in self.ground), columns.shape[1])
        state = state.index_copy(0, self.inputs, columns)
        if self.constant >= 0:
            state[self.constant] = 1
        return list(state.split([layer.nodes for layer in self.ground]))


class _Reader:
    """Where given nodes are among the values of all layers; copies only if several layers are read."""

    def __init__(self, graph: "ModelGraph", nodes: Tensor) -> None:
        nodes = nodes.long().cpu()
        layers = graph.nodes.layer.cpu()[nodes]
        self.parts: list[tuple[int, slice | None]] = []
        self.size = 0
        self._first, self._shift = [], []
        for layer in layers.unique().tolist():
            read, first = nodes[layers == layer], graph.layers[layer].first_node
            low, high = int(read.min()), int(read.max()) + 1
            whole = high - low == graph.layers[layer].nodes
            self.parts.append((layer, None if whole else slice(low - first, high - first)))
            self._first.append(low)
            self._shift.append(self.size - low)
            self.size += high - low

    def places(self, nodes: Tensor) -> Tensor:
        """Rows of what is read that belong to `nodes`."""
        which = torch.searchsorted(torch.tensor(self._first), nodes.long().cpu(), right=True) - 1
        return nodes.long().cpu() + torch.tensor(self._shift)[which]

    def __call__(self, values: list[Tensor]) -> Tensor:
        """Values [size, B]."""
        read = [values[layer] if part is None else values[layer][part] for layer, part in self.parts]
        return read[0] if len(read) == 1 else torch.cat(read)


class _Step(nn.Module):
    """One layer: read the senders, send, add the bias, activate."""

    gain: Tensor | None
    learned: Tensor | None
    own: Tensor | None
    kinds: Tensor | None

    def __init__(self, graph: "ModelGraph", layer: "Layer") -> None:
        super().__init__()
        edges, nodes = layer.edge_slice, layer.node_slice
        self.nodes = layer.nodes
        self._strength(graph, edges)
        self._biases(graph, nodes)
        self._activation(graph, nodes)
        self.reader = _Reader(graph, graph.edges.src[edges])
        maximum = graph.nodes.aggregate[nodes].cpu() == MAX
        if bool((maximum != maximum[0]).any()):
            raise GraphError(
                f"Some neurons of layer '{layer.name}' add and others take the maximum.",
                "Split the layer, or use teachkit.graphs.definition.",
                layer=layer.name,
            )
        src = self.reader.places(graph.edges.src[edges])
        dst = graph.edges.dst[edges].long().cpu() - layer.first_node
        self.product: Product | None = None
        if len(src):
            self.product = choose(src, dst, layer.nodes, self.reader.size, bool(maximum[0]))

    def forward(self, values: list[Tensor], weight: Tensor, bias: Tensor) -> Tensor:
        """Values of this layer [nodes, B] from those of all layers before it."""
        if self.product is None:  # all senders were zeros: only the bias arrives
            sums = values[0].new_zeros(self.nodes, values[0].shape[1])
            own = self.add(bias)
            sums = sums if own is None else sums + own[:, None]
        else:
            state = self.reader(values)
            sums = self.product(self.strength(weight, state), state, self.add(bias))
        return self.activate(sums)

    def strength(self, weight: Tensor, state: Tensor) -> Tensor:
        """The factor of each edge: gain times weight, or the gain alone where nothing is learned."""
        if self.gain is None:
            return weight
        gain = self.gain.to(state.dtype)
        if not self.learned_edges:
            return gain
        if self.learned is None:
            return gain * weight
        return gain.index_copy(0, self.learned, gain[self.learned] * weight)

    def add(self, bias: Tensor) -> Tensor | None:
        """What is added to each neuron; None: nothing."""
        if not self.own_biases or self.own is None:
            return bias if self.own_biases else None
        return bias.new_zeros(self.nodes).index_copy(0, self.own, bias)

    def activate(self, sums: Tensor) -> Tensor:
        if self.kinds is not None:
            return activate(sums, self.kinds)
        return self.function(sums)

    def _strength(self, graph: "ModelGraph", edges: slice) -> None:
        gain, learned = graph.edges.gain[edges], graph.edges.weight[edges] >= 0
        self.learned_edges = int(learned.sum())
        everywhere = bool(learned.all())
        plain = everywhere and bool((gain == 1).all())
        self.register_buffer("gain", None if plain else gain, persistent=False)
        self.register_buffer("learned", None if everywhere else learned.nonzero()[:, 0], persistent=False)

    def _biases(self, graph: "ModelGraph", nodes: slice) -> None:
        own = graph.nodes.bias[nodes] >= 0
        self.own_biases = int(own.sum())
        self.register_buffer("own", None if bool(own.all()) else own.nonzero()[:, 0], persistent=False)

    def _activation(self, graph: "ModelGraph", nodes: slice) -> None:
        kinds = graph.nodes.activation[nodes]
        name = ACTIVATIONS[int(kinds[0])]
        self.function = IN_PLACE.get(name, FUNCTIONS[name])
        self.register_buffer("kinds", kinds if bool((kinds != kinds[0]).any()) else None, persistent=False)


def forward(graph: "ModelGraph", x: Tensor, values: Tensor | None = None) -> Tensor:
    """Outputs [B, *output_shape] of `graph` for x [B, *input_shape]; the same as `definition.forward`."""
    values = graph.values if values is None else values
    engine, edges, nodes = graph.engine, graph.edges.weight, graph.nodes.bias
    weights = values[edges[edges >= 0]].split(engine.edge_counts)
    biases = values[nodes[nodes >= 0]].split(engine.bias_counts)
    return engine(engine.columns(x.to(values.dtype)), weights, biases)
