"""What one neuron can see: all neurons and edges from which a path leads to it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from teachkit.errors import GraphError

if TYPE_CHECKING:
    from teachkit.graphs.record import ModelGraph


@dataclass(frozen=True, eq=False)
class ReceptiveField:
    """The part of a graph that one neuron depends on.

    Attributes:
        node: the neuron.
        nodes: ids of all neurons it depends on, itself included, in rising order.
        inputs: those of them that are input pixels.
        edges: places in the edge arrays of all edges between them.
        weights: distinct learned numbers on these edges and in these neurons.
        box: first row, one past the last row, first column, one past the last column of the pixels seen;
            None where the input is no image.
    """

    node: int
    nodes: Tensor
    inputs: Tensor
    edges: Tensor
    weights: Tensor
    box: tuple[int, int, int, int] | None

    @property
    def num_edges(self) -> int:
        return len(self.edges)

    @property
    def num_weights(self) -> int:
        return len(self.weights)

    @property
    def sentence(self) -> str:
        """The counts as one sentence."""
        seen = f"Neuron {self.node} sees {len(self.inputs)} input values"
        if self.box is not None:
            top, bottom, left, right = self.box
            seen += f" ({bottom - top} rows × {right - left} columns)"
        return f"{seen} along {self.num_edges:,} edges with {self.num_weights:,} distinct learned numbers."


def receptive_field(graph: "ModelGraph", node: int) -> ReceptiveField:
    """Walk from `node` back to the input, level by level."""
    if not 0 <= node < graph.num_nodes:
        raise GraphError(
            f"There is no node {node}.", f"Nodes are numbered 0 to {graph.num_nodes - 1}.", node=node
        )
    reached = torch.zeros(graph.num_nodes, dtype=torch.bool)
    reached[node] = True
    used = torch.zeros(graph.num_edges, dtype=torch.bool)
    for edges in reversed(graph.level_edges):
        used[edges] = reached[graph.edges.dst[edges].long()]
        reached[graph.edges.src[edges].long()[used[edges]]] = True
    weights = torch.cat((graph.edges.weight[used], graph.nodes.bias[reached])).unique()
    inputs = graph.inputs[reached[graph.inputs]]
    return ReceptiveField(
        node=node,
        nodes=reached.nonzero()[:, 0],
        inputs=inputs,
        edges=used.nonzero()[:, 0],
        weights=weights[weights >= 0],
        box=_box(graph, inputs),
    )


def _box(graph: "ModelGraph", inputs: Tensor) -> tuple[int, int, int, int] | None:
    y, x = graph.nodes.y[inputs], graph.nodes.x[inputs]
    if not len(inputs) or int(y.min()) < 0:
        return None
    return int(y.min()), int(y.max()) + 1, int(x.min()), int(x.max()) + 1
