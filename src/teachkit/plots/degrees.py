"""How many edges meet in a neuron, and how many numbers the edges of a layer share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from teachkit.plots.picture import BLUE, GREY, ORANGE, Picture, caption, new_figure, sentences, styled

MOST_CELLS = 16  # a side; numbers are written into the cells of smaller maps
MOST_MAPS = 4


@styled
def degree_maps(counts: NDArray[np.int64], *, words: str = "edges into a neuron", title: str = "") -> Picture:
    """The number of edges of each neuron of a layer, at the place of the neuron.

    Args:
        counts: [C, H, W]; only the first four maps are drawn.
        words: what is counted.
    """
    shown = counts[:MOST_MAPS]
    rows, columns = counts.shape[1:]
    wide = 3.2 if len(shown) == 1 else 2.6
    tall = np.clip(wide * rows / columns, 0.8, 6.0)
    figure = new_figure(max(5.0, wide * len(shown) + 0.9), float(tall) + 1.2)
    grid = figure.subplots(1, len(shown), squeeze=False)[0]
    low, high = int(shown.min()), int(shown.max())
    for channel, (axes, one) in enumerate(zip(grid, shown, strict=True)):
        mesh = axes.imshow(one, cmap="cividis", vmin=low, vmax=max(high, low + 1), interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        if len(counts) > 1:
            axes.set_title(f"channel {channel}")
        if max(rows, columns) <= MOST_CELLS:
            _numbers(axes, one, (low + high) / 2, 8.5 if max(rows, columns) > 8 else 11)
    figure.colorbar(mesh, ax=list(grid), label=words, shrink=0.9, ticks=MaxNLocator(integer=True))
    figure.suptitle(title)
    found, often = np.unique(counts, return_counts=True)
    said = ", ".join(f"{n:,} of {count:,} neurons have {degree}" for degree, n, count in _of(found, often))
    more = f" The first {MOST_MAPS} of {len(counts)} channels are drawn." if len(counts) > MOST_MAPS else ""
    caption(figure, f"{words.capitalize()}: {low} to {high}.{more}")
    return Picture(figure, sentences(title, f"{words.capitalize()}: {said}", more.strip()))


def _of(found: NDArray[np.int64], often: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    total = int(often.sum())
    return [(int(degree), int(count), total) for degree, count in zip(found[:12], often, strict=False)]


def _numbers(axes: Axes, counts: NDArray[np.int64], middle: float, size: float) -> None:
    rows, columns = counts.shape
    axes.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, color="white", lw=1)
    axes.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, color="white", lw=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if count <= middle else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=size)


@dataclass(frozen=True)
class LayerCount:
    """Edges of a layer and the distinct learned numbers on them."""

    name: str
    edges: int
    fixed: int
    weights: int


@styled
def sharing(layers: Sequence[LayerCount], into: NDArray[np.int64], *, title: str = "") -> Picture:
    """Edges beside distinct numbers for each layer, and how many edges end in a neuron.

    Args:
        into: number of edges into each neuron that has any.
    """
    figure = new_figure(9.2, max(2.9, 1.7 + 0.42 * len(layers)))
    left, right = figure.subplots(1, 2, width_ratios=(1.6, 1))
    places = range(len(layers))
    for place, layer in zip(places, layers, strict=True):
        if layer.weights:
            left.plot((layer.weights, layer.edges), (place, place), color="#C8C8C8", lw=2.5, zorder=1)
        text = f"  × {(layer.edges - layer.fixed) / layer.weights:,.3g}" if layer.weights else "  fixed"
        left.annotate(
            text, (layer.edges, place), (7, 0), textcoords="offset points", va="center", fontsize=10
        )
    learned = [place for place in places if layers[place].weights]
    left.scatter([one.edges for one in layers], places, color=BLUE, s=60, label="edges", zorder=2)
    numbers = [layers[place].weights for place in learned]
    left.scatter(numbers, learned, color=ORANGE, s=60, marker="D", label="distinct numbers", zorder=3)
    left.set_xscale("log")
    left.margins(x=0.2)
    left.set_yticks(places, [layer.name for layer in layers])
    left.set(ylim=(len(layers) - 0.5, -0.5), xlabel="count (logarithmic)")
    left.grid(axis="x")
    left.set_axisbelow(True)
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    found, often = np.unique(into, return_counts=True)
    right.scatter(found, often, color=GREY, s=26)
    right.set(xlabel="edges into a neuron", ylabel="neurons", xscale="log", yscale="log")
    right.grid(True)
    figure.suptitle(title)
    total = sum(layer.edges for layer in layers)
    weights = sum(layer.weights for layer in layers)
    caption(figure, "× n: an average number is used by n edges of the layer.")
    said = "; ".join(
        f"{layer.name}: {layer.edges:,} edges, {layer.weights:,} distinct numbers" for layer in layers
    )
    return Picture(
        figure,
        sentences(
            title,
            f"In all {total:,} edges, {weights:,} distinct numbers counted a layer",
            said,
            f"Edges into a neuron: {found.min()} to {found.max()}",
        ),
    )
