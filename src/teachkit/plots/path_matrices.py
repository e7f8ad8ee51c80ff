"""Which nodes of a graph are joined, and over how many edges, as matrices."""

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from teachkit.plots.picture import Picture, caption, new_figure, sentences, styled


@styled
def path_lengths(edges: NDArray[np.int64], distances: NDArray[np.uint8], *, title: str = "") -> Picture:
    """Two matrices: where edges are, and how many edges the shortest path from node to node has.

    Args:
        edges: from and to [E, 2].
        distances: edges on the shortest path from row to column [N, N], 0 for none.
        title: of the figure; name the network.
    """
    count, most = len(distances), max(int(distances.max(initial=0)), 1)
    figure = new_figure(9.6, 4.9)
    left, right = figure.subplots(1, 2, sharey=True)
    joined = np.zeros((count, count))
    joined[edges[:, 0], edges[:, 1]] = 1
    left.imshow(joined, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
    left.set(title="edges", ylabel="node that sends")
    shown = right.imshow(
        np.ma.masked_equal(distances, 0), cmap="viridis_r", vmin=1, vmax=most, interpolation="nearest"
    )
    right.set(title="edges on the shortest path")
    ticks = MaxNLocator(integer=True)
    figure.colorbar(shown, ax=right, shrink=0.82, label="edges; white: no path", ticks=ticks)
    for axes in (left, right):
        axes.set_xlabel("node that receives")
        axes.spines[:].set_visible(True)
    figure.suptitle(title)
    pairs = int(np.count_nonzero(distances))
    note = (
        f"{count} nodes, {len(edges):,} edges; {pairs:,} pairs are joined by an edge or a longer path, of at "
        f"most {most} edges."
    )
    caption(figure, note)
    shape = "All marks lie above the diagonal: a node sends only to later ones."
    return Picture(figure, sentences(title, note, shape))
