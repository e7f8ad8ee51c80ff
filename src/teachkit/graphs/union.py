"""Several model-graphs as one: their nodes and edges side by side, and no edge between two of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from teachkit.errors import GraphError, SettingsError
from teachkit.graphs.record import Edges, ModelGraph

if TYPE_CHECKING:
    import pandas as pd

    from teachkit.plots import Picture


def unite(models: Iterable[ModelGraph]) -> "Union":
    """One graph of several model-graphs; the adjacency matrix has a block for each.

    Raises:
        SettingsError: when there is no model, or something that is no model-graph.
    """
    given = tuple(models)
    for model in given:
        if not isinstance(model, ModelGraph):
            raise SettingsError(
                f"A union is made of model-graphs, not of {type(model).__name__}.",
                "Make one first: graphs.model_graph(network, example).",
                value=model,
            )
    if not given:
        raise SettingsError("A union needs at least one model-graph.", "Give a list of them.")
    return Union(given)


@dataclass(frozen=True, eq=False)
class Union:
    """Model-graphs side by side; nodes, edges and numbers of a model follow those of the one before it."""

    models: tuple[ModelGraph, ...]

    @property
    def num_nodes(self) -> int:
        return sum(model.num_nodes for model in self.models)

    @property
    def num_edges(self) -> int:
        return sum(model.num_edges for model in self.models)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Id of the first node of each model."""
        return _offsets(model.num_nodes for model in self.models)

    @property
    def edge_offsets(self) -> tuple[int, ...]:
        """Number of the first edge of each model."""
        return _offsets(model.num_edges for model in self.models)

    @property
    def value_offsets(self) -> tuple[int, ...]:
        """Number of the first distinct number of each model; no two models share one."""
        return _offsets(len(model.values) for model in self.models)

    def __len__(self) -> int:
        return len(self.models)

    def __repr__(self) -> str:
        return f"Union({len(self)} models: {self.num_nodes:,} nodes, {self.num_edges:,} edges)"

    @cached_property
    def edges(self) -> Edges:
        """All edges, with the node ids and the ids of numbers of the union."""
        parts = [
            Edges(
                model.edges.src + first_node,
                model.edges.dst + first_node,
                torch.where(model.edges.weight < 0, -1, model.edges.weight + first_value),
                model.edges.gain,
            )
            for model, first_node, first_value in zip(
                self.models, self.offsets, self.value_offsets, strict=True
            )
        ]
        return Edges(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Edges)))

    @cached_property
    def model_of_node(self) -> Tensor:
        """Which model each node belongs to, int64 [N]."""
        return _owners(model.num_nodes for model in self.models)

    @cached_property
    def model_of_edge(self) -> Tensor:
        """Which model each edge belongs to, int64 [E]."""
        return _owners(model.num_edges for model in self.models)

    def batches(self, x: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """One batch for each model: the same one, or those of a list."""
        if isinstance(x, Tensor):
            return [x] * len(self)
        if len(x) != len(self):
            raise SettingsError(
                f"There are {len(self)} models and {len(x)} batches.",
                "Give one batch for all models, or a list with one batch a model.",
                batches=len(x),
            )
        return list(x)

    def forward(self, x: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """The output of each model, for one batch that all get or a list with one batch a model."""
        return [model.forward(batch) for model, batch in zip(self.models, self.batches(x), strict=True)]

    __call__ = forward

    def check(self) -> None:
        """Raise GraphError unless every model is well formed and no edge joins two models."""
        for model in self.models:
            model.check()
        owner, edges = self.model_of_node, self.edges
        crossing = (owner[edges.src.long()] != owner[edges.dst.long()]).nonzero()[:, 0]
        if len(crossing):
            raise GraphError(
                f"{len(crossing)} edges join two models.", "Unite the models again.", edges=crossing.tolist()
            )

    def draw(self, title: str = "") -> "Picture":
        """The adjacency matrix: one block a model, and nothing between the blocks."""
        from teachkit.graphs.drawing import draw_union

        return draw_union(self, title)

    def statistics(self) -> "pd.DataFrame":
        """One row a model with the numbers of `ModelGraph.statistics`."""
        import pandas as pd

        names = [model.name or "model" for model in self.models]
        index = [f"{name} ({place})" for place, name in enumerate(names, 1)]
        return pd.DataFrame([model.statistics() for model in self.models], index=index)


def _offsets(sizes: Iterable[int]) -> tuple[int, ...]:
    return tuple(accumulate(sizes, initial=0))[:-1]


def _owners(sizes: Iterable[int]) -> Tensor:
    counts = torch.tensor(list(sizes))
    return torch.arange(len(counts)).repeat_interleave(counts)
