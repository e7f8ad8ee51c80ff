"""Predicted numbers: where a model is wrong, and whether its intervals hold what they promise."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit.errors import FormatError
from teachkit.metrics import interval_coverage, mean_absolute_error
from teachkit.plots.picture import BLUE, GREY, SKY, VERMILION, Picture, caption, new_figure, sentences, styled


@styled
def residuals(
    labels: ArrayLike, predictions: ArrayLike, *, unit: str = "", title: str = "", note: str = ""
) -> Picture:
    """Predictions against labels, and label minus prediction against the prediction.

    A cloud that bends or widens tells what an average error hides. The second panel shows the prediction
    on its axis, because that is what is known of a new patient.

    Args:
        labels: ``[N]`` or ``[N, 1]``.
        predictions: the same length.
        unit: of both.
        title: of the figure; name the data set and the network.
        note: the caption.

    Raises:
        FormatError: nothing to draw, or arrays of different length.
    """
    truth, guess = _columns(labels, predictions)
    gaps = truth - guess
    figure = new_figure(9.5, 4.2)
    left, right = figure.subplots(1, 2)
    left.scatter(truth, guess, s=14, color=BLUE, alpha=0.45, linewidths=0)
    ends = (min(truth.min(), guess.min()), max(truth.max(), guess.max()))
    left.plot(ends, ends, color="black", linewidth=1.2)
    left.set(xlabel=_with_unit("label", unit), ylabel=_with_unit("prediction", unit))
    left.set_title("line: no error")
    right.scatter(guess, gaps, s=14, color=BLUE, alpha=0.45, linewidths=0)
    right.axhline(0, color="black", linewidth=1.2)
    right.set(xlabel=_with_unit("prediction", unit), ylabel=_with_unit("label − prediction", unit))
    right.set_title("above the line: predicted too small")
    for axes in (left, right):
        axes.grid()
        axes.set_axisbelow(True)
    figure.suptitle(title)
    words = f"n = {len(truth)}" + (f"; {note}" if note else "")
    caption(figure, words)
    quarters = np.array_split(np.argsort(truth, kind="stable"), min(4, len(truth)))
    by_quarter = ", ".join(f"{gaps[rows].mean():+.3g}" for rows in quarters)
    said = (
        f"Mean absolute error {_number(mean_absolute_error(truth, guess), unit)}. Label minus prediction: "
        f"mean {_number(gaps.mean(), unit)}, from {gaps.min():.3g} to {gaps.max():.3g}; mean by quarter of "
        f"the labels, smallest first: {by_quarter}"
    )
    return Picture(figure, sentences(title, said, words))


@styled
def bands(
    labels: ArrayLike,
    predictions: ArrayLike,
    margin: float,
    *,
    rows: int = 40,
    unit: str = "",
    title: str = "",
    note: str = "",
) -> Picture:
    """Prediction ± margin for some rows, with the labels; those outside have another mark and colour.

    The caption leaves the count to the reader.

    Args:
        labels: ``[N]`` or ``[N, 1]``.
        predictions: the same length.
        margin: reach of the interval on both sides, see `metrics.conformal_margin`.
        rows: how many are drawn: evenly spaced in the order given, then sorted by prediction.
        unit: of labels and margin.
        title: of the figure.
        note: the caption.

    Raises:
        FormatError: nothing to draw, arrays of different length, or a margin that is not a finite number.
    """
    truth, guess = _columns(labels, predictions)
    if not (np.isfinite(margin) and margin >= 0 and rows > 0):
        raise FormatError(
            f"{rows} bands of ± {margin} cannot be drawn.",
            "Give a finite margin; an infinite one says that there were too few calibration rows.",
            margin=margin,
        )
    whole = interval_coverage(truth, guess, margin)
    shown = np.unique(np.linspace(0, len(truth) - 1, min(rows, len(truth))).round().astype(int))
    shown = shown[np.argsort(guess[shown], kind="stable")]
    truth, guess, places = truth[shown], guess[shown], np.arange(1, len(shown) + 1)
    inside = np.abs(truth - guess) <= margin
    figure = new_figure(9.5, 4.4)
    axes = figure.add_subplot()
    axes.vlines(places, guess - margin, guess + margin, color=SKY, linewidth=5, alpha=0.6, label="band")
    axes.plot(places, guess, "_", color=GREY, markersize=7, label="prediction")
    axes.plot(places[inside], truth[inside], "o", color=BLUE, markersize=5, label="label")
    axes.plot(places[~inside], truth[~inside], "X", color=VERMILION, markersize=9, label="label outside")
    axes.set(xlabel="test rows, sorted by prediction", ylabel=_with_unit("label and band", unit))
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    figure.legend(loc="outside right upper")
    figure.suptitle(title)
    words = f"{len(shown)} of {len(np.asarray(labels))} rows; band: prediction ± {_number(margin, unit)}"
    words += f"; {note}" if note else ""
    caption(figure, words)
    said = (
        f"Of {len(shown)} labels drawn, {int((~inside).sum())} lie outside their band. Of all, "
        f"{whole.value:.1%} lie inside, 95 % interval {whole.low:.1%} to {whole.high:.1%}"
    )
    return Picture(figure, sentences(title, said, words))


def _columns(labels: ArrayLike, predictions: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    truth = np.asarray(labels, dtype=np.float64).reshape(-1)
    guess = np.asarray(predictions, dtype=np.float64).reshape(-1)
    if not len(truth) or truth.shape != guess.shape:
        raise FormatError(
            f"{len(truth)} labels meet {len(guess)} predictions.", "Give one of each per row, at least one."
        )
    return truth, guess


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def _number(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}".strip()
