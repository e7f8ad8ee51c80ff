"""Networks that nobody trained, beside each other: their drawing, and how often they know where up is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray

from teachkit.plots.operation_graphs import KINDS, Operation, sketch
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


@styled
def untrained_designs(
    made: Sequence[Design], *, chance: float = 0.25, title: str = "", note: str = ""
) -> Picture:
    """A row a network: its graph, and its accuracy with predicted and with random numbers.

    Args:
        chance: accuracy of a guess.
        note: caption; what was asked, of how many pictures.
    """
    figure = new_figure(9.8, 1.5 + 1.35 * len(made))
    grid = figure.subplots(len(made), 2, squeeze=False, width_ratios=(1.7, 1))
    for row, (design, (left, right)) in enumerate(zip(made, grid, strict=True)):
        sketch(left, design.nodes, design.edges)
        left.set_title(design.name, loc="left", fontsize=10)
        _bars(right, design, chance)
        right.tick_params(labelbottom=row == len(made) - 1)
    grid[-1, 1].set_xlabel("share of right answers")
    colours = dict.fromkeys(KINDS[node.kind].colour for design in made for node in design.nodes)
    entries = [Patch(fc=colour, ec=GREY, label=GROUPS[colour]) for colour in colours]
    figure.legend(handles=entries, loc="outside lower left", ncols=len(entries), fontsize=9, handlelength=1.2)
    figure.suptitle(title)
    caption(figure, note)
    said = "; ".join(f"{one.name}: predicted {one.predicted:.2f}, Kaiming {one.mean:.2f}" for one in made)
    return Picture(figure, sentences(title, said, f"A guess: {chance:.2f}", note))


GROUPS = {
    KINDS["conv"].colour: "weights",
    KINDS["sep_conv"].colour: "by channels",
    KINDS["bn"].colour: "scale, bias",
    KINDS["sum"].colour: "joined",
    KINDS["max_pool"].colour: "pooling",
    KINDS["input"].colour: "input",
}


def _bars(axes: Axes, design: Design, chance: float) -> None:
    values = (design.predicted, design.mean)
    axes.barh([0, 1], values, color=(BLUE, ORANGE), height=0.62)
    axes.plot(design.random, np.linspace(0.8, 1.2, len(design.random)), "o", color="black", ms=3)
    for place, value in enumerate(values):
        inside = value > 0.8
        end = max((value, *design.random)) if place else value
        words = axes.text(end, place, f" {value:.2f} ", va="center", ha="right" if inside else "left")
        words.set_color("white" if inside and not place else "black")
    axes.axvline(chance, color=GREY, ls="--", lw=1.3)
    axes.set(xlim=(0, 1), ylim=(1.5, -0.5), yticks=[0, 1], yticklabels=["predicted", "Kaiming"])
