"""Scores of several arms on several domains: a panel for each domain, one for their mean."""

from collections.abc import Mapping
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from teachkit.errors import FormatError
from teachkit.metrics import Interval, t_interval
from teachkit.plots.picture import COLOURS, GREY, MARKERS, Picture, caption, new_figure, sentences, styled

ACROSS = 3
EDGE = 0.02  # beyond the scores, so that dots at the ends are whole

Values = NDArray[np.float64]


@styled
def scores_by_domain(
    values: Mapping[str, Mapping[str, Values]],
    *,
    label: str,
    title: str = "",
    note: str = "",
    zero: bool = False,
    highest: float | None = None,
) -> Picture:
    """One panel a domain, one row an arm: dots for seeds, a mark and a bar for mean and 95 % t interval.

    Args:
        values: arm to domain to its score for each seed.
        label: of the axes.
        title: of the figure.
        note: the caption.
        zero: whether the values are differences: a line marks 0, and numbers have a sign.
        highest: what no value exceeds: axes end there, even where an interval over few seeds goes on.

    Raises:
        FormatError: when there is nothing to draw, or arms have different domains.
    """
    if not values or len({tuple(found) for found in values.values()}) != 1:
        raise FormatError("Arms without scores, or on different domains.", "Give all arms the same domains.")
    domains = list(next(iter(values.values())))
    rows = ceil(len(domains) / ACROSS)
    across = min(ACROSS, len(domains))
    figure = new_figure(
        11 if across == ACROSS else 3.2 * across + 2, 1.1 + rows * (1.15 + 0.27 * len(values))
    )
    grid = figure.subplots(rows, across, sharey=True, squeeze=False)
    said = []
    for place, axes in enumerate(grid.flat):
        if place >= len(domains):
            axes.set_visible(False)
            continue
        name = domains[place]
        found = {arm: by_domain[name] for arm, by_domain in values.items()}
        told = [f"{arm} {_words(t_interval(runs), zero)}" for arm, runs in found.items()]
        said.append(f"{name.replace(chr(10), ', ')}: {'; '.join(told)}")
        _panel(axes, found, zero, highest)
        axes.set_title(name, fontsize=10.5)
        if place + across >= len(domains):
            axes.set_xlabel(label)
    figure.suptitle(title)
    caption(figure, note)
    return Picture(figure, sentences(title, f"{label}, a row for each arm", *said, note))


def _panel(axes: Axes, found: Mapping[str, Values], zero: bool, highest: float | None) -> None:
    if zero:
        axes.axvline(0, color="black", linewidth=1.2, zorder=0)
    points = np.concatenate(list(found.values()))
    for row, runs in enumerate(found.values()):
        colour, marker = COLOURS[row % len(COLOURS)], MARKERS[row % len(MARKERS)]
        mean, low, high = t_interval(runs)
        axes.plot(runs, np.full(len(runs), row + 0.27), "o", color=GREY, markersize=3, alpha=0.7)
        axes.plot([low, high], [row] * 2, color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot(mean, row, marker, color=colour, markersize=6.5)
    # Intervals over two seeds go far beyond any score: the axis follows them no farther than the runs spread.
    spread = max(np.ptp(points), EDGE)
    left, right = axes.get_xlim()
    right = min(right, points.max() + spread, np.inf if highest is None else highest + EDGE)
    axes.set_xlim(max(left, points.min() - spread), right)
    axes.set_yticks(range(len(found)), list(found))
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x")
    axes.set_axisbelow(True)


def _words(found: Interval, signed: bool) -> str:
    sign = "+" if signed else ""
    if not np.isfinite(found.low):
        return f"{found.value:{sign}.3f}"
    return f"{found.value:{sign}.3f} ({found.low:{sign}.3f} to {found.high:{sign}.3f})"
