"""Networks that nobody trained, beside each other: their drawing, and how often they know where up is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patches import FancyArrowPatch, Patch
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from teachkit.plots.operation_graphs import sketch
from teachkit.plots.operation_kinds import KINDS, Operation
from teachkit.plots.picture import BLUE, GREY, ORANGE, Picture, caption, new_figure, sentences, styled

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Design:
    """A network and its answers.

    Attributes:
        name: its settings on one line.
        nodes, edges: of its graph.
        predicted: share of right answers with predicted numbers.
        random: the same with random numbers, one for each draw.
    """

    name: str
    nodes: Sequence[Operation]
    edges: Ints
    predicted: float
    random: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the random draws."""
        return float(np.mean(self.random))


@dataclass(frozen=True, eq=False)
class Answers:
    """Some turned pictures, and where two networks say that up is.

    Attributes:
        images: the pictures as they were shown [N, height, width] or [N, height, width, 3], in 0 to 1.
        turns: quarter turns to the left of each [N].
        predicted, random: what the network says with predicted numbers, and with one draw of random ones [N].
    """

    images: NDArray[np.float64]
    turns: Ints
    predicted: Ints
    random: Ints


GROUPS = {
    KINDS["input"].colour: "input",
    KINDS["conv"].colour: "weights",
    KINDS["sep_conv"].colour: "weights by channels",
    KINDS["bn"].colour: "scale, bias",
    KINDS["sum"].colour: "joined",
    KINDS["max_pool"].colour: "pooling",
}
UP = (
    (0, 1),
    (-1, 0),
    (0, -1),
    (1, 0),
)  # where the top of a picture is after 0 to 3 quarter turns to the left


@styled
def untrained_designs(
    made: Sequence[Design],
    answers: Answers | None = None,
    *,
    chance: float = 0.25,
    title: str = "",
    note: str = "",
) -> Picture:
    """A row a network: its graph, and its accuracy with predicted and with random numbers.

    Args:
        answers: of the last network, drawn below it.
        chance: accuracy of a guess.
        note: caption; what was asked, of how many pictures.
    """
    rows, strip = len(made), 2.0 if answers else 0.0
    tall = 1.7 + 1.2 * rows
    figure = new_figure(9.8, tall + strip)
    upper = figure.add_subfigure(figure.add_gridspec(2, 1, height_ratios=(tall, max(strip, 1e-3)))[0])
    grid = upper.subplots(rows, 2, squeeze=False, width_ratios=(1.9, 1))
    for row, (design, (left, right)) in enumerate(zip(made, grid, strict=True)):
        sketch(left, design.nodes, design.edges)
        left.set_title(design.name, loc="left", fontsize=10.5)
        _bars(right, design, chance)
        right.tick_params(labelbottom=row == rows - 1)
    grid[-1, 1].set_xlabel("share of right answers")
    used = {KINDS[node.kind].colour for design in made for node in design.nodes}
    grid[-1, 0].legend(
        handles=[Patch(fc=colour, ec=GREY, label=name) for colour, name in GROUPS.items() if colour in used],
        loc="upper left",
        bbox_to_anchor=(0, 0),
        ncols=3,
        fontsize=9.5,
        handlelength=1.2,
    )
    shown = ""
    if answers:
        lower = figure.add_subfigure(figure.add_gridspec(2, 1, height_ratios=(tall, strip))[1])
        shown = _strip(lower, answers, "The network" if rows == 1 else "The last network")
    upper.suptitle(title)
    caption(figure, note)
    said = "; ".join(f"{one.name}: predicted {one.predicted:.2f}, Kaiming {one.mean:.2f}" for one in made)
    return Picture(figure, sentences(title, said, f"A guess: {chance:.2f}", shown, note))


def _bars(axes: Axes, design: Design, chance: float) -> None:
    values = (design.predicted, design.mean)
    axes.barh([0, 1], values, color=(BLUE, ORANGE), height=0.62)
    axes.plot(design.random, np.linspace(0.8, 1.2, len(design.random)), "o", color="black", ms=3)
    axes.axvline(chance, color=GREY, ls="--", lw=1.3)
    for place, value in enumerate(values):
        end = max((value, chance, *(design.random if place else ())))
        inside = end > 0.85
        words = axes.text(end, place, f" {value:.2f} ", va="center", ha="right" if inside else "left")
        words.set_color("white" if inside else "black")
    axes.set(xlim=(0, 1), ylim=(1.5, -0.5), yticks=[0, 1], yticklabels=["predicted", "Kaiming"])


def _strip(figure: SubFigure, answers: Answers, name: str) -> str:
    """Pictures with two arrows each, that lead to where up is said to be; how many are right, in words."""
    grid = figure.subplots(1, len(answers.images), squeeze=False)[0]
    for axes, image, *says in zip(grid, answers.images, answers.predicted, answers.random, strict=True):
        axes.imshow(image, cmap="gray", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        for turn, colour, aside in zip(says, (BLUE, ORANGE), (-0.12, 0.12), strict=True):
            _arrow(axes, UP[turn], colour, aside)
    right = [int((says == answers.turns).sum()) for says in (answers.predicted, answers.random)]
    said = (
        f"{name} says where up is. Right: {right[0]} of {len(answers.turns)} with predicted numbers (blue), "
        f"{right[1]} with Kaiming's (orange)"
    )
    figure.suptitle(said, fontsize=10.5)
    return said


def _arrow(axes: Axes, up: tuple[int, int], colour: str, aside: float) -> None:
    """An arrow in shares of the axes, beside the middle."""
    x, y = 0.5 + aside * abs(up[1]), 0.5 + aside * abs(up[0])
    start, end = (x - 0.32 * up[0], y - 0.32 * up[1]), (x + 0.38 * up[0], y + 0.38 * up[1])
    arrow = FancyArrowPatch(start, end, transform=axes.transAxes, arrowstyle="-|>", mutation_scale=14)
    arrow.set(color=colour, linewidth=2.6)
    arrow.set_path_effects([Stroke(linewidth=4.6, foreground="white"), Normal()])
    axes.add_patch(arrow)
