"""Heat maps over time: a row for each picture, a column for each start and epoch."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from teachkit.errors import FormatError
from teachkit.plots.picture import Picture, caption, new_figure, sentences, styled
from teachkit.plots.pictures import HEAT


@styled
def map_courses(
    pictures: np.ndarray,
    names: Sequence[str],
    columns: Mapping[str, np.ndarray],
    *,
    label: str = "evidence against (−) and for (+) the class that the network names",
    title: str = "",
    note: str = "",
) -> Picture:
    """Pictures, and beside each its maps on a common scale.

    Args:
        pictures: uint8 [N, H, W] or [N, H, W, 3].
        names: what each picture shows.
        columns: title to signed maps [N, H, W], the largest absolute value of each map 1.
        label: of the colours.
        title: of the figure.
        note: the caption.

    Raises:
        FormatError: when there are no maps, or not one for each picture.
    """
    wrong = [name for name, maps in columns.items() if maps.shape != pictures.shape[:3]]
    if not columns or wrong or len(names) != len(pictures):
        raise FormatError(
            f"{len(pictures)} pictures, {len(names)} names and maps {wrong or 'of nothing'} do not fit.",
            "Give a name and, in each column, a map of its size for every picture.",
        )
    count, across = len(pictures), len(columns) + 1
    side = min(1.75, 11 / across)
    figure = new_figure(max(5.0, across * side), count * (side + 0.05) + 1.7)
    grid = figure.subplots(count, across, squeeze=False)
    for row, (pixels, name) in enumerate(zip(pictures, names, strict=True)):
        for place, axes in enumerate(grid[row]):
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            if place:
                heat = list(columns.values())[place - 1][row].astype(float)
                strength = 0.75 * np.sqrt(np.abs(heat).clip(0, 1))
                axes.imshow(heat, cmap=HEAT, vmin=-1, vmax=1, alpha=strength, interpolation="bilinear")
        grid[row, 0].set_ylabel(name, fontsize=9.5)
    grid[0, 0].set_title("image", fontsize=9.5)
    for axes, name in zip(grid[0, 1:], columns, strict=True):
        axes.set_title(name, fontsize=9.5)
    scale = ScalarMappable(Normalize(-1, 1), HEAT)
    bar = figure.colorbar(scale, ax=list(grid.flat), location="bottom", shrink=0.5, aspect=40, pad=0.02)
    bar.set_label(label, fontsize=9.5)
    figure.suptitle(title)
    caption(figure, note)
    shares = "; ".join(
        f"{name} {float((maps > 0).mean()):.0%}".replace("\n", ", ") for name, maps in columns.items()
    )
    what = f"{count} images in rows ({', '.join(names)}), each with {len(columns)} heat maps"
    return Picture(
        figure, sentences(title, what, f"Share of places that speak for the class: {shares}", note)
    )
