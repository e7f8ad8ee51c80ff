"""Repeated training runs: curves and final scores, always with their interval over seeds."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from teachkit.errors import FormatError
from teachkit.metrics import Interval, paired_difference, t_interval
from teachkit.plots.picture import (
    BLUE,
    COLOURS,
    GREY,
    MARKERS,
    Picture,
    caption,
    new_figure,
    sentences,
    styled,
)


@styled
def curves(
    series: Mapping[str, Sequence[Sequence[float]] | np.ndarray],
    x: Sequence[float] | None = None,
    *,
    xlabel: str = "epoch",
    ylabel: str = "",
    title: str = "",
) -> Picture:
    """Learning curves: the mean over seeds, and a band with the 95 % t interval of that mean.

    Args:
        series: name of an arm to its values [seeds, points]; one seed gives a line without a band.
        x: positions of the points; 1, 2, ... by default.
        xlabel, ylabel: name the unit too.
        title: of the whole figure.

    Raises:
        FormatError: when an arm's runs differ in length, or `x` has another length.
    """
    figure = new_figure(8, 4.4)
    axes = figure.add_subplot()
    said, seeds = [], set()
    for index, (name, given) in enumerate(series.items()):
        values = _runs(name, given)
        places = np.arange(1, values.shape[1] + 1) if x is None else np.asarray(x, dtype=float)
        if len(places) != values.shape[1]:
            raise FormatError(
                f"'{name}' has {values.shape[1]} points, but there are {len(places)} places on the axis.",
                "Give one place for each point.",
            )
        seeds.add(len(values))
        mean, low, high = np.array([t_interval(column) for column in values.T]).T
        colour = COLOURS[index % len(COLOURS)]
        marker = MARKERS[index % len(MARKERS)] if len(places) <= 25 else None
        axes.plot(places, mean, color=colour, marker=marker, markersize=5, label=name)
        if len(values) > 1:
            axes.fill_between(places, low, high, color=colour, alpha=0.18, linewidth=0)
        last = t_interval(values[:, -1])
        said.append(f"{name} goes from {mean[0]:.3f} to {_with_limits(last)}")
        if len(places) <= 12:
            axes.set_xticks(places)
        elif np.array_equal(places, places.round()):  # no epoch 2.5
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    figure.suptitle("\n".join(_wrap(line, 76) for line in title.splitlines()))
    if len(series) > 1:
        figure.legend(loc="outside right center")
    note = "One run" if seeds == {1} else f"Mean over {_seeds(seeds)}; band: 95 % t interval of the mean"
    caption(figure, note)
    return Picture(figure, sentences(title, f"{ylabel} against {xlabel}: {'; '.join(said)}", note))


@styled
def intervals(
    scores: Mapping[str, Sequence[float]],
    *,
    label: str = "AUC",
    title: str = "",
    pairs: bool = True,
) -> Picture:
    """Final scores of the arms as dots with intervals, and their paired differences against zero.

    Args:
        scores: name of an arm to its score per seed; all arms ran the same seeds in the same order.
        label: what the score is.
        title: of the whole figure.
        pairs: draw the second panel with the difference of every pair of arms.

    Raises:
        FormatError: no arm, or arms with different numbers of seeds when `pairs` are asked for.
    """
    if not scores:
        raise FormatError("There is no arm to draw.", "Give at least one name with its scores.")
    values = {name: np.asarray(given, dtype=float).reshape(-1) for name, given in scores.items()}
    couples = list(combinations(values, 2)) if pairs else []
    rows = max(len(values), len(couples))
    figure = new_figure(10.5 if couples else 6.5, 1.5 + 0.55 * rows)
    panels = figure.subplots(1, 2 if couples else 1, squeeze=False)[0]
    found = {name: t_interval(runs) for name, runs in values.items()}
    _dots(panels[0], list(found.values()), [_wrap(name) for name in found], list(values.values()))
    panels[0].set_xlabel(f"{label} (each small dot one seed)")
    said = [f"{name} {_with_limits(found[name])}" for name in found]
    if couples:
        gaps = [paired_difference(values[b], values[a]) for a, b in couples]
        runs = [values[b] - values[a] for a, b in couples]
        _dots(panels[1], gaps, [_wrap(f"{b} − {a}") for a, b in couples], runs)
        panels[1].axvline(0, color="black", linewidth=1.2, zorder=0)
        panels[1].set_xlabel(f"difference in {label}, seed by seed")
        said += [
            f"{b} minus {a} {_with_limits(gap)}, zero {'outside' if gap.excludes_zero else 'inside'}"
            for (a, b), gap in zip(couples, gaps, strict=True)
        ]
    figure.suptitle(title)
    note = f"Large dot: mean over {_seeds({len(runs) for runs in values.values()})}; bar: 95 % t interval"
    caption(figure, note)
    return Picture(figure, sentences(title, f"{label}: {'; '.join(said)}", note))


def _runs(name: str, given: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    lengths = {len(run) for run in given}
    if len(lengths) != 1:
        raise FormatError(
            f"The runs of '{name}' have {sorted(lengths)} points.",
            "Give runs of equal length, at least one.",
            lengths=sorted(lengths),
        )
    return np.asarray(given, dtype=float)


def _dots(axes: Axes, found: Sequence[Interval], names: list[str], runs: list[np.ndarray]) -> None:
    """One row per name: its seeds as small dots, mean and interval above them."""
    for row, (interval, points) in enumerate(zip(found, runs, strict=True)):
        value, low, high = interval
        axes.plot(points, np.full(len(points), row + 0.22), "o", color=GREY, markersize=3.5, alpha=0.7)
        if np.isfinite(low):
            axes.plot([low, high], [row, row], color=BLUE, linewidth=2.2, solid_capstyle="butt")
        axes.plot(value, row, "o", color=BLUE, markersize=8)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.6)
    axes.grid(axis="x")
    axes.set_axisbelow(True)


def _wrap(name: str, width: int = 26) -> str:
    return "\n".join(wrap(name, width)) or name


def _with_limits(interval: tuple[float, float, float]) -> str:
    value, low, high = interval
    return f"{value:.3f}" if not np.isfinite(low) else f"{value:.3f} (95 % interval {low:.3f} to {high:.3f})"


def _seeds(counts: set[int]) -> str:
    text = " or ".join(str(count) for count in sorted(counts))
    return f"{text} seed" if counts == {1} else f"{text} seeds"
