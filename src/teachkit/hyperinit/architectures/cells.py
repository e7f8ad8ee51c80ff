"""Networks of cells: small random graphs of operations that are repeated, as in architecture search.

A cell reads the two cells before it. Each of its nodes is the sum of one or two operations on earlier
results, and its output holds the channels of all its nodes.
Source: Liu et al., DARTS, ICLR 2019; Knyazev et al., Parameter prediction for unseen deep architectures,
NeurIPS 2021. Attention, one of their operations, is left out here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.hyperinit.architectures.blocks import Gate, conv_norm, pooling, separable
from teachkit.hyperinit.architectures.design import Architecture, Scale, pick

Make = Callable[[int, int], nn.Module]  # from channels and stride to an operation


def _skip(width: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 else conv_norm(width, width, 1, stride)


def _dilated(kernel: int, width: int, stride: int) -> nn.Module:
    return nn.Sequential(
        conv_norm(width, width, kernel, stride, groups=width, dilation=2), conv_norm(width, width, 1)
    )


def _crossed(width: int, stride: int) -> nn.Module:
    """A 1×7 kernel and then a 7×1 kernel."""
    return nn.Sequential(
        nn.Conv2d(width, width, (1, 7), (1, stride), padding=(0, 3), bias=False),
        nn.Conv2d(width, width, (7, 1), (stride, 1), padding=(3, 0), bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )


def _gate(width: int, stride: int) -> nn.Module:
    return nn.Sequential(_skip(width, stride), Gate(width))


def _convolution(kernel: int, width: int, stride: int) -> nn.Module:
    return conv_norm(width, width, kernel, stride)


def _separable(kernel: int, width: int, stride: int) -> nn.Module:
    return separable(width, width, kernel, stride)


OPERATIONS: dict[str, Make] = {
    "max": lambda width, stride: pooling("max", stride),
    "average": lambda width, stride: pooling("average", stride),
    "skip": _skip,
    "separable3": partial(_separable, 3),
    "separable5": partial(_separable, 5),
    "dilated3": partial(_dilated, 3),
    "dilated5": partial(_dilated, 5),
    "conv1": partial(_convolution, 1),
    "conv3": partial(_convolution, 3),
    "conv5": partial(_convolution, 5),
    "crossed7": _crossed,
    "gate": _gate,
}
DEARER = ("conv5", "crossed7")  # at most one of these in a cell, as in the published generator

Edge = tuple[
    str, int
]  # an operation, and which result it reads: 0 and 1 are the cells before, 2 the first node


class Cell(nn.Module):
    """One cell: (cell before the last, last cell) to a map of nodes × width channels.

    Args:
        before: channels of the two inputs.
        halved: whether the second input is half as large as the first.
        stride: 2 in a cell that halves the map.
    """

    def __init__(
        self, nodes: list[list[Edge]], before: tuple[int, int], width: int, *, halved: bool, stride: int
    ) -> None:
        super().__init__()
        self.edges = [[source for _, source in edges] for edges in nodes]
        used = {source for sources in self.edges for source in sources}
        first = conv_norm(before[0], width, 1, 2 if halved else 1) if 0 in used else nn.Identity()
        self.inputs = nn.ModuleList([first, conv_norm(before[1], width, 1)])
        self.operations = nn.ModuleList(
            nn.ModuleList(OPERATIONS[name](width, stride if source < 2 else 1) for name, source in edges)
            for edges in nodes
        )

    def forward(self, older: Tensor, newer: Tensor) -> Tensor:
        results = [self.inputs[0](older), self.inputs[1](newer)]
        for operations, sources in zip(self.operations, self.edges, strict=True):
            assert isinstance(operations, nn.ModuleList)
            parts = [
                operation(results[source]) for operation, source in zip(operations, sources, strict=True)
            ]
            results.append(parts[0] if len(parts) == 1 else parts[0] + parts[1])
        return results[2] if len(results) == 3 else torch.cat(results[2:], 1)


class CellNetwork(nn.Module):
    """A stem and cells, each fed by the two before it."""

    def __init__(self, stem: nn.Module, cells: list[Cell]) -> None:
        super().__init__()
        self.stem = stem
        self.cells = nn.ModuleList(cells)

    def forward(self, x: Tensor) -> Tensor:
        older = newer = self.stem(x)
        for cell in self.cells:
            older, newer = newer, cell(older, newer)
        return newer


@dataclass(frozen=True)
class Cells(Architecture):
    """A stem and equal cells; those at one and two thirds of the way halve the map and double the channels.

    Attributes:
        width: channels of a node in the first cells.
        cells: number of cells.
        nodes: a cell, node after node. ``conv3:1+skip:0_max:2`` has two nodes: the first adds a convolution
            of the last cell (1) and the cell before it (0), the second is the maximum of the first (2).
        stem: edge of the first kernel, and `stride` its stride.
    """

    family: ClassVar[str] = "cells"
    width: int
    cells: int
    nodes: str
    stem: int
    stride: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self.edges()

    @classmethod
    def draw(cls, rng: np.random.Generator, scale: Scale) -> "Cells":
        stride = pick(rng, (1, 2, 2))
        # A cell has up to six operations, so it must be narrower than a block of another family.
        width = pick(rng, tuple(width for width in scale.widths if 3 * width <= 2 * scale.full * stride))
        cells = int(rng.integers(2, scale.blocks + 1))
        return cls(width, cells, _draw_nodes(rng), pick(rng, (3, 5, 7)), stride)

    def edges(self) -> list[list[Edge]]:
        """Operation and source of each edge, node by node.

        Raises:
            SettingsError: for nodes that read what is not there yet, or no cell before them.
            UnknownNameError: for an operation nobody knows.
        """
        found = [
            [_edge(text, node) for text in part.split("+")] for node, part in enumerate(self.nodes.split("_"))
        ]
        if all(source != 1 for edges in found for _, source in edges) or any(len(e) > 2 for e in found):
            raise SettingsError(
                f"The nodes '{self.nodes}' make no cell.",
                "Let at least one node read the last cell (:1), and give each node one or two operations.",
                nodes=self.nodes,
            )
        return found

    def features(self, channels: int) -> tuple[nn.Module, int]:
        nodes, width = self.edges(), self.width
        before = (width, width)
        made: list[Cell] = []
        halved = False
        for cell in range(self.cells):
            reduces = self.cells > 1 and cell in (self.cells // 3, 2 * self.cells // 3)
            width *= 2 if reduces else 1
            made.append(Cell(nodes, before, width, halved=halved, stride=2 if reduces else 1))
            before, halved = (before[1], width * len(nodes)), reduces
        return CellNetwork(conv_norm(channels, self.width, self.stem, self.stride), made), before[1]


def _edge(text: str, node: int) -> Edge:
    name, _, source = text.partition(":")
    if name not in OPERATIONS:
        raise UnknownNameError(f"No operation '{name}'.", nearest(name, OPERATIONS, "operations"), name=name)
    if not source.isdigit() or int(source) > node + 1:
        raise SettingsError(
            f"'{text}' is no edge of node {node + 2}.",
            f"After the colon write which result it reads, 0 to {node + 1}.",
            edge=text,
        )
    return name, int(source)


def _draw_nodes(rng: np.random.Generator) -> str:
    """A random cell of one to three nodes; its first node reads the last cell."""
    names = tuple(OPERATIONS)
    nodes = []
    for node in range(int(rng.integers(1, 4))):
        edges = []
        for edge in range(int(rng.integers(1, 3))):
            name = pick(rng, names)
            names = tuple(other for other in names if other not in DEARER or name not in DEARER)
            source = 1 if node == edge == 0 else int(rng.integers(node + 2))
            edges.append(f"{name}:{source}")
        nodes.append("+".join(edges))
    return "_".join(nodes)
