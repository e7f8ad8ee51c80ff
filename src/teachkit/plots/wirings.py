"""A model-graph as plain arrays, and a place on paper for every neuron."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HEIGHT = 10.0  # of the drawing in its own units; a neuron of a small layer takes one of them
SHEAR = 0.5  # how far a map leans, so that its rows and columns are both seen from the side
NARROW = 0.72  # a column of a map is drawn this wide
GAP = 3.6  # between two levels
SMALLEST = (
    0.5  # of its natural height, for a layer that shares its level with others; taller than HEIGHT then
)
LABEL = 2.1  # height of the words above a layer


@dataclass(frozen=True)
class Block:
    """A layer: its neurons have neighbouring ids."""

    name: str
    kind: str
    shape: tuple[int, ...]
    level: int
    first: int
    nodes: int

    @property
    def size(self) -> str:
        return " × ".join(str(edge) for edge in self.shape)

    @property
    def grid(self) -> tuple[int, int, int]:
        """Maps, rows and columns in which the neurons are drawn; a list of neurons is one column."""
        if len(self.shape) >= 3:
            *maps, rows, columns = self.shape
            return int(np.prod(maps)), rows, columns
        if len(self.shape) == 2:
            return 1, self.shape[0], self.shape[1]
        return 1, self.nodes, 1


@dataclass(frozen=True, eq=False)
class Wiring:
    """Neurons and edges as arrays.

    Attributes:
        src, dst: ids of the neurons that an edge joins, int [E].
        weight: which of the distinct numbers an edge uses, int [E]; -1 where nothing is learned.
        strength: the factor of an edge, float [E].
        bias: what is added to a neuron, float [N].
        activation: name of the activation of a neuron, [N].
        aggregate: "sum" or "max", [N].
        blocks: the layers, in order of their ids.
        names: of the distinct numbers that matter for the drawing, by id.
    """

    src: Ints
    dst: Ints
    weight: Ints
    strength: Floats
    bias: Floats
    activation: NDArray[np.str_]
    aggregate: NDArray[np.str_]
    blocks: tuple[Block, ...]
    title: str = ""
    names: dict[int, str] = field(default_factory=dict)

    @property
    def num_nodes(self) -> int:
        return len(self.bias)

    @property
    def num_edges(self) -> int:
        return len(self.src)

    @property
    def num_weights(self) -> int:
        """Distinct learned numbers on edges."""
        return len(np.unique(self.weight[self.weight >= 0]))

    @property
    def counts(self) -> str:
        return (
            f"{self.num_nodes:,} neurons, {self.num_edges:,} edges, "
            f"{self.num_weights:,} distinct numbers on them"
        )

    def block_of(self, node: int) -> Block:
        return next(block for block in self.blocks if block.first <= node < block.first + block.nodes)

    def place_in_block(self, node: int) -> str:
        """Where a neuron stands, in words: its number, or channel, row and column."""
        block = self.block_of(node)
        own = node - block.first
        if len(block.shape) == 1:
            return f"neuron {own} of layer {block.name}"
        place = [str(int(index)) for index in np.unravel_index(own, block.shape)]
        if len(block.shape) == 3:
            return f"channel {place[0]}, row {place[1]}, column {place[2]} of layer {block.name}"
        return f"neuron [{', '.join(place)}] of layer {block.name}"


@dataclass(frozen=True, eq=False)
class Layout:
    """Where things are drawn.

    Attributes:
        x, y: middle of each neuron, float [N].
        room: distance to the next neuron, float [N]; decides how large a neuron may be.
        labels: middle of the words above each layer, one pair a block.
    """

    x: Floats
    y: Floats
    room: Floats
    labels: tuple[tuple[float, float], ...]
    width: float


def place(wiring: Wiring) -> Layout:
    """A column a level, from left to right; layers of one level stand above each other."""
    x, y, room = (np.zeros(wiring.num_nodes) for _ in range(3))
    labels: dict[str, tuple[float, float]] = {}
    edge = 0.0
    for level in range(max(block.level for block in wiring.blocks) + 1):
        column = [block for block in wiring.blocks if block.level == level]
        heights = _share(column)
        steps = [min(1.0, height / _tall(block)) for block, height in zip(column, heights, strict=True)]
        widths = [_wide(block) * step for block, step in zip(column, steps, strict=True)]
        middle = edge + max(max(widths), 1.0) / 2
        used = sum(_tall(block) * step + LABEL for block, step in zip(column, steps, strict=True))
        top = used / 2
        for block, step in zip(column, steps, strict=True):
            labels[block.name] = (middle, top - LABEL + 0.25)
            top -= LABEL
            ids = slice(block.first, block.first + block.nodes)
            dx, dy = _within(block)
            x[ids], y[ids], room[ids] = middle + dx * step, top - dy * step, step
            top -= _tall(block) * step
        edge = middle + max(max(widths), 1.0) / 2 + GAP
    return Layout(x, y, room, tuple(labels[block.name] for block in wiring.blocks), edge - GAP)


def _share(column: list[Block]) -> list[float]:
    """Height for each layer of one level: what it wants, or its fair part of what there is."""
    wanted = np.array([_tall(block) for block in column])
    free = (HEIGHT - LABEL * (len(column) - 1)) / wanted.sum()
    return list(
        wanted * min(1.0, free if len(column) == 1 else max(free, SMALLEST * min(1.0, HEIGHT / wanted.max())))
    )


def _tall(block: Block) -> float:
    """Height of a layer when a neuron takes one unit."""
    maps, rows, columns = block.grid
    return maps * (rows + _lean(columns)) + (maps - 1) * _between(rows)


def _wide(block: Block) -> float:
    return block.grid[2] * NARROW if block.grid[2] > 1 else 0.0


def _lean(columns: int) -> float:
    return SHEAR * (columns - 1)


def _between(rows: int) -> float:
    return max(0.6, 0.15 * rows)


def _within(block: Block) -> tuple[Floats, Floats]:
    """Steps to the right of the middle and down from the top, for each neuron of a layer."""
    maps, rows, columns = block.grid
    channel, row, column = (part.ravel() for part in np.indices((maps, rows, columns)))
    right = (column - (columns - 1) / 2) * (NARROW if columns > 1 else 0.0)
    start = channel * (rows + _lean(columns) + _between(rows))
    return right, start + row + 0.5 + SHEAR * (columns - 1 - column)
