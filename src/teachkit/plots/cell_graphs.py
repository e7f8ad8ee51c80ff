"""Cells of an image as nodes: centres, edges to neighbours, and a value for each."""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from teachkit.plots.picture import BLUE, ORANGE, Picture, caption, new_figure, sentences, styled

WIDE = 4.3


@styled
def cells(
    centres: NDArray[np.float64],
    edges: NDArray[np.int64],
    mask: NDArray[np.int64],
    *,
    image: NDArray[np.generic] | None = None,
    panels: Mapping[str, NDArray[np.float64]] | None = None,
    name: str = "value",
    title: str = "",
    note: str = "",
) -> Picture:
    """A graph of cells drawn on its image; one panel, or one for each array of values.

    Args:
        centres: row and column of each cell [N, 2].
        edges: pairs of cells [E, 2].
        mask: numbers of the objects [H, W]; drawn in grey when there is no image.
        panels: heading to a value a cell [N]; all on one scale of colours.
        name: what the values are, with the unit.
        note: caption.
    """
    shown = dict(panels) if panels else {"": None}
    rows, columns = mask.shape
    tall = float(np.clip(WIDE * rows / columns, 2.0, 6.5))
    figure = new_figure(WIDE * len(shown) + (0.9 if panels else 0.2), tall + 0.9)
    grid = figure.subplots(1, len(shown), squeeze=False)[0]
    scale = Normalize(*_range(panels)) if panels else None
    for axes, (heading, values) in zip(grid, shown.items(), strict=True):
        _background(axes, mask, image)
        ends = centres[edges][:, :, ::-1]
        axes.add_collection(LineCollection(list(ends), colors=ORANGE, linewidths=1.5, zorder=2))
        style = {"color": BLUE} if values is None else {"c": values, "norm": scale, "cmap": "cividis"}
        dots = axes.scatter(
            centres[:, 1], centres[:, 0], s=42, edgecolors="white", linewidths=0.9, zorder=3, **style
        )
        axes.set(xticks=[], yticks=[], xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        axes.set_title(heading)
    if panels:
        figure.colorbar(dots, ax=list(grid), label=name, shrink=0.85)
    figure.suptitle(title)
    caption(figure, textwrap.fill(note, int(figure.get_figwidth() * 13.5)))
    said = "; ".join(
        f"{heading}: {name} from {values.min():,.3g} to {values.max():,.3g}, standard deviation "
        f"{values.std():,.3g}"
        for heading, values in (panels or {}).items()
    )
    return Picture(figure, sentences(title, "Cells are dots, neighbours are joined by lines", note, said))


def _range(panels: Mapping[str, NDArray[np.float64]]) -> tuple[float, float]:
    return min(v.min() for v in panels.values()), max(v.max() for v in panels.values())


def _background(axes: Axes, mask: NDArray[np.int64], image: NDArray[np.generic] | None) -> None:
    if image is not None:
        axes.imshow(_brighter(image), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        return
    outline = np.zeros(mask.shape, bool)
    outline[:-1] |= mask[:-1] != mask[1:]
    outline[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    shades = np.where(mask > 0, 0.82, 1.0)
    shades[outline] = 0.5
    axes.imshow(shades, vmin=0, vmax=1, interpolation="nearest")


def _brighter(image: NDArray[np.generic]) -> NDArray[np.float64]:
    """In 0..1; a dark picture so that its bright pixels, but for a few, reach 1."""
    scaled = image.astype(float) / (255 if image.dtype == np.uint8 else max(1.0, float(image.max())))
    top = float(np.percentile(scaled, 99.8))
    return np.clip(scaled / top, 0, 1) if 0.02 < top < 0.5 else scaled
