"""Counts over a model-graph: how large, how deep, and how much is shared."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    import networkx
    import pandas as pd

    from teachkit.graphs.record import ModelGraph


def statistics(graph: "ModelGraph") -> dict[str, float]:
    """See `ModelGraph.statistics`."""
    fixed = int((graph.edges.weight < 0).sum())
    weights = len(graph.edges.weight.unique()) - (1 if fixed else 0)
    learned = graph.num_edges - fixed
    into, out_of = degrees(graph)
    receivers = into[graph.nodes.level > 0]
    return {
        "nodes": graph.num_nodes,
        "edges": graph.num_edges,
        "inputs": len(graph.inputs),
        "outputs": len(graph.outputs),
        "levels": graph.depth,
        "parameters": len(graph.values),
        "weights": weights,
        "biases": len(graph.nodes.bias[graph.nodes.bias >= 0].unique()),
        "fixed edges": fixed,
        "edges per weight": learned / weights if weights else float("nan"),
        "mean in-degree": receivers.float().mean().item() if len(receivers) else 0.0,
        "largest in-degree": int(into.max()),
        "largest out-degree": int(out_of.max()),
        "density": graph.num_edges / max(1, graph.num_nodes * (graph.num_nodes - 1) / 2),
    }


def degrees(graph: "ModelGraph") -> tuple[Tensor, Tensor]:
    """Edges into and out of each node, two tensors [N]."""
    count = graph.num_nodes
    return (
        torch.bincount(graph.edges.dst.long(), minlength=count),
        torch.bincount(graph.edges.src.long(), minlength=count),
    )


def layer_table(graph: "ModelGraph") -> "pd.DataFrame":
    """One row a layer: kind, shape, level, nodes, edges, distinct weights and edges a weight."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for layer in graph.layers:
        ids = graph.edges.weight[layer.edge_slice]
        learned = ids[ids >= 0]
        weights = len(learned.unique())
        rows.append(
            {
                "layer": layer.name,
                "kind": layer.kind,
                "shape": " × ".join(str(size) for size in layer.shape),
                "level": layer.level,
                "nodes": layer.nodes,
                "edges": layer.edges,
                "fixed edges": len(ids) - len(learned),
                "weights": weights,
                "edges per weight": len(learned) / weights if weights else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def to_networkx(graph: "ModelGraph") -> "networkx.MultiDiGraph":
    """See `ModelGraph.to_networkx`."""
    import networkx

    from teachkit.graphs.activations import ACTIVATIONS
    from teachkit.graphs.record import AGGREGATES

    made = networkx.MultiDiGraph(name=graph.name)
    n, biases, strength = graph.nodes, graph.biases().tolist(), graph.strength().tolist()
    columns = zip(
        n.layer.tolist(), n.channel.tolist(), n.y.tolist(), n.x.tolist(), n.activation.tolist(),
        n.aggregate.tolist(), n.level.tolist(), strict=True,
    )  # fmt: skip
    for node, (layer, channel, y, x, activation, aggregate, level) in enumerate(columns):
        made.add_node(
            node,
            layer=graph.layers[layer].name,
            channel=channel,
            y=y,
            x=x,
            bias=biases[node],
            activation=ACTIVATIONS[activation],
            aggregate=AGGREGATES[aggregate],
            level=level,
        )
    pairs = zip(graph.edges.src.tolist(), graph.edges.dst.tolist(), strict=True)
    ids = graph.edges.weight.tolist()
    made.add_edges_from(
        (src, dst, {"strength": strength[edge], "weight_id": ids[edge]})
        for edge, (src, dst) in enumerate(pairs)
    )
    return made
