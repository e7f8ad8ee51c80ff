"""The graph of a network as pictures and as a table."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from teachkit import plots

if TYPE_CHECKING:
    from teachkit.hyperinit.architecture import ArchitectureGraph


def draw_graph(graph: "ArchitectureGraph", title: str) -> plots.Picture:
    return plots.operations(nodes(graph), graph.edges.astype(np.int64), title=title or graph.name)


def draw_paths(graph: "ArchitectureGraph", title: str) -> plots.Picture:
    return plots.path_lengths(graph.edges.astype(np.int64), graph.distances, title=title or graph.name)


def table(graph: "ArchitectureGraph") -> pd.DataFrame:
    columns = dict(zip(("out", "in", "height", "width"), graph.shapes.T, strict=True))
    return pd.DataFrame(
        {"op": graph.kinds, "layer": graph.labels}
        | columns
        | {"tensors": [len(covered) for covered in graph.parameters], "level": graph.levels}
    )


def nodes(graph: "ArchitectureGraph") -> list[plots.Operation]:
    """The nodes as they are drawn: kind, channels, kernel and level."""
    return [
        plots.Operation(kind, _detail(graph, node), int(graph.levels[node]))
        for node, kind in enumerate(graph.kinds)
    ]


def _detail(graph: "ArchitectureGraph", node: int) -> tuple[str, ...]:
    channels_out, channels_in, height, width = graph.shapes[node].tolist()
    kernel = f"{height}×{width}" if height else ""
    weight = next((p for p in graph.parameters[node] if p.kind == "weight"), None)
    if weight is not None:
        return f"{channels_in}→{channels_out}", kernel if len(weight.shape) > 2 else "linear"
    if graph.parameters[node]:
        return (str(channels_out),)
    return (kernel,) if kernel and graph.kinds[node].endswith("pool") else ()
