"""Images side by side, with titles and heat maps."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from teachkit.errors import FormatError
from teachkit.plots.picture import Picture, caption, new_figure, sentences, styled

# Purple for and orange against: a diverging map that survives every common colour-vision deficiency.
HEAT = "PuOr"


@styled
def images(
    pictures: Sequence[np.ndarray] | np.ndarray,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 6,
    overlay: np.ndarray | None = None,
    overlay_label: str = "evidence: − against, + for the class",
    suptitle: str = "",
    scale_note: str = "no physical scale known",
) -> Picture:
    """Show images in a grid.

    Args:
        pictures: N images [N, H, W], [N, H, W, 3] or a list of them; whole numbers run from 0 to 255, others
            (and masks of True and False) from 0 to 1.
        titles: one short title per image.
        columns: images in a row.
        overlay: signed heat maps [N, H, W] laid over the images, all on one scale; 0 is transparent.
        overlay_label: what the colour bar says.
        suptitle: title of the whole; name the data set, n and the network here.
        scale_note: size of the pictured field, or that it is unknown.

    Raises:
        FormatError: no image, or another number of titles or maps than of images.
    """
    count = len(pictures)
    if count == 0:
        raise FormatError("There is no image to show.", "Choose at least one row.")
    for name, given in (("titles", titles), ("overlay", overlay)):
        if given is not None and len(given) != count:
            raise FormatError(
                f"{len(given)} {name} for {count} images.",
                f"Give one of {name} for each image.",
                given=len(given),
            )
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    lines = max((title.count("\n") + 1 for title in titles or []), default=0)
    side = min(1.9, 11 / columns)
    extra = 0.0 if overlay is None else 0.45
    figure = new_figure(
        max(4.5, columns * side), rows * (side + 0.22 * lines) + (0.75 if suptitle else 0.35) + extra
    )
    grid = np.atleast_1d(figure.subplots(rows, columns)).reshape(-1)
    limit = float(np.abs(overlay).max()) or 1.0 if overlay is not None else 1.0
    for index, axes in enumerate(grid):
        axes.axis("off")
        if index >= count:
            continue
        pixels = np.asarray(pictures[index])
        white = 255 if np.issubdtype(pixels.dtype, np.integer) else 1
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=white, interpolation="nearest")
        if overlay is not None:
            heat = np.asarray(overlay[index], dtype=float)
            axes.imshow(
                heat,
                cmap=HEAT,
                vmin=-limit,
                vmax=limit,
                alpha=0.75 * np.sqrt(np.abs(heat) / limit),
                interpolation="bilinear",
            )
        if titles is not None:
            axes.set_title(titles[index], fontsize=10 if side > 1.5 else 9)
    if overlay is not None:
        scale = ScalarMappable(Normalize(-limit, limit), HEAT)
        bar = figure.colorbar(scale, ax=list(grid), location="bottom", shrink=0.5, aspect=35, pad=0.03)
        bar.set_label(overlay_label, fontsize=9.5)
    figure.suptitle(suptitle)
    caption(figure, f"{count} image{'s' if count > 1 else ''}; {scale_note}")
    return Picture(figure, _alt(suptitle, count, rows, titles, overlay, scale_note))


def _alt(
    suptitle: str,
    count: int,
    rows: int,
    titles: Sequence[str] | None,
    overlay: np.ndarray | None,
    scale_note: str,
) -> str:
    grid = f"{count} images in {rows} rows" if rows > 1 else f"{count} image{'s' if count > 1 else ''}"
    parts = [suptitle, grid]
    if titles is not None:
        named = "; ".join(title.replace("\n", ", ") for title in titles[:12])
        parts.append(f"Titles: {named}{'; and so on' if count > 12 else ''}")
    if overlay is not None:
        share = float((np.asarray(overlay) > 0).mean())
        parts.append(f"Heat maps over the images: {share:.0%} of the places speak for the class")
    return sentences(*parts, f"Scale: {scale_note}")
