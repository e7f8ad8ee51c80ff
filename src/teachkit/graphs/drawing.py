"""From graphs of tensors to the arrays that plots draws."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from teachkit import plots
from teachkit.errors import SettingsError
from teachkit.graphs.activations import ACTIVATIONS
from teachkit.graphs.record import AGGREGATES, ModelGraph
from teachkit.plots.wirings import Block, Wiring

if TYPE_CHECKING:
    from teachkit.plots import Picture

MOST_NEURONS = 400  # above, single neurons and edges can no longer be told apart
MOST_NAMES = 12


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
            blocks=tuple(
                Block(layer.name, layer.kind, layer.shape, layer.level, layer.first_node, layer.nodes)
                for layer in graph.layers
            ),
            title=graph.name,
            names={number: graph.name_of(number) for number in named},
        )


def draw(graph: ModelGraph, colours: Literal["value", "identity"], title: str) -> "Picture":
    """See `ModelGraph.draw`."""
    if colours not in ("value", "identity"):
        raise SettingsError(
            f"Edges cannot be coloured by '{colours}'.", 'Say "value" or "identity".', colours=colours
        )
    return plots.neurons(wiring(graph), colours=colours, title=title)


def draw_receptive_field(graph: ModelGraph, chosen: Sequence[int], title: str) -> "Picture":
    """See `ModelGraph.draw_receptive_field`."""
    if not chosen:
        raise SettingsError("No neuron was given.", "Give the id of one or more neurons.")
    fields = [graph.receptive_field(int(node)) for node in chosen]
    nodes = torch.cat([field.nodes for field in fields]).unique()
    edges = torch.cat([field.edges for field in fields]).unique()
    weight = graph.edges.weight[edges]
    words = " ".join(field.sentence for field in fields)
    if len(fields) > 1:
        used = len(weight[weight >= 0].unique())
        words += f" Together: {len(edges):,} edges, {used:,} distinct numbers on them."
    picture = wiring(graph)
    names = {number: graph.name_of(number) for number in weight[weight >= 0].unique()[:MOST_NAMES].tolist()}
    picture.names.update(names)
    return plots.lit_neurons(
        picture, [int(node) for node in chosen], nodes.numpy(), edges.numpy(), words, title=title
    )
