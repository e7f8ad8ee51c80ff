"""A U-Net in one picture: the way down, the way up, and what is passed across."""

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Rectangle

from teachkit.plots.picture import (
    BLUE,
    GREY,
    ORANGE,
    SKY,
    Picture,
    caption,
    new_figure,
    sentences,
    styled,
)

TALL = 0.82  # height of the box of the whole image; levels are 1 apart
PURPOSE = {"down": BLUE, "up": ORANGE}
Shape = tuple[int, int, int]


class _Box(NamedTuple):
    """Middle and height of a box."""

    x: float
    y: float
    tall: float


@styled
def u_shape(stages: Mapping[str, Shape], *, title: str = "") -> Picture:
    """Each map as a box whose height is the edge of the map, to scale; arrows say what happens between.

    Args:
        stages: name to (channels, height, width), in order, as `UNet.stages()` gives them: "image", then
            "down 1" to "down n", then back "up n-1" to "up 1", and "classes" at the end.
        title: of the figure; name the network.

    Source: Ronneberger et al., U-Net, MICCAI 2015, figure 1.
    """
    edge = stages["image"][1]
    boxes = {
        name: _Box(float(column), -float(np.log2(edge / height)), max(0.05, TALL * height / edge))
        for column, (name, (_, height, _)) in enumerate(stages.items())
    }
    deepest = -min(box.y for box in boxes.values())
    figure = new_figure(9.5, 1.6 + 1.05 * (deepest + 1))
    axes = figure.subplots()
    for name, box in boxes.items():
        _draw_box(axes, box, stages[name], PURPOSE.get(name.split()[0], GREY))
    for (_, box), (_, following) in pairwise(boxes.items()):
        _arrow(axes, box, following, -1, "black")
    for name, box in boxes.items():
        if name.startswith("down") and (across := name.replace("down", "up")) in boxes:
            _arrow(axes, box, boxes[across], 1, SKY)
    axes.set(xlim=(-0.6, len(boxes) - 0.4), ylim=(-deepest - 0.6, 0.65))
    axes.axis("off")
    _key(axes)
    figure.suptitle(title)
    caption(figure, "Height of a box: edge of the map, to scale. Above it: channels; below: edge in pixels")
    said = "; ".join(f"{name} {c} channels of {h}×{w}" for name, (c, h, w) in stages.items())
    return Picture(
        figure,
        sentences(
            title,
            "Down: maps become smaller and get more channels. Up: they become larger again",
            "At each level the map of the way down is placed beside the enlarged one",
            said,
        ),
    )


def _draw_box(axes: Axes, box: _Box, shape: Shape, colour: str) -> None:
    """A map, with its channels above and its edge below."""
    low, high = box.y - box.tall / 2, box.y + box.tall / 2
    axes.add_patch(Rectangle((box.x - 0.13, low), 0.26, box.tall, fc=colour, ec="none"))
    axes.text(box.x, high + 0.03, str(shape[0]), ha="center", va="bottom", fontsize=10.5)
    axes.text(box.x, low - 0.03, str(shape[1]), ha="center", va="top", fontsize=9, color=GREY)


def _arrow(axes: Axes, box: _Box, target: _Box, side: int, colour: str) -> None:
    """From box to box, a little above the middle (`side` 1) or below it (-1)."""
    start, end = (one.y + side * min(0.12, one.tall / 4) for one in (box, target))
    arrow = FancyArrowPatch(
        (box.x + 0.17, start),
        (target.x - 0.17, end),
        arrowstyle="-|>",
        mutation_scale=12,
        color=colour,
        lw=1.5,
        shrinkA=0,
        shrinkB=0,
    )
    axes.add_patch(arrow)


def _key(axes: Axes) -> None:
    """What the two kinds of arrow mean, in the corner below the way down."""
    lines = [Line2D([], [], color=colour, linewidth=2) for colour in ("black", SKY)]
    axes.legend(lines, ["halve or enlarge, then\nconvolve twice", "pass the map across"], loc="lower left")
