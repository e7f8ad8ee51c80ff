"""A network as the graph of its operations and weights: what the hyper-initializer reads.

A node is an operation of fifteen kinds. The weights of a layer are a node, and so is its bias; scale and
shift of a normalisation are one. An edge says that a result flows from one node into the next.

Source: Knyazev et al., Parameter prediction for unseen deep architectures, NeurIPS 2021, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from torch import nn

from teachkit.errors import SettingsError
from teachkit.hyperinit import drawing

if TYPE_CHECKING:
    import pandas as pd

    from teachkit.plots import Picture

OPS = (
    "max_pool", "avg_pool", "sep_conv", "dil_conv", "conv", "msa", "cse", "sum",
    "concat", "input", "bias", "bn", "ln", "pos_enc", "glob_avg",
)  # fmt: skip
ACTIVATION = "activation"  # a node only on request
NUMBER_OF = {name: number for number, name in enumerate((*OPS, ACTIVATION))}
FURTHEST = 50  # edges; nodes further apart send each other nothing

Kind = Literal["weight", "bias", "gamma", "beta"]


@dataclass(frozen=True)
class Parameter:
    """A tensor of the network that a node stands for.

    Attributes:
        name: as in ``module.named_parameters()``.
        kind: "weight" of a convolution or linear layer, "bias" of one, "gamma" or "beta" of a normalisation.
        shape: of the tensor.
        head: it belongs to the last layer, whose outputs are those of a task.
        transposed: 0, or the groups of a transposed convolution, whose tensor starts with the channels in.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    head: bool = False
    transposed: int = 0

    @property
    def layout(self) -> tuple[int, ...]:
        """Its shape in the order channels out, channels in of one group, kernel."""
        return layout(self.shape, self.transposed)


