"""Which numbers of several models a loss can move: gradients over all edges, and lengths a model."""

from collections.abc import Mapping, Sequence
from itertools import pairwise, product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from teachkit.plots.picture import COLOURS, GREY, MARKERS, Picture, caption, new_figure, sentences, styled

BINS = 90  # of the edges of one model
NOTHING = "#F2F2F2"
DECADES = 4  # below the largest value; smaller ones have the palest colour
SHADES = "YlGnBu"

Array = NDArray[np.float64]


@styled
def gradient_map(
    gradients: Array, sizes: Sequence[int], names: Sequence[str], *, words: str = "θ", title: str = ""
) -> Picture:
    """How strongly each loss pulls at the number of each edge; empty where the gradient is exactly 0.

    Args:
        gradients: of each loss on each edge [losses, E]; the edges of a model follow each other.
        sizes: edges of each model.
        names: of the models; loss k is that of model k.
        words: what the gradient is taken by.
    """
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    blocks = [np.abs(gradients[:, a:b]) for a, b in pairwise(bounds)]
    shown = [_binned(block) for block in blocks]
    top = max(float(block.max(initial=0)) for block in shown) or 1.0
    norm = LogNorm(top / 10**DECADES, top)
    figure = new_figure(10, 1.5 + 0.75 * len(gradients))
    grid = figure.subplots(len(gradients), len(blocks), squeeze=False, gridspec_kw={"hspace": 0.05})
    lengths = np.array([[np.linalg.norm(block[row]) for block in blocks] for row in range(len(gradients))])
    for row, column in product(range(len(gradients)), range(len(blocks))):
        axes = grid[row, column]
        _strip(axes, shown[column][row], norm, float(lengths[row, column]))
        if row == 0:
            axes.set_title(f"{names[column]}\n{sizes[column]:,} edges", fontsize=10.5)
        if column == 0:
            axes.set_ylabel(f"loss of\n{names[row]}", rotation=0, ha="right", va="center", fontsize=10.5)
    mapped = next(image for axes in grid.flat for image in axes.images)
    figure.colorbar(mapped, ax=list(grid.flat), label=f"|d loss / d {words}|", shrink=0.9, pad=0.01)
    figure.suptitle(title)
    caption(
        figure, "Each strip: the edges of one model in order. Number: length of the gradient on that model"
    )
    return Picture(figure, sentences(title, *_reach(lengths, names)))


def _binned(block: Array) -> Array:
    """The root mean square in at most BINS parts of the edges, [losses, bins]."""
    count = min(BINS, block.shape[1])
    starts = np.linspace(0, block.shape[1], count, endpoint=False).astype(int)
    widths = np.diff(np.append(starts, block.shape[1]))
    return np.sqrt(np.add.reduceat(block**2, starts, axis=1) / widths)


def _strip(axes: Axes, values: Array, norm: LogNorm, length: float) -> None:
    axes.set(xticks=[], yticks=[])
    axes.set_facecolor(NOTHING)
    axes.spines[:].set_visible(True)
    axes.imshow(
        _positive(values, norm)[None],
        aspect="auto",
        cmap=SHADES,
        norm=norm,
        interpolation="nearest",
    )
    text = "0" if length == 0 else f"{length:.1e}"
    axes.text(
        *(0.5, 0.5),
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=11,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2.5},
    )


def _positive(values: Array, norm: LogNorm) -> np.ma.MaskedArray:
    """Values without the zeros; what is below the scale has its palest colour."""
    return np.ma.masked_array(np.maximum(values, norm.vmin or 0.0), values == 0)


def _reach(lengths: Array, names: Sequence[str]) -> list[str]:
    said = []
    for row, name in enumerate(names[: len(lengths)]):
        reached = [f"{names[k]} {value:.2g}" for k, value in enumerate(lengths[row]) if value > 0]
        said.append(f"The loss of {name} reaches: {', '.join(reached) or 'nothing'}")
    return said


