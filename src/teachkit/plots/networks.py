"""A residual network in two pictures: what one block does, and what becomes of the image."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from teachkit.plots.picture import BLUE, GREY, ORANGE, SKY, Picture, caption, new_figure, sentences, styled


@styled
def residual_network(stages: Mapping[str, tuple[int, int, int]], *, title: str = "") -> Picture:
    """Left: a block adds its input to what it computes. Right: the image shrinks while channels grow.

    Args:
        stages: name to (channels, height, width), in order, as `TransferClassifier.stages()` gives them.
        title: of the whole figure; name the network.

    Source: He et al., Deep residual learning for image recognition, CVPR 2016, figure 2.
    """
    figure = new_figure(11, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.75))
    _block(left)
    _shrinking(right, stages)
    figure.suptitle(title)
    caption(figure, "Squares: the map, to scale. Orange: number of channels, on a logarithmic scale")
    said = "; ".join(f"{name} {c} channels of {h}×{w}" for name, (c, h, w) in stages.items())
    return Picture(
        figure,
        sentences(
            title,
            "Left: x goes through layers that compute f(x), and past them by a shortcut; both are added",
            f"Right: {said}",
        ),
    )


def _block(axes: Axes) -> None:
    axes.set(xlim=(-1.5, 2.1), ylim=(-0.6, 4.6), title="one residual block: out = x + f(x)")
    axes.axis("off")
    for y, word, colour in ((3, "convolution\nBatchNorm, ReLU", SKY), (1.75, "convolution\nBatchNorm", SKY)):
        axes.add_patch(
            FancyBboxPatch((-0.85, y - 0.38), 1.7, 0.76, boxstyle="round,pad=0.05", fc=colour, ec=GREY)
        )
        axes.text(0, y, word, ha="center", va="center", fontsize=10)
    axes.text(0, 4.35, "x", ha="center", va="center", fontsize=13, style="italic")
    axes.text(
        0,
        0.55,
        "+",
        ha="center",
        va="center",
        fontsize=15,
        bbox={"boxstyle": "circle", "fc": "white", "ec": GREY},
    )
    axes.text(0, -0.45, "x + f(x)", ha="center", va="center", fontsize=12, style="italic")
    for start, end in ((4.15, 3.45), (2.56, 2.2), (1.3, 0.85), (0.25, -0.25)):
        axes.add_patch(
            FancyArrowPatch((0, start), (0, end), arrowstyle="-|>", mutation_scale=14, color="black")
        )
    axes.plot([0, 1.35, 1.35], [3.85, 3.85, 0.55], color=ORANGE, linewidth=2.5)
    axes.add_patch(
        FancyArrowPatch((1.36, 0.55), (0.25, 0.55), arrowstyle="-|>", mutation_scale=16, color=ORANGE, lw=2.5)
    )
    axes.text(1.45, 2.3, "shortcut", rotation=270, va="center", fontsize=10.5)
    axes.text(-1.05, 2.4, "f(x)", ha="right", va="center", fontsize=12, style="italic")


def _shrinking(axes: Axes, stages: Mapping[str, tuple[int, int, int]]) -> None:
    """Maps as squares to scale, each in a column of width 1; below them the number of channels."""
    shapes = list(stages.values())
    largest = max(height for _, height, _ in shapes)
    most = np.log2(max(channels for channels, _, _ in shapes) + 1)
    inch = (len(shapes) + 0.4) / 6.6  # columns per inch of the panel
    axes.set_title("the image on its way through the network")
    for place, (name, (channels, height, width)) in enumerate(stages.items()):
        tall, wide = 0.9 * height / largest, 0.9 * width / largest
        axes.add_patch(Rectangle((place - wide / 2, 0), wide, tall, fc=BLUE, ec="none"))
        axes.text(place, tall + 0.06 * inch, f"{height}×{width}", ha="center", fontsize=10)
        deep = 1.6 * inch * np.log2(channels + 1) / most
        axes.add_patch(Rectangle((place - 0.16, -0.1 * inch), 0.32, -deep, fc=ORANGE, ec="none"))
        axes.text(place, -deep - 0.16 * inch, str(channels), ha="center", va="top", fontsize=10)
        axes.text(place, -2.4 * inch, name.replace(" ", "\n"), ha="center", va="center", fontsize=9.5)
    axes.text(-0.7, 0.45, "map", rotation=90, ha="center", va="center")
    axes.text(-0.7, -0.9 * inch, "channels", rotation=90, ha="center", va="center")
    axes.set(xlim=(-0.9, len(shapes) - 0.5), ylim=(-2.7 * inch, 0.95 + 0.3 * inch), aspect="equal")
    axes.axis("off")
