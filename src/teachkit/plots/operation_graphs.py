"""The operations and weights of a network as boxes, or as a small sketch."""

import textwrap
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch
from numpy.typing import NDArray

from teachkit.errors import SettingsError
from teachkit.plots.operation_kinds import KINDS, Operation
from teachkit.plots.picture import GREY, VERMILION, Picture, caption, new_figure, sentences, styled

Ints = NDArray[np.int64]

MOST_NODES = 60  # more boxes than this are no picture any more
WIDE, TALL = 0.84, 0.62  # of a box, in inches
PITCH, LANE = 1.08, 1.02  # from box to box, to the right and down
ROW = 10  # boxes beside each other before the next row begins
KEY = 2.9  # of an entry of the key, in inches
STUB = 0.17  # of a line to another row


@styled
def operations(nodes: Sequence[Operation], edges: Ints, *, title: str = "") -> Picture:
    """A box a node, from left to right by level; long networks go on in the next row.

    Args:
        nodes: in the order of calculation.
        edges: from and to [E, 2], places in `nodes`. One that leads to another row is cut in two, and both
            ends carry the same number.
        title: of the figure; name the network.

    Raises:
        SettingsError: for more than 60 nodes.
    """
    if len(nodes) > MOST_NODES:
        raise SettingsError(
            f"{len(nodes)} nodes are too many for boxes: {MOST_NODES} is the most.",
            "Use draw_paths() or .table, or draw a part of the network.",
            nodes=len(nodes),
        )
    place = _place(nodes, edges)
    counts = Counter(node.kind for node in nodes)
    width = max(6.4, max(x for x, _ in place.boxes) + WIDE + 0.4)
    columns = int(width / KEY)
    figure, axes = _canvas(place, width, ceil(len(counts) / columns))
    for node, at in zip(nodes, place.boxes, strict=True):
        _box(axes, node, at)
    crossing = [(src, dst) for src, dst in edges.tolist() if place.rows[src] != place.rows[dst]]
    for src, dst in edges.tolist():
        if (src, dst) not in crossing:
            _arrow(axes, place, src, dst)
    _jumps(axes, place, crossing)
    _key(axes, counts, columns)
    figure.suptitle(title)
    note = f"{_count(len(nodes), 'node')}, {_count(len(edges), 'edge')}."
    if crossing:
        note += " A line that ends at a number goes on there."
    caption(figure, note)
    return Picture(figure, sentences(title, note, _in_words(nodes, edges, counts)))


def sketch(axes: Axes, nodes: Sequence[Operation], edges: Ints) -> None:
    """A small drawing without words, on one line: a square a node, in the colour of its kind."""
    lanes = _lanes([node.level for node in nodes], edges)
    at = [(float(node.level), -0.9 * lane) for node, lane in zip(nodes, lanes, strict=True)]
    for src, dst in edges.tolist():
        straight = at[dst][0] - at[src][0] == 1 or at[dst][1] != at[src][1]
        way = "arc3" if straight else f"arc3,rad={-min(0.9, 1.6 / (at[dst][0] - at[src][0]))}"
        line = FancyArrowPatch(at[src], at[dst], connectionstyle=way, arrowstyle="-", color=GREY)
        line.set(linewidth=0.9, zorder=1)
        line.shrinkA = line.shrinkB = 0
        axes.add_patch(line)
    x, y = np.array(at).T
    axes.scatter(x, y, s=46, marker="s", c=[KINDS[node.kind].colour for node in nodes], ec=GREY, lw=0.7)
    arcs = len(edges) >= len(nodes)  # a chain has one edge less than nodes, and needs no room above
    axes.set(xlim=(-1, x.max() + 1), ylim=(y.min() - 0.7, 1.5 if arcs else 0.7))
    axes.axis("off")


@dataclass(frozen=True)
class _Places:
    """Left middle of each box in inches, its row, and the room above a row for lines."""

    boxes: list[tuple[float, float]]
    rows: list[int]
    above: float


