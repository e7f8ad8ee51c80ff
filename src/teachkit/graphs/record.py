"""The record of a model-graph: neurons, edges and the numbers they use, kept apart to make sharing visible.

strength of an edge = gain * values[weight], or its gain alone where nothing is learned (weight = -1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from teachkit.errors import GraphError

if TYPE_CHECKING:
    import networkx
    import pandas as pd

    from teachkit.graphs.engine import Engine
    from teachkit.graphs.exploring import NeuronExplorer
    from teachkit.graphs.fields import ReceptiveField
    from teachkit.plots import Picture

SUM, MAX = 0, 1
AGGREGATES = ("sum", "max")


@dataclass(frozen=True, eq=False)
class Nodes:
    """One entry a neuron. Ids follow the levels: all neurons of level 0, then of level 1, and so on."""

    layer: Tensor  # int32, index into ModelGraph.layers
    channel: Tensor  # int32, -1 where there is none; so y and x
    y: Tensor
    x: Tensor
    bias: Tensor  # int64, index into values; -1: no bias
    activation: Tensor  # int8, index into activations.ACTIVATIONS
    aggregate: Tensor  # int8, SUM or MAX
    level: Tensor  # int32, longest path from the input, the same for all neurons of a layer

    def __len__(self) -> int:
        return len(self.layer)


@dataclass(frozen=True, eq=False)
class Edges:
    """One entry an edge, sorted by (level of dst, dst, src). Every src is smaller than its dst."""

    src: Tensor  # int32
    dst: Tensor  # int32
    weight: Tensor  # int64, index into values; -1: fixed
    gain: Tensor  # float32

    def __len__(self) -> int:
        return len(self.src)


@dataclass(frozen=True)
class Layer:
    """A block of neighbouring node ids and of neighbouring edges that came from one operation."""

    name: str  # path of the module, or name of the operation
    kind: str  # class of the module, or the operation
    shape: tuple[int, ...]  # of one sample
    level: int
    first_node: int
    nodes: int
    first_edge: int
    edges: int
    settings: Mapping[str, Any] = field(default_factory=dict)  # what the operation was told, such as stride
    sources: Tensor | None = field(default=None, repr=False, compare=False)  # node ids read, in input shape

    @property
    def node_slice(self) -> slice:
        return slice(self.first_node, self.first_node + self.nodes)

    @property
    def edge_slice(self) -> slice:
        return slice(self.first_edge, self.first_edge + self.edges)


@dataclass(frozen=True)
class Parameter:
    """Where the numbers of one parameter lie in `values`."""

    name: str
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        return int(torch.Size(self.shape).numel())


@dataclass(frozen=True, eq=False)
class ModelGraph:
    """A network as a graph of neurons that can be run.

    Attributes:
        values: float [P], the distinct numbers; a shared kernel or module appears once.
        parameters: name, shape and offset in `values` of each parameter.
        inputs: int64 node ids of one input in row-major order.
        outputs: int64 node ids in output order; `output_shape` is the shape of one output.
        constant: id of the node whose value is always 1, or -1.
    """

    nodes: Nodes
    edges: Edges
    values: Tensor
    parameters: tuple[Parameter, ...]
    layers: tuple[Layer, ...]
    inputs: Tensor
    outputs: Tensor
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    constant: int = -1
    name: str = ""

    @property
    def num_nodes(self) -> int:
        return len(self.nodes)

    @property
    def num_edges(self) -> int:
        return len(self.edges)

    @property
    def depth(self) -> int:
        """The highest level; the input has level 0."""
        return int(self.nodes.level[-1])

    def __repr__(self) -> str:
        return (
            f"ModelGraph({self.name}: {self.num_nodes:,} nodes, {self.num_edges:,} edges, "
            f"{len(self.values):,} distinct numbers, {self.depth} levels)"
        )

    def layer(self, layer: int | str) -> Layer:
        """A layer by its name, or by its place among `layers`; -1 is the last one."""
        names = [one.name for one in self.layers]
        if isinstance(layer, str) and layer in names:
            return self.layers[names.index(layer)]
        if isinstance(layer, int) and -len(names) <= layer < len(names):
            return self.layers[layer]
        raise GraphError(
            f"There is no layer {layer!r}.",
            f"The layers are {', '.join(names)}; or 0 to {len(names) - 1}.",
            layer=layer,
        )

    def node_at(self, layer: int | str, *place: int) -> int:
        """Id of a neuron, by its layer and its place there, such as channel, row and column."""
        found = self.layer(layer)
        fits = len(place) == len(found.shape) and all(
            0 <= index < size for index, size in zip(place, found.shape, strict=True)
        )
        if not fits:
            raise GraphError(
                f"Layer '{found.name}' has no neuron at {list(place)}.",
                f"Its shape is {list(found.shape)}; give one number a dimension, from 0.",
                place=place,
            )
        own = 0
        for index, size in zip(place, found.shape, strict=True):
            own = own * size + index
        return found.first_node + own

    def strength(self, values: Tensor | None = None) -> Tensor:
        """The factor of each edge [E]: its gain times its weight."""
        values = self.values if values is None else values
        gain = self.edges.gain.to(values)
        learned = self.edges.weight >= 0
        if not len(values):
            return gain
        return torch.where(learned, gain * values[self.edges.weight.clamp(min=0)], gain)

    def biases(self, values: Tensor | None = None) -> Tensor:
        """What is added to each node [N]; 0 where it has no bias."""
        values = self.values if values is None else values
        if not len(values):
            return values.new_zeros(self.num_nodes)
        own = self.nodes.bias >= 0
        return torch.where(own, values[self.nodes.bias.clamp(min=0)], values.new_zeros(()))

    def name_of(self, value: int) -> str:
        """The name of one of the distinct numbers, such as ``conv1.weight[3, 0, 1, 1]``."""
        for parameter in self.parameters:
            if parameter.offset <= value < parameter.offset + parameter.size:
                place = torch.unravel_index(torch.tensor(value - parameter.offset), parameter.shape)
                return f"{parameter.name}[{', '.join(str(int(index)) for index in place)}]"
        raise GraphError(
            f"There is no number {value} in this graph.", f"It has {len(self.values)}.", value=value
        )

    @cached_property
    def level_nodes(self) -> list[slice]:
        """Node ids of each level."""
        return _runs(self.nodes.level, self.depth + 1)

    @cached_property
    def level_edges(self) -> list[slice]:
        """Edges that end in each level."""
        return _runs(self.nodes.level[self.edges.dst.long()], self.depth + 1)

    @cached_property
    def engine(self) -> "Engine":
        """This graph made ready to run fast, from its nodes and edges as they are at the first run."""
        from teachkit.graphs.engine import Engine

        return Engine(self)

    def forward(self, x: Tensor, values: Tensor | None = None) -> Tensor:
        """Run the graph on `x` [B, *input_shape]: messages along the edges, level by level.

        Args:
            values: other numbers [P] to use, for instance ones that need a gradient.
        """
        from teachkit.graphs.engine import forward

        return forward(self, x, values)

    __call__ = forward

    def check(self) -> None:
        """Raise GraphError unless messages only flow forward and every id points at something."""
        from teachkit.graphs.checks import check

        check(self)

    def statistics(self) -> dict[str, float]:
        """Nodes, edges, levels, distinct weights, edges a weight, in-degrees, density.

        Density is the share of edges among all pairs of nodes that could be joined without a cycle.
        """
        from teachkit.graphs.statistics import statistics

        return statistics(self)

    def degrees(self) -> tuple[Tensor, Tensor]:
        """Number of edges into and out of each node, two tensors [N]."""
        from teachkit.graphs.statistics import degrees

        return degrees(self)

    def layer_table(self) -> "pd.DataFrame":
        """One row a layer: kind, shape, level, nodes, edges, distinct weights and edges a weight."""
        from teachkit.graphs.statistics import layer_table

        return layer_table(self)

    def receptive_field(self, node: int) -> "ReceptiveField":
        """All neurons, edges and distinct numbers that neuron `node` depends on."""
        from teachkit.graphs.fields import receptive_field

        return receptive_field(self, node)

    def draw(self, colours: Literal["value", "identity"] = "value", title: str = "") -> "Picture":
        """Every neuron and every edge; above 400 neurons a box a layer.

        Args:
            colours: "value" colours edges by their strength, "identity" by the number they use: edges that
                share a number share a colour.
            title: of the figure; the name of the network without one.
        """
        from teachkit.graphs.drawing import draw

        return draw(self, colours, title)

    def draw_receptive_field(self, *nodes: int, title: str = "") -> "Picture":
        """What the neurons with these ids depend on, lit; edges that share a number share a colour."""
        from teachkit.graphs.drawing import draw_receptive_field

        return draw_receptive_field(self, nodes, title)

    def explore(self, *nodes: int, title: str = "") -> "NeuronExplorer":
        """Choose a neuron and see what it depends on; in print some telling ones, or those with these ids."""
        from teachkit.graphs.exploring import NeuronExplorer

        return NeuronExplorer(self, nodes, title)

    def draw_degrees(
        self, layer: int | str = -1, direction: Literal["in", "out"] = "in", title: str = ""
    ) -> "Picture":
        """How many edges lead into (or out of) each neuron of a layer, at the neuron's place.

        Args:
            layer: its name, or its place among `layers`.
        """
        from teachkit.graphs.drawing import draw_degrees

        return draw_degrees(self, layer, direction, title)

    def draw_statistics(self, title: str = "") -> "Picture":
        """Edges and distinct numbers of each layer, and the spread of the in-degrees."""
        from teachkit.graphs.drawing import draw_statistics

        return draw_statistics(self, title)

    def to_networkx(self) -> "networkx.MultiDiGraph":
        """The same graph for networkx; two neurons may be joined by several edges, so it is a multigraph."""
        from teachkit.graphs.statistics import to_networkx

        return to_networkx(self)

    def to_module(self) -> nn.Module:
        """A network that computes what the graph computes.

        Layers that still share weights as torch's Linear and convolutions do become these. All others, such
        as an untied convolution, become a `LocallyConnected` layer: each edge can have its own weight.
        """
        from teachkit.graphs.rebuilding import to_module

        return to_module(self)

    def untie(self) -> "ModelGraph":
        """The same graph with a number of its own for every learned edge and bias: nothing is shared."""
        from teachkit.graphs.rebuilding import untie

        return untie(self)

    def save(self, path: str | Path) -> Path:
        """Write the graph to one file, whole or not at all."""
        from teachkit.graphs.files import save

        return save(self, path)

    @staticmethod
    def load(path: str | Path) -> "ModelGraph":
        """Read a saved graph; a damaged file is refused."""
        from teachkit.graphs.files import load

        return load(path)

    def to(self, target: torch.dtype | torch.device | str) -> "ModelGraph":
        """The same graph with its numbers in another precision, or all of it on another device."""
        values = self.values.to(target)
        move = {f.name: getattr(self, f.name) for f in fields(self)}
        if not isinstance(target, torch.dtype):
            for key in ("nodes", "edges"):
                part = move[key]
                move[key] = type(part)(**{f.name: getattr(part, f.name).to(target) for f in fields(part)})
            move["inputs"], move["outputs"] = self.inputs.to(target), self.outputs.to(target)
        return ModelGraph(**(move | {"values": values}))


def _runs(sorted_numbers: Tensor, count: int) -> list[slice]:
    """Slices of equal numbers in a sorted tensor, for the numbers 0 .. count - 1."""
    bounds = torch.searchsorted(
        sorted_numbers.contiguous(), torch.arange(count + 1, device=sorted_numbers.device, dtype=torch.int32)
    ).tolist()
    return [slice(first, last) for first, last in pairwise(bounds)]
