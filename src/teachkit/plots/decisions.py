"""From probabilities to decisions: confusion matrix, class balance, reliability."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from teachkit.errors import FormatError
from teachkit.metrics import accuracy, balanced_accuracy, calibration_error, confusion_matrix
from teachkit.plots.picture import (
    BLUE,
    COLOURS,
    GREY,
    ORANGE,
    Picture,
    caption,
    new_figure,
    sentences,
    styled,
)


@styled
def confusion(
    labels: ArrayLike, predictions: ArrayLike, classes: Sequence[str], *, title: str = ""
) -> Picture:
    """Confusion matrix: rows are the truth, columns what the model said, each cell a count and a row share.

    Args:
        labels: true classes [N].
        predictions: predicted classes [N].
        classes: names in label order.
        title: of the whole figure; name the data set and n.
    """
    counts = confusion_matrix(labels, predictions, len(classes))
    size = 1.7 + (0.9 if len(classes) <= 5 else 0.62) * len(classes)
    figure = new_figure(max(4.8, size + 1.4), size)
    axes = figure.add_subplot()
    draw_matrix(axes, counts, classes)
    figure.suptitle(title)
    note = (
        f"n = {counts.sum()}; accuracy {accuracy(labels, predictions):.3f}, "
        f"balanced accuracy {balanced_accuracy(labels, predictions):.3f}"
    )
    caption(figure, note)
    rows = "; ".join(
        f"of {row.sum()} with {name}: "
        + ", ".join(f"{count} called {other}" for other, count in zip(classes, row, strict=True))
        for name, row in zip(classes, counts, strict=True)
    )
    return Picture(figure, sentences(title, f"Confusion matrix: {rows}", note))


def draw_matrix(axes: Axes, counts: np.ndarray, classes: Sequence[str]) -> None:
    """Counts [C, C] as shaded squares; the shade is the share of the row, printed where there is room."""
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1.25)  # never so dark that black words vanish
    few = len(classes) <= 5
    for row, column in np.ndindex(counts.shape):
        dark = share[row, column] > 0.75
        axes.text(
            column,
            row,
            f"{counts[row, column]:,}" + (f"\n({share[row, column]:.0%})" if few else ""),
            ha="center",
            va="center",
            fontsize=10.5,
            color="white" if dark else "black",
        )
    # Up to three names stand side by side, so a long one must break.
    names = [textwrap.fill(name, 11) for name in classes] if len(classes) <= 3 else list(classes)
    axes.set_xticks(range(len(classes)), names)
    if len(classes) > 3:  # slanted names end under their column
        for label in axes.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(classes)), names)
    axes.tick_params(length=0)
    axes.set(xlabel="model says", ylabel="truth")
    axes.spines[:].set_visible(False)


@styled
def class_balance(labels: Mapping[str, ArrayLike], classes: Sequence[str], *, title: str = "") -> Picture:
    """Share of each class in each split, as bars from zero.

    Args:
        labels: split name to true classes [N].
        classes: names in label order.
        title: of the whole figure.
    """
    figure = new_figure(8, 1.5 + 0.62 * len(classes) * max(1, len(labels) / 2.2))
    axes = figure.add_subplot()
    height = 0.8 / max(len(labels), 1)
    said, sizes = [], []
    for index, (name, given) in enumerate(labels.items()):
        counts = np.bincount(np.asarray(given, dtype=int).reshape(-1), minlength=len(classes))
        share = counts / max(counts.sum(), 1)
        places = np.arange(len(classes)) + (index - (len(labels) - 1) / 2) * height
        bars = axes.barh(places, share, height * 0.9, color=COLOURS[index % len(COLOURS)], label=name)
        axes.bar_label(
            bars, [f"{s:.0%} ({c:,})" for s, c in zip(share, counts, strict=True)], padding=4, fontsize=9.5
        )
        sizes.append(f"{name} n = {counts.sum():,}")
        said.append(f"{name}: " + ", ".join(f"{c} {s:.1%}" for c, s in zip(classes, share, strict=True)))
    axes.set_yticks(range(len(classes)), classes)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_xlim(0, min(1.18, axes.get_xlim()[1] * 1.2))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}" if value <= 1 else "")
    axes.set_xlabel("share of the split (images)")
    if len(labels) > 1:
        figure.legend(loc="outside right center")
    figure.suptitle(title)
    caption(figure, ", ".join(sizes))
    return Picture(figure, sentences(title, "; ".join(said), ", ".join(sizes)))


@styled
def reliability(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    bins: int = 10,
    positive_name: str = "positive",
    title: str = "",
) -> Picture:
    """Reliability diagram: of the images said to be p % likely, are p % positive?

    Dots below the diagonal: it happens less often than said. Below them: how many images a dot rests on.

    Args:
        labels: 0 or 1 [N], 1 for the positive class.
        probabilities: of the positive class [N].
        bins: equal steps from 0 to 1, closed on the right.
        positive_name: the positive class, for the axis.
        title: of the whole figure.

    Raises:
        FormatError: other shapes, or numbers outside 0..1.

    Source: Guo et al., On calibration of modern neural networks, ICML 2017, section 2.
    """
    truth = np.asarray(labels).reshape(-1)
    stated = np.asarray(probabilities, dtype=float)
    if stated.shape != truth.shape:
        raise FormatError(
            f"Probabilities of shape {stated.shape} for {truth.size} labels.",
            "Give the column of the positive class: probabilities[:, 1].",
            shape=stated.shape,
        )
    error = calibration_error(truth, stated, bins)  # refuses what is no probability or no 0/1 label
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], stated)
    counts = np.bincount(place, minlength=bins)
    full = counts > 0
    said = np.bincount(place, weights=stated, minlength=bins)[full] / counts[full]
    seen = np.bincount(place, weights=truth, minlength=bins)[full] / counts[full]
    figure = new_figure(6, 6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2)
    upper.set_title("dashed line: happens as often as said", fontsize=9.5, color=GREY, loc="left")
    upper.vlines(said, *_wilson(seen, counts[full]), color=BLUE, linewidth=1.8)
    upper.plot(said, seen, "o", color=BLUE, markersize=7)
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.05, 1.05), ylabel=f"share that is {positive_name}")
    lower.bar((np.arange(bins) + 0.5) / bins, counts, 0.9 / bins, color=ORANGE)
    lower.set(xlabel=f"stated probability of {positive_name}", ylabel="images")
    figure.suptitle(title)
    note = f"n = {truth.size}; calibration error {error:.3f} ({bins} bins); bars: 95 % Wilson intervals"
    caption(figure, note)
    pairs = "; ".join(
        f"said {a:.2f}, happened {b:.2f} (n = {c})" for a, b, c in zip(said, seen, counts[full], strict=True)
    )
    return Picture(figure, sentences(title, f"Reliability diagram for {positive_name}: {pairs}", note))


def _wilson(share: np.ndarray, n: np.ndarray, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a share seen in `n` images; stays inside 0..1 and is honest about 0 of 5 (Wilson, 1927)."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return centre - half, centre + half