def layout(shape: tuple[int, ...], transposed: int = 0) -> tuple[int, ...]:
    """Channels out, channels in of one group, kernel, of a tensor of `shape`; see `Parameter`.

    >>> layout((8, 2, 3, 3), transposed=2)  # 8 channels in, 2 groups, 2 channels out each
    (4, 4, 3, 3)
    """
    return (shape[1] * transposed, shape[0] // transposed, *shape[2:]) if transposed else shape


@cache
def four(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Channels out and in, height and width; a linear layer is a 1 × 1 kernel, and depth is left out."""
    channels_out, channels_in, *kernel = (int(size) for size in (*shape, 1)[: max(len(shape), 2)])
    height, width = (*kernel, 1, 1)[:2] if len(kernel) < 3 else kernel[-2:]
    return channels_out, channels_in, height, width


@dataclass(frozen=True, eq=False)
class ArchitectureGraph:
    """Operations in the order of calculation: an edge leads to a node with a larger number.

    Attributes:
        name: class of the network.
        ops: int8 [N], places in `OPS`; 15 is an activation.
        labels: path of the layer, or name of the operation, for each node.
        shapes: int32 [N, 4]: channels out, channels in (of one group), height and width of the kernel; 0 for
            none.
        parameters: for each node the tensors it stands for; none for most kinds.
        edges: int32 [E, 2], from and to.
        distances: uint8 [N, N]: edges on the shortest path from row to column; 0 where there is none within
            the limit.
        levels: int32 [N]: edges on the longest path that ends in a node. Nodes of one level do not reach each
            other.
        left_alone: names of tensors that no node stands for, and why.
    """

    name: str
    ops: np.ndarray
    labels: tuple[str, ...]
    shapes: np.ndarray
    parameters: tuple[tuple[Parameter, ...], ...]
    edges: np.ndarray
    distances: np.ndarray = field(repr=False)
    levels: np.ndarray = field(repr=False)
    left_alone: tuple[tuple[str, str], ...] = ()

    @property
    def num_nodes(self) -> int:
        return len(self.ops)

    def num_edges(self, virtual: bool = True) -> int:
        """Edges; with `virtual` also pairs joined by a longer path, which send each other less."""
        return int(np.count_nonzero(self.distances)) if virtual else len(self.edges)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Name of the operation of each node."""
        names = (*OPS, ACTIVATION)
        return tuple(names[number] for number in self.ops)

    @property
    def heads(self) -> np.ndarray:
        """Whether a node belongs to the last layer, bool [N]."""
        return np.array([any(p.head for p in covered) for covered in self.parameters], dtype=bool)

    @property
    def table(self) -> "pd.DataFrame":
        """A row a node: op, layer, channels out and in, height and width, number of tensors, level."""
        return drawing.table(self)

    def draw(self, title: str = "") -> "Picture":
        """A box a node, from left to right.

        Raises:
            SettingsError: for more than 60 nodes; `draw_paths` draws those.
        """
        return drawing.draw_graph(self, title)

    def draw_paths(self, title: str = "") -> "Picture":
        """Two matrices: where edges are, and how many edges lie between two nodes."""
        return drawing.draw_paths(self, title)

    def __repr__(self) -> str:
        count = sum(len(covered) for covered in self.parameters)
        return (
            f"ArchitectureGraph({self.name}: {self.num_nodes} nodes, {self.num_edges(virtual=False)} edges, "
            f"{self.num_edges()} with virtual ones, {count} tensors)"
        )


def architecture_graph(
    module: nn.Module, *, s_max: int = FURTHEST, activations: bool = False
) -> ArchitectureGraph:
    """The operations and weights of `module`; nothing is calculated, so a module on device "meta" will do.

    Parts whose forward method asks about numbers or shapes become one node-less step: their tensors stand in
    `left_alone` with the reason.

    Args:
        s_max: longest path, in edges, that still counts as a virtual edge: 1 to 255.
        activations: make a node of each activation function too.

    Raises:
        SettingsError: for another `s_max`.
        UnsupportedLayerError: when the network's own forward method cannot be followed.
    """
    from teachkit.hyperinit.reading import read

    if not 1 <= s_max <= 255:
        raise SettingsError(f"s_max={s_max} is not possible.", "Use 1 to 255 edges.", s_max=s_max)
    found = read(module, activations)
    edges = np.array(sorted(found.edges), dtype=np.int32).reshape(-1, 2)
    count = len(found.ops)
    return ArchitectureGraph(
        name=type(module).__name__,
        ops=np.array([NUMBER_OF[op] for op in found.ops], dtype=np.int8),
        labels=tuple(found.labels),
        shapes=np.array(found.shapes, dtype=np.int32).reshape(-1, 4),
        parameters=_with_heads(found.ops, found.parameters, edges),
        edges=edges,
        distances=shortest_paths(count, edges, s_max),
        levels=longest_paths(count, edges),
        left_alone=tuple(found.left_alone(module)),
    )


def shortest_paths(count: int, edges: np.ndarray, limit: int = FURTHEST) -> np.ndarray:
    """Edges on the shortest path from node to node, uint8 [N, N]; 0 where there is none within `limit`."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import shortest_path

    joined = csr_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(count, count))
    hops = shortest_path(joined, method="D", unweighted=True)
    return np.where(hops <= limit, hops, 0).astype(np.uint8)


def longest_paths(count: int, edges: np.ndarray) -> np.ndarray:
    """Edges on the longest path that ends in each node, int32 [N]."""
    levels = np.zeros(count, dtype=np.int32)
    for before, node in sorted(edges.tolist(), key=lambda edge: edge[1]):
        levels[node] = max(levels[node], levels[before] + 1)
    return levels


def _with_heads(
    ops: Sequence[str], parameters: Sequence[tuple[Parameter, ...]], edges: np.ndarray
) -> tuple[tuple[Parameter, ...], ...]:
    """`parameters`, with those of the last layer marked.

    That is a linear layer with no tensor behind it but its bias. A convolution is one too beside an average
    over the whole image: before it, as in SqueezeNet, or after it.
    """
    after: list[list[int]] = [[] for _ in ops]
    for before, node in edges.tolist():
        after[before].append(node)
    marked = list(parameters)
    more_behind = [False] * len(ops)  # a tensor other than the layer's own bias
    averaged = [False] * len(ops)  # only numbers of the whole image go in or come out
    for before, node in edges.tolist():
        averaged[node] |= ops[before] == "glob_avg"
    for node in reversed(range(len(ops))):
        own = [n for n in after[node] if ops[n] == "bias"]
        averaged[node] |= any(averaged[n] or ops[n] == "glob_avg" for n in after[node])
        more_behind[node] = any(more_behind[n] or (parameters[n] and n not in own) for n in after[node])
        weight = next((p for p in parameters[node] if p.kind == "weight"), None)
        if weight is None or more_behind[node] or (len(weight.shape) > 2 and not averaged[node]):
            continue
        for place in (node, *own):
            marked[place] = tuple(replace(parameter, head=True) for parameter in parameters[place])
    return tuple(marked)