@styled
def sharing_stops(
    lengths: Mapping[str, Array],
    others: Mapping[str, float],
    names: Sequence[str],
    scores: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    *,
    label: str = "",
    title: str = "",
) -> Picture:
    """The stops of a knob: at each, which loss reaches which model; below, how much comes from others.

    Args:
        lengths: name of a stop to lengths of gradients [losses, models].
        others: name of a stop to the share of the gradient that comes from the losses of other models.
        names: of the models.
        scores: name of a line to its score at some stops, one number a fold; a third row shows them.
        label: name of that score.
    """
    figure = new_figure(max(7.0, 2.05 * len(lengths)), 4.9 + (2.2 if scores else 0))
    rows = (2.4, 2.2, 2.2) if scores else (2.4, 2.2)
    parts = figure.subfigures(len(rows), 1, squeeze=False, height_ratios=rows)[:, 0]
    grid = parts[0].subplots(1, len(lengths), squeeze=False)[0]
    for axes, (stop, values) in zip(grid, lengths.items(), strict=True):
        _matrix(axes, values, names, first=axes is grid[0])
        axes.set_title(stop, fontsize=10.5)
    below = parts[1].subplots()
    places = np.arange(len(lengths))
    below.bar(places, [others[stop] for stop in lengths], 0.5, color=COLOURS[0])
    for place, stop in zip(places, lengths, strict=True):
        below.annotate(
            f"{others[stop]:.2f}" if others[stop] else "0",
            (place, others[stop]),
            (0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=10,
        )
    below.set(xticks=places, xticklabels=list(lengths), ylim=(0, 1), ylabel="share of the pull\nfrom others")
    below.set_xlim(-0.5, len(lengths) - 0.5)
    said = [f"{stop}: share from others {others[stop]:.3f}" for stop in lengths]
    if scores:
        said += _scores(parts[2].subplots(), list(lengths), scores, label)
    figure.suptitle(title)
    caption(figure, "Above: length of the gradient of each loss (row) on the numbers of each model (column)")
    return Picture(figure, sentences(title, *said))


def _matrix(axes: Axes, values: Array, names: Sequence[str], *, first: bool) -> None:
    top = float(values.max()) or 1.0
    norm = LogNorm(top / 10**DECADES, top)
    rows, columns = values.shape
    shown = _positive(values, norm)
    axes.set_facecolor(NOTHING)
    axes.imshow(shown, cmap=SHADES, norm=norm, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        dark = value > top / 30
        text = f"{value:.1g}" if value < 10 else f"{value:.0f}"
        axes.text(
            column, row, text, ha="center", va="center", fontsize=8.5, color="white" if dark else "black"
        )
    axes.set_xticks(range(columns), names, rotation=35, ha="right", fontsize=9)
    axes.set_yticks(range(rows), names if first else [""] * rows, fontsize=9)
    axes.tick_params(length=0)
    if first:
        axes.set_ylabel("loss of")


def _scores(
    axes: Axes, stops: list[str], scores: Mapping[str, Mapping[str, Sequence[float]]], label: str
) -> list[str]:
    said = []
    for number, (name, found) in enumerate(scores.items()):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        places = [stops.index(stop) for stop in found]
        means = [float(np.mean(values)) for values in found.values()]
        axes.plot(places, means, f"{marker}-", color=colour, label=name)
        for place, values in zip(places, found.values(), strict=True):
            axes.plot(np.full(len(values), place), values, marker, color=colour, markersize=3, alpha=0.5)
        said.append(
            f"{name}: " + ", ".join(f"{stop} {mean:.3f}" for stop, mean in zip(found, means, strict=True))
        )
    axes.set(xticks=range(len(stops)), xticklabels=stops, xlim=(-0.5, len(stops) - 0.5), ylabel=label)
    axes.grid(axis="y")
    axes.tick_params(axis="x", colors=GREY)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
    return [f"{label}: {line}" for line in said]
