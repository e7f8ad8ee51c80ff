"""How rules make a graph: values travel as tensors of ids, and each rule adds one layer of neurons.

A tensor inside the network is stood for by a tensor of node ids of the same shape. Reshaping, cutting or
joining it is done to the ids, and makes no neuron. Edges are written down only after all were counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from teachkit.errors import GraphTooLargeError
from teachkit.graphs.record import SUM, Parameter

ZERO = -1  # in a tensor of node ids: a zero that no neuron holds, such as padding


@dataclass(frozen=True, eq=False)
class Ids:
    """A tensor of ids that stands for a tensor of numbers."""

    ids: Tensor

    @property
    def shape(self) -> torch.Size:
        return self.ids.shape


class Neurons(Ids):
    """Activations [1, ...]: ids of nodes, or ZERO."""


class Weights(Ids):
    """Learned numbers: ids into the values of the graph."""


class EdgeList(NamedTuple):
    """Edges of one layer, sorted by `dst`, the place of the neuron within its layer."""

    src: Tensor
    dst: Tensor
    weight: Tensor | None = None  # ids of values, -1 fixed; None: all fixed
    gain: Tensor | None = None  # None: all 1


@dataclass
class Draft:
    """A layer whose edges are not written down yet."""

    name: str
    kind: str
    shape: tuple[int, ...]
    first: int
    level: int
    edges: int
    write: Callable[[], EdgeList]
    bias: Tensor | None = None
    activation: int = 0
    aggregate: int = SUM
    channel_last: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    sources: Tensor | None = None

    @property
    def size(self) -> int:
        return int(torch.Size(self.shape).numel())


class Builder:
    """Collects layers; rules call `layer`, `weights` and `constant`."""

    def __init__(self, module: nn.Module, limit: int) -> None:
        self.limit = limit
        self.drafts: list[Draft] = []
        self.nodes = 0
        self.edges = 0
        self.here = ("", "")  # name and kind of the operation under way
        self.private = False  # nobody but this operation reads its input
        self._levels = torch.zeros(0, dtype=torch.int32)
        self._constant = self._zero = -1
        self._uses: dict[str, int] = {}
        self._tables = _Tables(module)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(self._tables.parameters)

    @property
    def values(self) -> Tensor:
        return self._tables.values()

    @property
    def constant_id(self) -> int:
        return self._constant

    def weights(self, parameter: Tensor) -> Weights:
        """Ids of a parameter's numbers, in its shape; the same parameter always gives the same ids."""
        return self._tables.ids(parameter)

    def level_of(self, ids: Tensor) -> int:
        """The highest level among `ids`."""
        solid = ids[ids >= 0]
        return int(self._levels[solid].max()) if len(solid) else 0

    def layer(
        self,
        shape: tuple[int, ...],
        edges: int,
        write: Callable[[], EdgeList],
        sources: Tensor,
        **details: Any,
    ) -> Neurons:
        """Add a layer of neurons, one level above the highest of its `sources`.

        Args:
            shape: of one sample.
            edges: how many `write` will give.
            write: gives the edges; called only if the whole graph is within the limit.
            sources: ids of all nodes that are read, in the shape in which they are read.
            details: other fields of `Draft`: bias ids, activation, aggregate, settings.

        Returns:
            The new neurons, shape [1, *shape].
        """
        name, kind = self.here
        draft = Draft(
            name, kind, shape, self.nodes, self.level_of(sources) + 1, edges, write, sources=sources
        )
        for key, value in details.items():
            setattr(draft, key, value)
        return self._add(draft)

    def neurons(
        self,
        shape: tuple[int, ...],
        src: Tensor,
        dst: Tensor,
        weight: Tensor | None = None,
        gain: Tensor | None = None,
        **details: Any,
    ) -> Neurons:
        """Add a layer from its edges: the short form of `layer`, for layers with few edges.

        Args:
            shape: of one sample.
            src: node ids of the senders, one an edge.
            dst: place of the receiver in the new layer, 0 to the number of neurons - 1, in rising order.
            weight: ids of values, -1 for fixed edges; None: all fixed.
            gain: fixed factor of each edge; None: all 1.
            details: as for `layer`.
        """
        return self.layer(shape, len(src), lambda: EdgeList(src, dst, weight, gain), src, **details)

    def source(self, name: str, shape: tuple[int, ...]) -> Neurons:
        """A layer of level 0 without edges."""
        draft = Draft(name, name, shape, self.nodes, 0, 0, _nothing)
        return self._add(draft)

    def constant(self) -> int:
        """Id of the node whose value is always 1."""
        if self._constant < 0:
            self._constant = int(self.source("constant", (1,)).ids)
        return self._constant

    def solid(self, x: Neurons) -> Neurons:
        """The same neurons, with a node of value 0 in place of each zero that no neuron holds."""
        if not bool((x.ids == ZERO).any()):
            return x
        if self._zero < 0:
            self._zero = int(self.source("zero", (1,)).ids)
        return Neurons(x.ids.where(x.ids >= 0, self._zero))

    def owners(self, ids: Tensor) -> list[Draft]:
        """The layers that the neurons belong to."""
        starts = torch.tensor([draft.first for draft in self.drafts])
        which = torch.searchsorted(starts, ids.flatten(), right=True).unique() - 1
        return [self.drafts[int(index)] for index in which]

    def _add(self, draft: Draft) -> Neurons:
        uses = self._uses[draft.name] = self._uses.get(draft.name, 0) + 1
        if uses > 1:  # a module used twice, or an operation that needs several layers
            draft.name = f"{draft.name} ({uses})"
        self.drafts.append(draft)
        self.nodes += draft.size
        self.edges += draft.edges
        if self.nodes > self.limit:  # ids themselves would need too much memory
            self.refuse(f"more than {self.limit:,} nodes already at layer '{draft.name}'")
        self._levels = torch.cat((self._levels, torch.full((draft.size,), draft.level, dtype=torch.int32)))
        return Neurons(torch.arange(draft.first, self.nodes).view(1, *draft.shape))

    def refuse(self, what: str) -> None:
        """Stop because the graph would be too large."""
        raise GraphTooLargeError(
            f"The model-graph would have {what}; the limit is {self.limit:,}.",
            "Give a smaller example image or a smaller network, or raise limit= if memory allows "
            "(an edge takes about 24 bytes, and one batch of messages 4 bytes an edge and image).",
            limit=self.limit,
            nodes=self.nodes,
            edges=self.edges,
        )


class _Tables:
    """Numbers of the network and the ids they get, in the order of first use."""

    def __init__(self, module: nn.Module) -> None:
        self.parameters: list[Parameter] = []
        self._names: dict[int, str] = {}
        for name, parameter in module.named_parameters(remove_duplicate=False):
            self._names.setdefault(id(parameter), name)
        self._tensors: list[Tensor] = []
        self._known: dict[int, Weights] = {}
        self._next = 0

    def ids(self, parameter: Tensor) -> Weights:
        known = self._known.get(id(parameter))
        if known is None:
            offset, self._next = self._next, self._next + parameter.numel()
            known = Weights(torch.arange(offset, self._next).view(parameter.shape))
            self._known[id(parameter)] = known
            name = self._names.get(id(parameter), "parameter")
            self.parameters.append(Parameter(name, tuple(parameter.shape), offset))
            self._tensors.append(parameter.detach().cpu().flatten())
        return known

    def values(self) -> Tensor:
        return torch.cat(self._tensors) if self._tensors else torch.zeros(0)


def _nothing() -> EdgeList:
    none = torch.zeros(0, dtype=torch.int64)
    return EdgeList(none, none)
