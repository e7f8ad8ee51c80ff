"""Networks from several starts: probe, fine-tuning, differences, and numbers of labels."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from teachkit.errors import FormatError
from teachkit.metrics import Interval, t_interval
from teachkit.plots.picture import COLOURS, GREY, MARKERS, Picture, caption, new_figure, sentences, styled

Values = NDArray[np.float64]


@styled
def start_scores(
    probed: Mapping[str, Values],
    tuned: Mapping[str, Sequence[Values]],
    epochs: Sequence[int],
    *,
    title: str = "",
    note: str = "",
) -> Picture:
    """Left the linear probe, a row an arm; right the AUC after each epoch of fine-tuning.

    Args:
        probed: arm to AUC [seeds].
        tuned: arm to AUC [seeds] for each of `epochs`.
        epochs: of fine-tuning.
        title: of the figure.
        note: the caption.

    Raises:
        FormatError: when there is no arm.
    """
    if not probed:
        raise FormatError("There is no start to draw.", "Give at least one.")
    figure = new_figure(11, 2.0 + 0.5 * max(len(probed), 4))
    left, right = figure.subplots(1, 2)
    said = [f"{arm} {_words(t_interval(values))}" for arm, values in probed.items()]
    _rows(left, probed)
    left.set(xlabel="AUC, test images", title="linear probe: the network is frozen")
    after = []
    spread = 0.06 * (min(np.diff(epochs)) if len(epochs) > 1 else 1)
    for place, (arm, values) in enumerate(tuned.items()):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        x = np.asarray(epochs, dtype=float) + spread * (place - (len(tuned) - 1) / 2)
        found = [t_interval(each) for each in values]
        right.plot(x, [each.value for each in found], color=colour, marker=marker, markersize=6, label=arm)
        for position, each in zip(x, found, strict=True):
            right.plot([position] * 2, [each.low, each.high], color=colour, linewidth=1.6, alpha=0.75)
        after.append(f"{arm} {_words(found[-1])}")
    right.set(xlabel="epoch", ylabel="AUC, test images", title="fine-tuning, each arm at its own rate")
    right.set_xticks(epochs, [str(epoch) for epoch in epochs])
    _within(right, "y")
    right.grid(axis="y")
    right.set_axisbelow(True)
    figure.legend(*right.get_legend_handles_labels(), loc="outside right center")
    figure.suptitle(title)
    caption(figure, note)
    words = f"Linear probe: {'; '.join(said)}", f"After epoch {epochs[-1]}: {'; '.join(after)}"
    return Picture(figure, sentences(title, *words, note))


@styled
def start_differences(
    values: Mapping[str, Mapping[str, Values]], *, title: str = "", note: str = ""
) -> Picture:
    """One panel a way to measure, one row a difference, with a line at 0.

    Args:
        values: way to the name of a difference to its values [seeds].
        title: of the figure.
        note: the caption.

    Raises:
        FormatError: when there is nothing to draw.
    """
    if not values or not all(values.values()):
        raise FormatError("There is no difference to draw.", "Give at least one.")
    rows = max(len(each) for each in values.values())
    figure = new_figure(11, 1.8 + 0.5 * rows)
    panels = figure.subplots(1, len(values), sharex=True, sharey=True, squeeze=False)[0]
    said = []
    for axes, (way, found) in zip(panels, values.items(), strict=True):
        axes.axvline(0, color="black", linewidth=1.2, zorder=0)
        _rows(axes, found, one_colour=True)
        axes.set(title=way, xlabel="difference in AUC, seed by seed")
        each = [f"{name} {_words(t_interval(gaps), signed=True)}" for name, gaps in found.items()]
        said.append(f"{way}: {'; '.join(each)}")
    _within(panels[0], "x", lowest=-1)
    figure.suptitle(title)
    caption(figure, note)
    return Picture(figure, sentences(title, *said, note))


@styled
def label_counts(
    counts: Sequence[int],
    values: Mapping[str, Values],
    pair: tuple[str, str] | None,
    *,
    title: str = "",
    note: str = "",
) -> Picture:
    """AUC against the number of labelled images a class; right, one difference with its intervals.

    Args:
        counts: labelled images a class, rising.
        values: arm to AUC [seeds, counts].
        pair: two arms whose difference is drawn; None for no second panel.
        title: of the figure.
        note: the caption.
    """
    figure = new_figure(11 if pair else 7, 4.4)
    panels = figure.subplots(1, 2 if pair else 1, squeeze=False)[0]
    places = np.arange(len(counts))
    said = []
    for place, (arm, table) in enumerate(values.items()):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        means = table.mean(0)
        panels[0].plot(places, means, color=colour, marker=marker, markersize=6, label=arm)
        said.append(f"{arm} {', '.join(f'{mean:.3f}' for mean in means)}")
    panels[0].set(ylabel="AUC, test images, mean over seeds", title="fine-tuned")
    words = [f"AUC for {', '.join(map(str, counts))} labels a class: {'; '.join(said)}"]
    if pair:
        gaps = values[pair[0]] - values[pair[1]]
        found = [t_interval(column) for column in gaps.T]
        panels[1].axhline(0, color="black", linewidth=1.2, zorder=0)
        for place, (column, each) in enumerate(zip(gaps.T, found, strict=True)):
            panels[1].plot(
                np.full(len(column), place + 0.1), column, "o", color=GREY, markersize=3.5, alpha=0.7
            )
            panels[1].plot([place] * 2, [each.low, each.high], color=COLOURS[0], linewidth=2.2)
            panels[1].plot(place, each.value, "o", color=COLOURS[0], markersize=8)
        panels[1].set(ylabel="difference in AUC, seed by seed", title=f"{pair[0]} − {pair[1]}")
        _within(panels[1], "y", lowest=-1)
        each_said = "; ".join(_words(each, signed=True) for each in found)
        words.append(f"{pair[0]} minus {pair[1]}: {each_said}")
    for axes in panels:
        axes.set_xlabel("labelled images a class")
        axes.set_xticks(places, [str(count) for count in counts])
        axes.set_xlim(-0.4, len(counts) - 0.6)
        axes.grid(axis="y")
        axes.set_axisbelow(True)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center")
    figure.suptitle(title)
    caption(figure, note)
    return Picture(figure, sentences(title, *words, note))


def _rows(axes: Axes, values: Mapping[str, Values], one_colour: bool = False) -> None:
    """A row a name: seeds as small dots, above them the mean and its 95 % t interval."""
    for row, points in enumerate(values.values()):
        colour = COLOURS[0 if one_colour else row % len(COLOURS)]
        marker = "o" if one_colour else MARKERS[row % len(MARKERS)]
        found = t_interval(points)
        axes.plot(points, np.full(len(points), row + 0.24), "o", color=GREY, markersize=3.5, alpha=0.7)
        axes.plot([found.low, found.high], [row] * 2, color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot(found.value, row, marker, color=colour, markersize=8)
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.5, -0.6)
    _within(axes, "x", lowest=-1 if one_colour else 0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)


def _within(axes: Axes, which: str, lowest: float = 0, edge: float = 0.02) -> None:
    """End the axis where scores, or differences of scores, end: intervals over two seeds go on."""
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    limits = max(low, lowest - edge), min(high, 1 + edge)
    if which == "x":
        axes.set_xlim(*limits)
    else:
        axes.set_ylim(*limits)


def _words(found: Interval, signed: bool = False) -> str:
    sign = "+" if signed else ""
    if not np.isfinite(found.low):
        return f"{found.value:{sign}.3f}"
    return f"{found.value:{sign}.3f} (95 % interval {found.low:{sign}.3f} to {found.high:{sign}.3f})"
