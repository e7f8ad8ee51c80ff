"""Images in several clusters: examples, classes, and places among all images."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import SubFigure
from numpy.typing import NDArray

from teachkit.errors import FormatError
from teachkit.plots.picture import COLOURS, MARKERS, Picture, caption, new_figure, sentences, styled

EXAMPLES = 5


@styled
def mixture(
    pictures: Sequence[NDArray[np.uint8]],
    names: Sequence[str],
    counts: NDArray[np.int64],
    classes: Sequence[str],
    places: Sequence[NDArray[np.float64]],
    *,
    title: str = "",
    note: str = "",
) -> Picture:
    """A row of images per cluster, the share of each class in it, and a map of all images.

    Args:
        pictures: for each cluster some images [n, H, W] or [n, H, W, 3], of which the first five are shown.
        names: of the clusters.
        counts: images by cluster and class.
        classes: names of the classes.
        places: for each cluster the first two principal components of its images [n, 2].
        title: of the figure.
        note: the caption.
    """
    if not len(pictures) == len(names) == len(counts) == len(places):
        raise FormatError(
            f"{len(names)} clusters, but images of {len(pictures)}, counts of {len(counts)} and places of "
            f"{len(places)}.",
            "Give one of each for every cluster.",
        )
    figure = new_figure(11, 1.3 + 1.05 * max(len(names), 3))
    left, middle, right = np.asarray(figure.subfigures(1, 3, width_ratios=(1.35, 0.85, 1)))
    _examples(left, pictures, names)
    _classes(middle, counts, names, classes)
    axes = right.add_subplot()
    for index, (name, dots) in enumerate(zip(names, places, strict=True)):
        axes.plot(
            *dots.T,
            MARKERS[index],
            color=COLOURS[index],
            markersize=3.5,
            markeredgewidth=0,
            alpha=0.55,
            label=name,
        )
    axes.set(xlabel="first principal component", ylabel="second", title="all training images")
    axes.legend(markerscale=2, loc="best")
    figure.suptitle(title)
    caption(figure, note)
    shares = [
        f"{name}: " + ", ".join(f"{count:,} {label}" for label, count in zip(classes, row, strict=True))
        for name, row in zip(names, counts, strict=True)
    ]
    return Picture(figure, sentences(title, f"Images of each cluster. {'; '.join(shares)}", note))


def _examples(figure: SubFigure, pictures: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> None:
    grid = np.atleast_2d(figure.subplots(len(names), EXAMPLES))
    for row, (name, images) in enumerate(zip(names, pictures, strict=True)):
        for column, axes in enumerate(grid[row]):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if column < len(images):
                axes.imshow(images[column], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        grid[row, 0].set_ylabel(name, rotation=0, ha="right", va="center")


def _classes(
    figure: SubFigure, counts: NDArray[np.int64], names: Sequence[str], classes: Sequence[str]
) -> None:
    """Bars that start at zero: the share of every class in each cluster."""
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    width = 0.8 / len(names)
    spots = np.arange(len(classes))
    for index, (name, share) in enumerate(zip(names, shares, strict=True)):
        axes.bar(
            spots + width * (index - (len(names) - 1) / 2), share, width, color=COLOURS[index], label=name
        )
    axes.set_xticks(spots, [label.replace(", ", ",\n") for label in classes])
    axes.set(ylabel="share of the cluster", title="classes")
