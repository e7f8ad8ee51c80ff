"""Where the entries of an adjacency matrix are: one block a model, and nothing between the blocks."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from teachkit.plots.picture import COLOURS, GREY, Picture, caption, new_figure, sentences, styled

CELLS = 420  # a side of the picture; larger matrices have several neurons in a cell


@styled
def spy(
    src: NDArray[np.int64],
    dst: NDArray[np.int64],
    sizes: Sequence[int],
    names: Sequence[str],
    *,
    title: str = "",
) -> Picture:
    """The adjacency matrix of several graphs side by side: a mark where an edge is.

    Args:
        src, dst: ids of the neurons that an edge joins [E]; the models follow each other.
        sizes: number of neurons of each model.
        names: of the models.
    """
    total = int(sum(sizes))
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    cells = min(total, CELLS)
    row, column = dst * cells // total, src * cells // total
    model, other = (np.searchsorted(bounds, ids, side="right") - 1 for ids in (dst, src))
    crossing = int((model != other).sum())
    shades = np.ones((cells, cells, 3))
    for place in range(len(sizes)):
        own = np.zeros((cells, cells))
        np.add.at(own, (row[model == place], column[model == place]), 1)
        # A cell with a single edge is already seen well; more edges only make it darker.
        strength = np.where(own > 0, 0.45 + 0.55 * np.log1p(own) / np.log1p(own.max(initial=1)), 0)[..., None]
        shades = shades * (1 - strength) + strength * np.array(to_rgb(COLOURS[place % len(COLOURS)]))
    figure = new_figure(6.2, 6.2)
    axes = figure.subplots()
    axes.imshow(shades, extent=(0, total, total, 0), interpolation="nearest")
    for place, (name, size) in enumerate(zip(names, sizes, strict=True)):
        start = bounds[place]
        colour = COLOURS[place % len(COLOURS)]
        axes.add_patch(Rectangle((start, start), size, size, fill=False, ec=colour, lw=1.4))
        edges = int((model == place).sum())
        text = f"{name}\n{size:,} neurons\n{edges:,} edges"
        right = start + size / 2 > total / 2
        x = start - 0.02 * total if right else start + size + 0.02 * total
        axes.text(x, start + size / 2, text, ha="right" if right else "left", va="center", fontsize=10)
    axes.set(xlabel="neuron that sends", ylabel="neuron that receives", xlim=(0, total), ylim=(total, 0))
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(GREY)
    figure.suptitle(title)
    said = f"{total:,} neurons, {len(src):,} edges; between two models: {crossing:,}."
    caption(figure, said)
    blocks = "; ".join(
        f"{name}: {size:,} neurons, {int((model == place).sum()):,} edges"
        for place, (name, size) in enumerate(zip(names, sizes, strict=True))
    )
    return Picture(figure, sentences(title, "Marks lie in blocks on the diagonal", said, blocks))
