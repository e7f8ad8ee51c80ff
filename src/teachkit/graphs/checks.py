"""What must be true of every model-graph: messages only flow forward, and every id points at something."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from teachkit.errors import GraphError
from teachkit.graphs.activations import ACTIVATIONS
from teachkit.graphs.record import AGGREGATES

if TYPE_CHECKING:
    from teachkit.graphs.record import ModelGraph


def check(graph: "ModelGraph") -> None:
    """Raise GraphError unless the graph is a well-formed directed acyclic graph in the promised order."""
    nodes, edges = graph.nodes, graph.edges
    _lengths("node", [len(value) for value in vars(nodes).values()])
    _lengths("edge", [len(value) for value in vars(edges).values()])
    count, numbers = graph.num_nodes, len(graph.values)
    _range("edge source", edges.src, 0, count)
    _range("edge target", edges.dst, 0, count)
    _range("weight", edges.weight, -1, numbers)
    _range("bias", nodes.bias, -1, numbers)
    _range("activation", nodes.activation, 0, len(ACTIVATIONS))
    _range("aggregate", nodes.aggregate, 0, len(AGGREGATES))
    _range("layer", nodes.layer, 0, len(graph.layers))
    _range("input", graph.inputs, 0, count)
    _range("output", graph.outputs, 0, count)
    _range("constant", torch.tensor([graph.constant]), -1, count)
    _layers(graph)
    _acyclic(graph)
    if bool((nodes.level[1:] < nodes.level[:-1]).any()):
        raise GraphError("The nodes are not in the order of their levels.", "Number them level by level.")
    key = edges.dst.long() * count + edges.src
    if bool((key[1:] < key[:-1]).any()):
        raise GraphError("The edges are not sorted by (dst, src).", "Sort them.")


def _layers(graph: "ModelGraph") -> None:
    """The layers cover all nodes and edges without gap or overlap, and the shapes fit."""
    node = edge = 0
    for layer in graph.layers:
        if (layer.first_node, layer.first_edge) != (node, edge):
            raise GraphError(
                f"Layer '{layer.name}' begins at node {layer.first_node} and edge {layer.first_edge}; "
                f"the layers before it end at {node} and {edge}.",
                "Layers follow each other without gap.",
            )
        node, edge = node + layer.nodes, edge + layer.edges
    counted = {"nodes": (node, graph.num_nodes), "edges": (edge, graph.num_edges)}
    counted["inputs"] = (torch.Size(graph.input_shape).numel(), len(graph.inputs))
    counted["outputs"] = (torch.Size(graph.output_shape).numel(), len(graph.outputs))
    for what, (promised, there) in counted.items():
        if promised != there:
            raise GraphError(
                f"{promised} {what} are announced, and {there} are there.", "The graph is not whole."
            )


def _acyclic(graph: "ModelGraph") -> None:
    """Each edge goes to a higher id and a higher level, so no path can come back to where it began."""
    src, dst, level = graph.edges.src.long(), graph.edges.dst.long(), graph.nodes.level
    back = ((src >= dst) | (level[src] >= level[dst])).nonzero()[:, 0]
    if len(back):
        first = int(back[0])
        raise GraphError(
            f"{len(back)} edges do not lead to a higher level; the first goes from node {int(src[first])} "
            f"to node {int(dst[first])}.",
            "A network that is run once has no cycle: remove these edges.",
            edges=back.tolist()[:100],
        )


def _lengths(what: str, lengths: list[int]) -> None:
    if len(set(lengths)) > 1:
        raise GraphError(
            f"The {what} arrays differ in length: {lengths}.", "Each holds one entry a node or edge."
        )


def _range(what: str, numbers: Tensor, low: int, high: int) -> None:
    outside = numbers[(numbers < low) | (numbers >= high)]
    if len(outside):
        raise GraphError(
            f"{what} {int(outside[0])} does not exist; allowed are {low} to {high - 1}.",
            "",
            value=int(outside[0]),
        )
