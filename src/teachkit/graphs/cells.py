"""A graph of cells: nodes are data here, nuclei of one image; edges join neighbours."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from teachkit.errors import FormatError, SettingsError

if TYPE_CHECKING:
    import networkx

    from teachkit.plots import Picture

NEIGHBOURS = 3


@dataclass(frozen=True, eq=False)
class CellGraph:
    """Objects of one mask, joined to their neighbours. Edges have no direction.

    Attributes:
        numbers: the number of each object in the mask, int [N].
        centres: row and column of its centre of mass in pixels, float [N, 2].
        areas: pixels of each object, int [N].
        edges: pairs of positions in these arrays, the smaller one first, int [E, 2].
        rule: how neighbours were chosen, in words.
    """

    numbers: NDArray[np.int64]
    centres: NDArray[np.float64]
    areas: NDArray[np.int64]
    edges: NDArray[np.int64]
    rule: str
    mask: NDArray[np.int64] = field(repr=False)

    @property
    def num_nodes(self) -> int:
        return len(self.numbers)

    @property
    def num_edges(self) -> int:
        return len(self.edges)

    @property
    def degrees(self) -> NDArray[np.int64]:
        """Number of neighbours of each cell [N]."""
        return np.bincount(self.edges.ravel(), minlength=self.num_nodes)

    @property
    def adjacency(self) -> Tensor:
        """Matrix [N, N] with 1 where two cells are neighbours; what `GCNConv` and its relatives take."""
        matrix = torch.zeros(self.num_nodes, self.num_nodes)
        first, second = torch.from_numpy(self.edges).T
        matrix[first, second] = matrix[second, first] = 1
        return matrix

    def neighbours(self, cell: int) -> list[int]:
        """Positions of the cells that are joined to `cell`."""
        first, second = self.edges.T
        return sorted([*second[first == cell].tolist(), *first[second == cell].tolist()])

    def average(self, values: ArrayLike, rounds: int = 1) -> NDArray[np.float64]:
        """Each cell takes the mean of its own value and those of its neighbours; all at the same time.

        Args:
            values: a number a cell [N], or a row of numbers a cell [N, F].
            rounds: how often; after r rounds a value depends on cells up to r edges away.

        Raises:
            FormatError: when the number of values is not the number of cells.
        """
        now = self._checked(values)
        first, second = self.edges.T
        count = (1 + self.degrees).reshape(-1, *(1,) * (now.ndim - 1))
        for _ in range(rounds):
            total = now.copy()
            np.add.at(total, first, now[second])
            np.add.at(total, second, now[first])
            now = total / count
        return now

    def draw(
        self,
        values: ArrayLike | None = None,
        *,
        image: ArrayLike | None = None,
        name: str = "value",
        title: str = "",
    ) -> "Picture":
        """The cells with their edges; with `values` [N], before and after one round of averaging.

        Args:
            image: what to draw on, [H, W] or [H, W, 3], dark ones brighter; else the outlines of the objects.
            name: what the values are, with the unit.
        """
        from teachkit import plots

        panels = {}
        if values is not None:
            before = self._checked(values)
            if before.ndim != 1:
                raise FormatError("A picture shows one number a cell.", "Give values of shape [N].")
            panels = {"before": before, "after one round of averaging": self.average(before)}
        return plots.cells(
            self.centres,
            self.edges,
            self.mask,
            image=None if image is None else np.asarray(image),
            panels=panels,
            name=name,
            title=title,
            note=f"{self}. n = 1 image.",
        )

    def __str__(self) -> str:
        return f"{_count(self.num_nodes, 'cell')}, {_count(self.num_edges, 'edge')}; {self.rule}"

    def to_networkx(self) -> "networkx.Graph":
        """The same graph for networkx, with centre and area of each cell."""
        import networkx

        graph = networkx.Graph()
        for cell, ((row, column), area) in enumerate(zip(self.centres.tolist(), self.areas, strict=True)):
            graph.add_node(cell, row=row, column=column, area=int(area))
        graph.add_edges_from(self.edges.tolist())
        return graph

    def _checked(self, values: ArrayLike) -> NDArray[np.float64]:
        given = np.asarray(values, dtype=float)
        if given.shape[:1] != (self.num_nodes,):
            raise FormatError(
                f"There are {self.num_nodes} cells, and values of shape {list(given.shape)}.",
                "Give one value, or one row of values, for each cell.",
                shape=given.shape,
            )
        return given


def cell_graph(
    instances: ArrayLike, *, radius: float | None = None, neighbours: int | None = None
) -> CellGraph:
    """Join the objects of a mask to their neighbours.

    Args:
        instances: int [H, W]; 0 is background, each other number is one object.
        radius: join centres that are at most this many pixels apart.
        neighbours: or join each object to this many nearest ones. Two are joined when either chose the
            other, so a cell can have more neighbours. 3 when neither is given.

    Raises:
        FormatError: when this is no mask, or it has no objects.
        SettingsError: for both rules at once, or one that is not positive.
    """
    mask = np.asarray(instances)
    if mask.ndim != 2 or not np.issubdtype(mask.dtype, np.integer) or not (mask > 0).any():
        raise FormatError(
            f"A cell graph needs a mask of whole numbers [H, W] with objects, not {mask.dtype} of shape "
            f"{list(mask.shape)} with {int((mask > 0).sum()) if mask.ndim else 0} pixels above 0.",
            "Give one instance mask; metrics.connected_objects numbers the objects of a class mask.",
            shape=mask.shape,
        )
    given = {"radius": radius, "neighbours": neighbours}
    if radius is not None and neighbours is not None:
        raise SettingsError("Two rules for neighbours were given.", "Give radius or neighbours.", **given)
    if (radius is not None and radius <= 0) or (neighbours is not None and neighbours < 1):
        raise SettingsError("A rule for neighbours must be positive.", "Take a larger number.", **given)
    numbers, centres, areas = _objects(mask.astype(np.int64))
    edges = _within(centres, radius) if radius is not None else _nearest(centres, neighbours or NEIGHBOURS)
    rule = (
        f"neighbours: centres at most {radius:g} px apart"
        if radius is not None
        else f"neighbours: the {neighbours or NEIGHBOURS} nearest"
    )
    return CellGraph(numbers, centres, areas, edges, rule, mask.astype(np.int64))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _objects(mask: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Number, centre of mass and area of each object."""
    numbers, own = np.unique(mask, return_inverse=True)
    rows, columns = np.indices(mask.shape)
    areas = np.bincount(own.ravel())
    centres = (
        np.stack([np.bincount(own.ravel(), part.ravel()) for part in (rows, columns)], 1) / areas[:, None]
    )
    kept = numbers > 0
    return numbers[kept], centres[kept], areas[kept]


def _within(centres: NDArray[np.float64], radius: float) -> NDArray[np.int64]:
    from scipy.spatial import cKDTree

    pairs = cKDTree(centres).query_pairs(radius, output_type="ndarray")
    return _in_order(pairs)


def _nearest(centres: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    from scipy.spatial import cKDTree

    count = min(count, len(centres) - 1)
    if not count:
        return np.zeros((0, 2), np.int64)
    _, chosen = cKDTree(centres).query(centres, count + 1)
    pairs = np.stack((np.repeat(np.arange(len(centres)), count + 1), chosen.ravel()), 1)
    return _in_order(pairs[pairs[:, 0] != pairs[:, 1]])


def _in_order(pairs: NDArray[Any]) -> NDArray[np.int64]:
    """Each pair once, the smaller position first."""
    return np.unique(np.sort(pairs.astype(np.int64).reshape(-1, 2), axis=1), axis=0)
