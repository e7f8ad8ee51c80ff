"""Many repeats of an experiment: a box per model, and beside it the mean with its interval."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from teachkit.errors import FormatError
from teachkit.metrics import Interval
from teachkit.plots.picture import BLUE, GREY, ORANGE, Picture, caption, new_figure, sentences, styled


@styled
def boxes(
    values: Mapping[str, Sequence[float]],
    intervals: Mapping[str, Interval] | None = None,
    *,
    label: str,
    title: str = "",
    note: str = "",
    log: bool = False,
    zero: bool = True,
) -> Picture:
    """Box plots over repeats, one row per model.

    The box holds the middle half, its line is the median, whiskers reach the last point within 1.5 box
    lengths, dots are further out.

    Args:
        values: name to the repeats.
        intervals: name to a mean with limits, drawn below its box.
        label: of the axis, with the unit.
        title: of the figure.
        note: the caption: number of repeats, what the interval is.
        log: a logarithmic axis, for errors that differ by factors; else a plain one.
        zero: whether a plain axis starts at zero. False suits scores, whose zero means nothing.

    Raises:
        FormatError: nothing to draw, or a value that a logarithm does not take.
    """
    found = {name: np.asarray(given, dtype=float) for name, given in values.items()}
    if not found or not all(map(len, found.values())):
        raise FormatError("A box of no values was asked for.", "Give every name at least one number.")
    smallest = min(given.min() for given in found.values())
    if log and smallest <= 0:
        raise FormatError(
            f"A logarithmic axis cannot show {smallest:.3g}.", "Draw it with log=False.", value=smallest
        )
    figure = new_figure(8, 1.6 + 0.62 * len(found))
    axes = figure.add_subplot()
    places = np.arange(len(found))
    axes.boxplot(
        list(found.values()),
        positions=places,
        orientation="horizontal",
        widths=0.42,
        tick_labels=list(found),
        medianprops={"color": ORANGE, "linewidth": 2},
        boxprops={"color": GREY},
        whiskerprops={"color": GREY},
        capprops={"color": GREY},
        flierprops={"marker": "o", "markersize": 3, "markeredgecolor": GREY, "alpha": 0.6},
    )
    for place, name in enumerate(found):
        if intervals and name in intervals:
            mean, low, high = intervals[name]
            axes.plot([low, high], [place + 0.33] * 2, color=BLUE, linewidth=2.2, solid_capstyle="butt")
            axes.plot(mean, place + 0.33, "o", color=BLUE, markersize=6)
    axes.set_ylim(len(found) - 0.4, -0.5)
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    elif zero and smallest >= 0:
        axes.set_xlim(left=0)
    axes.set_xlabel(label + (", logarithmic axis" if log else ""))
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    figure.suptitle(title)
    caption(figure, textwrap.fill(note, 110))
    return Picture(figure, sentences(title, f"{label}: {'; '.join(_said(found, intervals))}", note))


def _said(found: Mapping[str, np.ndarray], intervals: Mapping[str, Interval] | None) -> list[str]:
    words = []
    for name, given in found.items():
        low, median, high = np.quantile(given, [0.25, 0.5, 0.75])
        text = f"{name} median {median:.3g}, middle half {low:.3g} to {high:.3g}"
        if intervals and name in intervals:
            mean, below, above = intervals[name]
            text += f", mean {mean:.3g} with interval {below:.3g} to {above:.3g}"
        words.append(text)
    return words


@styled
def ladder(
    values: Mapping[str, Sequence[float]],
    *,
    baseline: float,
    baseline_name: str,
    guess: float | None = None,
    label: str,
    title: str = "",
    note: str = "",
) -> Picture:
    """Errors step by step as dots with ± one standard deviation, against a line that needs no model.

    Args:
        values: name of a step to its repeats, in the order from top to bottom.
        baseline: the error to beat.
        baseline_name: what the line stands for.
        guess: the reader's guess for the last step.
        label: of the axis, with the unit.
        title: of the figure.
        note: the caption.
    """
    figure = new_figure(8.5, 1.7 + 0.42 * len(values))
    axes = figure.add_subplot()
    said = []
    for row, (name, given) in enumerate(values.items()):
        mean, spread = float(np.mean(given)), float(np.std(given, ddof=1)) if len(given) > 1 else 0.0
        axes.plot([mean - spread, mean + spread], [row, row], color=BLUE, linewidth=2.2)
        axes.plot(mean, row, "o", color=BLUE, markersize=8)
        axes.annotate(f"{mean:.3g}", (mean + spread, row), (8, 0), textcoords="offset points", va="center")
        said.append(f"{name} {mean:.3g} ± {spread:.2g}")
    axes.axvline(baseline, color=GREY, linestyle="--", label=f"{baseline_name}: {baseline:.3g}")
    if guess is not None:
        axes.plot(guess, len(values) - 1, "D", color=ORANGE, markersize=9, label=f"your guess: {guess:.3g}")
        said.append(f"your guess for the last row {guess:.3g}")
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.set_xlim(0, max(baseline, guess or 0) * 1.08)
    axes.set_xlabel(label)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    figure.suptitle(title)
    caption(figure, note)
    words = f"{label}: {'; '.join(said)}; {baseline_name} {baseline:.3g}"
    return Picture(figure, sentences(title, words, note))
