"""From graphs of tensors to the arrays that plots draws."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from teachkit import plots
from teachkit.errors import GraphError, SettingsError
from teachkit.graphs.activations import ACTIVATIONS
from teachkit.graphs.record import AGGREGATES, Layer, ModelGraph
from teachkit.plots.wirings import Block, Wiring

if TYPE_CHECKING:
    from teachkit.graphs.tracing import OpGraph
    from teachkit.graphs.union import Union
    from teachkit.plots import Picture

MOST_NEURONS = 400  # above, single neurons and edges can no longer be told apart
MOST_NAMES = 12
MOST_OPERATIONS = 150


def wiring(graph: ModelGraph) -> Wiring:
    """The graph as arrays for plots."""
    with torch.no_grad():
        weight = graph.edges.weight.cpu().numpy()
        named = np.unique(weight[weight >= 0])[:MOST_NAMES].tolist()
        return Wiring(
            src=graph.edges.src.cpu().numpy().astype(np.int64),
            dst=graph.edges.dst.cpu().numpy().astype(np.int64),
            weight=weight,
            strength=graph.strength().double().cpu().numpy(),
            bias=graph.biases().double().cpu().numpy(),
            activation=np.array(ACTIVATIONS)[graph.nodes.activation.cpu().numpy()],
            aggregate=np.array(AGGREGATES)[graph.nodes.aggregate.cpu().numpy()],
            blocks=tuple(_block(layer) for layer in graph.layers),
            title=graph.name,
            names={number: graph.name_of(number) for number in named},
        )


def draw(graph: ModelGraph, colours: Literal["value", "identity"], title: str) -> "Picture":
    """See `ModelGraph.draw`."""
    if colours not in ("value", "identity"):
        raise SettingsError(
            f"Edges cannot be coloured by '{colours}'.", 'Say "value" or "identity".', colours=colours
        )
    if graph.num_nodes > MOST_NEURONS:
        return draw_blocks(graph, title)
    return plots.neurons(wiring(graph), colours=colours, title=title)


def draw_receptive_field(graph: ModelGraph, chosen: Sequence[int], title: str) -> "Picture":
    """See `ModelGraph.draw_receptive_field`."""
    if not chosen:
        raise SettingsError("No neuron was given.", "Give the id of one or more neurons.")
    arrays = wiring(graph)
    fields = [field_of(graph, int(node), arrays) for node in chosen]
    note = ""
    if len(fields) > 1:
        edges = np.unique(np.concatenate([field.edges for field in fields]))
        numbers = np.unique(arrays.weight[edges])
        note = f"Together: {len(edges):,} edges with {int((numbers >= 0).sum()):,} distinct numbers."
    return plots.lit_neurons(arrays, fields, note=note, title=title)


def field_of(graph: ModelGraph, node: int, arrays: Wiring) -> plots.Field:
    """What a neuron depends on, for plots; the numbers it uses get their names in `arrays`."""
    field = graph.receptive_field(node)
    for number in field.weights[:MOST_NAMES].tolist():
        arrays.names[number] = graph.name_of(number)
    return plots.Field(node, field.nodes.cpu().numpy(), field.edges.cpu().numpy(), field.sentence)


def draw_union(union: "Union", title: str) -> "Picture":
    """See `Union.draw`."""
    return plots.spy(
        union.edges.src.cpu().numpy().astype(np.int64),
        union.edges.dst.cpu().numpy().astype(np.int64),
        [model.num_nodes for model in union.models],
        [f"{model.name or 'model'} ({place})" for place, model in enumerate(union.models, 1)],
        title=title or "Adjacency matrix of the union",
    )


def draw_degrees(graph: ModelGraph, layer: int | str, direction: str, title: str) -> "Picture":
    """See `ModelGraph.draw_degrees`."""
    if direction not in ("in", "out"):
        raise SettingsError(
            f"Edges do not lead '{direction}' a neuron.", 'Say "in" or "out".', direction=direction
        )
    chosen = graph.layer(layer)
    into, out_of = graph.degrees()
    counts = (into if direction == "in" else out_of)[chosen.node_slice].cpu().numpy()
    words = "edges into a neuron" if direction == "in" else "edges out of a neuron"
    return plots.degree_maps(
        counts.reshape(_block(chosen).grid),
        words=words,
        title=title or f"{graph.name}, layer {chosen.name}: {words}",
    )


def draw_statistics(graph: ModelGraph, title: str) -> "Picture":
    """See `ModelGraph.draw_statistics`."""
    rows = graph.layer_table().to_dict("records")
    counts = [
        plots.LayerCount(_called(row["layer"], row["kind"]), row["edges"], row["fixed edges"], row["weights"])
        for row in rows
        if row["edges"]
    ]
    into = graph.degrees()[0].cpu().numpy()
    return plots.sharing(counts, into[into > 0], title=title or graph.name)


def draw_blocks(graph: ModelGraph, title: str) -> "Picture":
    """A box a layer, and how many edges lead from layer to layer."""
    boxes = [
        plots.Box(
            _called(layer.name, layer.kind),
            f"{_block(layer).size}{f' = {layer.nodes:,} neurons' if len(layer.shape) > 1 else ' neurons'}",
            bool((graph.edges.weight[layer.edge_slice] >= 0).any()),
        )
        for layer in graph.layers
    ]
    arrows = []
    for place, layer in enumerate(graph.layers):
        src, weight = graph.edges.src[layer.edge_slice], graph.edges.weight[layer.edge_slice]
        origin = graph.nodes.layer[src.long()]
        for before in origin.unique().tolist():
            ids = weight[origin == before]
            numbers = len(ids[ids >= 0].unique())
            learned = f"{numbers:,} {_numbers(numbers)}" if numbers else "fixed"
            label = f"{len(ids):,} {'edge' if len(ids) == 1 else 'edges'}, {learned}"
            arrows.append(plots.Arrow(before, place, label))
    said = "; ".join(f"{boxes[a.src].name} to {boxes[a.dst].name}: {a.label}" for a in arrows)
    note = (
        f"{graph.num_nodes:,} neurons are too many to draw one by one: a box is a layer. "
        "Blue: it has learned numbers."
    )
    return plots.flow(boxes, arrows, title=title or graph.name, note=note, alt=said)


def draw_operations(graph: "OpGraph", title: str) -> "Picture":
    """See `OpGraph.draw`."""
    if graph.num_nodes > MOST_OPERATIONS:
        raise GraphError(
            f"{graph.num_nodes} operations are too many for one picture; {MOST_OPERATIONS} fit.",
            "Trace a part of the network, or use .to_networkx() and a program for large graphs.",
            operations=graph.num_nodes,
        )
    boxes = []
    for node in graph.nodes:
        shape = "" if node.shape is None else " × ".join(str(size) for size in node.shape[1:])
        learned = f"{node.parameters:,} {_numbers(node.parameters)}" if node.parameters else ""
        boxes.append(
            plots.Box(
                _called(node.path or node.name, node.module or node.target),
                ", ".join(part for part in (shape, learned) if part) or node.op.replace("call_", ""),
                bool(node.parameters),
            )
        )
    arrows = [plots.Arrow(src, dst) for src, dst in graph.edges]
    note = (
        f"{graph.num_nodes} operations, {graph.num_edges} arrows: data that flows. "
        "Small: shape of one result, count of learned numbers. Blue: has some."
    )
    said = "; ".join(f"{boxes[a.src].name} to {boxes[a.dst].name}" for a in arrows)
    return plots.flow(boxes, arrows, title=title or f"{graph.name}: operations", note=note, alt=said)


def _numbers(count: int) -> str:
    return "number" if count == 1 else "numbers"


def _called(name: str, kind: str) -> str:
    return name if name == kind or not kind else f"{name}: {kind}"


def _block(layer: Layer) -> Block:
    return Block(layer.name, layer.kind, layer.shape, layer.level, layer.first_node, layer.nodes)
