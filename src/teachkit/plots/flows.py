"""Boxes joined by arrows from top to bottom: the operations or the layers of a network."""

import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from teachkit.plots.picture import GREY, VERMILION, Picture, caption, new_figure, sentences, styled

WIDE, TALL = 2.5, 0.64  # of a box, in inches
STUB = 0.24  # of a line to another column
ROWS = 14  # below each other before the next column begins
LEARNED, PLAIN = "#D6E8F5", "#F4F4F4"


@dataclass(frozen=True)
class Box:
    """One step: its name, what it is, and whether it holds learned numbers."""

    name: str
    detail: str
    learned: bool = False


@dataclass(frozen=True)
class Arrow:
    """From box to box, by their positions; `label` stands beside it."""

    src: int
    dst: int
    label: str = ""


@styled
def flow(
    boxes: Sequence[Box], arrows: Sequence[Arrow], *, title: str = "", note: str = "", alt: str = ""
) -> Picture:
    """Steps from top to bottom, as far down as the longest way to them; long charts go on in the next column.

    Args:
        boxes: in an order in which every arrow leads to a later box.
        arrows: an arrow that passes other boxes by is drawn as an arc; one to another column is cut in two,
            and both ends carry the same number.
        title: of the figure; name the network.
        note: caption.
        alt: what the boxes and arrows say, in words.
    """
    labelled = any(arrow.label for arrow in arrows)
    step = TALL + (0.62 if labelled else 0.34)
    levels = _levels(len(boxes), arrows)
    columns = ceil((max(levels) + 1) / ROWS)
    rows = ceil((max(levels) + 1) / columns)
    lanes = _lanes(levels, arrows)
    widest = [
        1
        + max((lane for lane, level in zip(lanes, levels, strict=True) if level // rows == column), default=0)
        for column in range(columns)
    ]
    starts = [
        0.05 + sum(widest[:column]) * (WIDE + 0.5) + (2.2 if labelled else 0.45) * column
        for column in range(columns)
    ]
    places = [
        (starts[level // rows] + lane * (WIDE + 0.5), -(level % rows) * step)
        for lane, level in zip(lanes, levels, strict=True)
    ]
    width, height = starts[-1] + widest[-1] * (WIDE + 0.5) + 0.5, rows * step
    figure = new_figure(max(5.0, width), height + (0.9 if title or note else 0.3))
    axes = figure.subplots()
    for box, (x, y) in zip(boxes, places, strict=True):
        _box(axes, box, x, y)
    across = [arrow for arrow in arrows if levels[arrow.src] // rows < levels[arrow.dst] // rows]
    for arrow in arrows:
        if arrow not in across:
            adjacent = levels[arrow.dst] - levels[arrow.src] == 1
            _arrow(axes, arrow, places[arrow.src], places[arrow.dst], adjacent)
    _jumps(axes, across, places, lanes)
    axes.set(xlim=(-0.1, width - 0.2), ylim=(-height + step - TALL / 2 - 0.1, TALL / 2 + 0.1), aspect="equal")
    axes.axis("off")
    figure.suptitle(title)
    caption(figure, textwrap.fill(note, int(figure.get_figwidth() * 12.5)))
    return Picture(figure, sentences(title, note, alt))


def _levels(count: int, arrows: Sequence[Arrow]) -> list[int]:
    """Length of the longest way to each box."""
    levels = [0] * count
    for arrow in sorted(arrows, key=lambda one: one.dst):
        levels[arrow.dst] = max(levels[arrow.dst], levels[arrow.src] + 1)
    return levels


def _lanes(levels: Sequence[int], arrows: Sequence[Arrow]) -> list[int]:
    """Boxes of one level side by side, below the box they come from where that place is free."""
    parents: dict[int, list[int]] = defaultdict(list)
    for arrow in arrows:
        parents[arrow.dst].append(arrow.src)
    lanes, taken = [0] * len(levels), set[tuple[int, int]]()
    for box in sorted(range(len(levels)), key=lambda one: levels[one]):
        wanted = min((lanes[parent] for parent in parents[box]), default=0)
        while (levels[box], wanted) in taken:
            wanted += 1
        lanes[box] = wanted
        taken.add((levels[box], wanted))
    return lanes


def _box(axes: Axes, box: Box, x: float, y: float) -> None:
    shape = FancyBboxPatch(
        (x, y - TALL / 2), WIDE, TALL, boxstyle="round,pad=0,rounding_size=0.06", ec=GREY, lw=0.8
    )
    shape.set_facecolor(LEARNED if box.learned else PLAIN)
    axes.add_patch(shape)
    middle = x + WIDE / 2
    axes.text(middle, y + 0.13, _short(box.name), ha="center", va="center", fontsize=10)
    axes.text(middle, y - 0.14, _short(box.detail, 36), ha="center", va="center", fontsize=8.5, color=GREY)


def _short(text: str, most: int = 28) -> str:
    """The end of a long path says more than its beginning."""
    return text if len(text) <= most else f"…{text[1 - most :]}"


def _arrow(
    axes: Axes, arrow: Arrow, src: tuple[float, float], dst: tuple[float, float], adjacent: bool
) -> None:
    """Straight to a box just below; an arc past boxes below; a bent line from or to another lane."""
    below, above = (src[0] + WIDE / 2, src[1] - TALL / 2), (dst[0] + WIDE / 2, dst[1] + TALL / 2)
    right_of_src, right_of_dst = (src[0] + WIDE, src[1]), (dst[0] + WIDE, dst[1])
    if adjacent:
        start, end, way = below, above, "arc3"
    elif src[0] == dst[0]:
        start, end = right_of_src, right_of_dst
        way = f"arc3,rad={-0.85 / (src[1] - dst[1])}"
    elif src[0] > dst[0]:
        start, end, way = below, right_of_dst, "angle,angleA=90,angleB=0,rad=6"
    else:
        start, end, way = right_of_src, above, "angle,angleA=0,angleB=90,rad=6"
    _line(axes, start, end, way)
    if arrow.label and end == above:
        middle = (below[1] + above[1]) / 2 if adjacent and src[0] == dst[0] else above[1] + 0.14
        axes.text(above[0] + 0.1, middle, arrow.label, ha="left", va="center", fontsize=8.5)
    elif arrow.label:  # beside the box that it reaches
        shift = -0.14 if src[0] == dst[0] else 0.12
        axes.text(end[0] + 0.1, end[1] + shift, arrow.label, ha="left", va="center", fontsize=8.5)


def _jumps(
    axes: Axes, across: Sequence[Arrow], places: Sequence[tuple[float, float]], lanes: Sequence[int]
) -> None:
    """To another column: the line leaves to the right with a number, and comes in again at this number."""
    numbers = {src: number for number, src in enumerate(sorted({arrow.src for arrow in across}), 1)}
    style: dict[str, Any] = {"va": "center", "fontsize": 9.5, "color": VERMILION, "weight": "bold"}
    for src, number in numbers.items():
        x, y = places[src][0] + WIDE, places[src][1] - TALL / 4  # below the middle, where arcs end
        _line(axes, (x, y), (x + STUB, y), "arc3")
        axes.text(x + STUB + 0.03, y, str(number), ha="left", **style)
    for dst in sorted({arrow.dst for arrow in across}):
        x, y = places[dst][0], places[dst][1] + TALL / 4
        _line(axes, (x - STUB, y), (x, y), "arc3")
        for line, arrow in enumerate(one for one in across if one.dst == dst):
            text = axes.text(x - STUB - 0.03, y - 0.19 * line, str(numbers[arrow.src]), ha="right", **style)
            if arrow.label and lanes[dst] == 0:  # there is no room left of another box
                text.set_text(f"{arrow.label}: {numbers[arrow.src]}")


def _line(axes: Axes, start: tuple[float, float], end: tuple[float, float], way: str) -> None:
    line = FancyArrowPatch(
        start, end, connectionstyle=way, arrowstyle="-|>", mutation_scale=10, color="black"
    )
    line.set(linewidth=1.0, zorder=1)
    line.shrinkA = line.shrinkB = 0
    axes.add_patch(line)