def _place(nodes: Sequence[Operation], edges: Ints) -> _Places:
    levels = [node.level for node in nodes]
    lanes = _lanes(levels, edges)
    rows = ceil((max(levels) + 1) / ROW)
    length = ceil((max(levels) + 1) / rows)
    row = [level // length for level in levels]
    spans = [
        levels[dst] - levels[src]
        for src, dst in edges.tolist()
        if row[src] == row[dst] and lanes[src] == lanes[dst] == 0
    ]
    above = max(_rise(max(spans, default=1)), 0.42 if rows > 1 else 0.0)
    deepest = [max(lane for lane, own in zip(lanes, row, strict=True) if own == one) for one in range(rows)]
    tops = np.cumsum([0.0] + [deep * LANE + TALL + above + 0.12 for deep in deepest])
    boxes = [
        (float(level % length) * PITCH, float(-tops[own] - lane * LANE))
        for level, lane, own in zip(levels, lanes, row, strict=True)
    ]
    return _Places(boxes, row, above)


def _lanes(levels: Sequence[int], edges: Ints) -> list[int]:
    """Nodes of one level below each other; the longest way through the network stays on top.

    A node keeps its lane until its result is used, so that no line runs through another box.
    """
    before: dict[int, list[int]] = defaultdict(list)
    after: dict[int, list[int]] = defaultdict(list)
    for src, dst in edges.tolist():
        before[dst].append(src)
        after[src].append(dst)
    ahead = [0] * len(levels)
    for node in reversed(range(len(levels))):
        ahead[node] = 1 + max((ahead[one] for one in after[node]), default=0)
    lanes, taken = [0] * len(levels), set[tuple[int, int]]()
    for node in sorted(range(len(levels)), key=lambda one: (levels[one], -ahead[one])):
        lane = min((lanes[one] for one in before[node]), default=0)
        used = max((levels[one] for one in after[node]), default=levels[node] + 1)
        kept = range(levels[node], used)
        while (levels[node], lane) in taken or (lane and any((level, lane) in taken for level in kept)):
            lane += 1
        lanes[node] = lane
        taken.update((level, lane) for level in (kept if lane else kept[:1]))
    return lanes


def _canvas(place: _Places, width: float, key: int) -> tuple[Figure, Axes]:
    """A figure in inches, with room for a title, for `key` lines below the boxes, and for a caption."""
    low, high = min(y for _, y in place.boxes) - TALL / 2 - 0.05, TALL / 2 + place.above + 0.05
    below, tall = 0.4 + 0.2 * key, high - low
    height = below + tall + 0.45
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.1 / width, below / height, 1 - 0.2 / width, tall / height))
    axes.set(xlim=(-0.1, width - 0.3), ylim=(low, high))
    axes.axis("off")
    return figure, axes


def _box(axes: Axes, node: Operation, at: tuple[float, float]) -> None:
    x, y = at
    kind = KINDS[node.kind]
    shape = FancyBboxPatch(
        (x, y - TALL / 2), WIDE, TALL, boxstyle="round,pad=0,rounding_size=0.06", ec=GREY, lw=0.8
    )
    shape.set(facecolor=kind.colour, zorder=2)
    axes.add_patch(shape)
    lines = len(node.detail)
    axes.text(x + WIDE / 2, y + 0.085 * lines, kind.word, ha="center", va="center", fontsize=9.5, zorder=3)
    for line, text in enumerate(node.detail):
        height = y + 0.085 * lines - 0.19 - 0.165 * line
        axes.text(x + WIDE / 2, height, text, ha="center", va="center", fontsize=8, zorder=3)


def _rise(span: int) -> float:
    """Inches above a box that the arc past so many levels needs."""
    return 0.0 if span < 2 else min(0.16 + 0.05 * span, 0.75)


def _arrow(axes: Axes, place: _Places, src: int, dst: int) -> None:
    """Straight to the next box; an arc above boxes of the same lane; a bent line to another lane."""
    (x, y), (to_x, to_y) = place.boxes[src], place.boxes[dst]
    span = round((to_x - x) / PITCH)
    if y == to_y and span == 1:
        _line(axes, [(x + WIDE, y), (to_x, to_y)])
    elif y == to_y:
        side = 1 if all(y >= other for _, other in _beside(place, src)) else -1
        edge, rise = y + side * TALL / 2, side * _rise(span)
        start, end = x + WIDE - 0.16, to_x + 0.16
        _line(axes, [(start, edge), (start + 0.14, edge + rise), (end - 0.14, edge + rise), (end, edge)])
    elif y > to_y:  # down to a lane below
        _line(axes, [(x + WIDE - 0.16, y - TALL / 2), (x + WIDE - 0.16, to_y), (to_x, to_y)])
    else:  # back up to the lane above
        _line(axes, [(x + WIDE, y), (to_x + 0.16, y), (to_x + 0.16, to_y - TALL / 2)])


def _beside(place: _Places, node: int) -> list[tuple[float, float]]:
    """Boxes of the same row."""
    return [box for box, row in zip(place.boxes, place.rows, strict=True) if row == place.rows[node]]


def _jumps(axes: Axes, place: _Places, crossing: Sequence[tuple[int, int]]) -> None:
    """To another row: the line leaves upwards with a number, and comes in from above at this number."""
    numbers = {src: number for number, src in enumerate(sorted({src for src, _ in crossing}), 1)}
    for src, number in numbers.items():
        x, y = place.boxes[src]
        _line(axes, [(x + WIDE - 0.1, y + TALL / 2), (x + WIDE - 0.1, y + TALL / 2 + STUB)])
        _number(axes, x + WIDE - 0.1, y + TALL / 2 + STUB, str(number))
    for dst in sorted({dst for _, dst in crossing}):
        x, y = place.boxes[dst]
        _line(axes, [(x + 0.1, y + TALL / 2 + STUB), (x + 0.1, y + TALL / 2)])
        named = ", ".join(str(numbers[src]) for src, to in crossing if to == dst)
        _number(axes, x + 0.1, y + TALL / 2 + STUB, named)


def _number(axes: Axes, x: float, y: float, text: str) -> None:
    words = axes.text(x, y + 0.02, text, ha="center", va="bottom", fontsize=9.5, color=VERMILION)
    words.set(weight="bold", zorder=4)


def _line(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Straight pieces with an arrow at the end."""
    for start, end in pairwise(points[:-1]):
        axes.add_line(Line2D(*zip(start, end, strict=True), color="black", lw=0.9, zorder=1))
    tip = FancyArrowPatch(*points[-2:], arrowstyle="-|>", mutation_scale=8, color="black")
    tip.set(linewidth=0.9, zorder=1)
    tip.shrinkA = tip.shrinkB = 0
    axes.add_patch(tip)


def _key(axes: Axes, counts: Counter[str], columns: int) -> None:
    """Word, meaning and number of each kind that occurs, below the drawing."""
    entries = [
        Patch(fc=kind.colour, ec=GREY, label=f"{kind.name} ({counts[name]})")
        for name, kind in KINDS.items()
        if name in counts
    ]
    axes.legend(
        handles=entries,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        ncols=columns,
        borderaxespad=0.2,
        fontsize=9,
        handlelength=1.2,
    )


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"


def _in_words(nodes: Sequence[Operation], edges: Ints, counts: Counter[str]) -> str:
    """How often each kind occurs; of small graphs also every edge."""
    kinds = ", ".join(f"{counts[name]} {name}" for name in KINDS if name in counts)
    if len(edges) > 12:
        return f"Kinds: {kinds}."
    arrows = "; ".join(f"{nodes[a].kind} {a} to {nodes[b].kind} {b}" for a, b in edges.tolist())
    return f"Kinds: {textwrap.shorten(kinds, 300)}. Edges: {arrows}."
