"""One score of one or more models over the sets of a benchmark."""

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np

from teachkit.errors import FormatError
from teachkit.metrics import Interval
from teachkit.plots.picture import (
    COLOURS,
    GREY,
    MARKERS,
    Picture,
    caption,
    new_figure,
    sentences,
    styled,
)

SPREAD = 0.3  # of the distance between two sets, over which the models of one set stand side by side


@styled
def set_scores(
    values: Mapping[str, Mapping[str, float]],
    sets: Sequence[str],
    intervals: Mapping[str, Mapping[str, Interval]] | None = None,
    *,
    label: str,
    title: str = "",
    note: str = "",
) -> Picture:
    """A dot for each set and model, joined by a line; dashed, the mean of a model that has all sets.

    The line only leads the eye: between two sets there is nothing.

    Args:
        values: model to set to score; nan and absent sets leave a gap.
        sets: all sets in order, those without a score as well.
        intervals: model to set to a score with limits, drawn as bars.
        label: of the axis.
        title: of the figure.
        note: the caption.

    Raises:
        FormatError: no model, more models than colours, or no set.
    """
    if not values or len(values) > len(COLOURS) or not sets:
        raise FormatError(
            f"{len(values)} models over {len(sets)} sets cannot be drawn.",
            f"Give one to {len(COLOURS)} models and at least one set.",
        )
    figure = new_figure(max(6.0, 1.8 + 0.66 * len(sets)), 4.4)
    axes = figure.add_subplot()
    places = np.arange(len(sets))
    shifts = np.linspace(-SPREAD / 2, SPREAD / 2, len(values)) if len(values) > 1 else [0.0]
    said = []
    for index, (model, scores) in enumerate(values.items()):
        heights = np.array([scores.get(name, math.nan) for name in sets])
        colour, x = COLOURS[index], places + shifts[index]
        mean = float(heights.mean())
        shown = f"{model}, mean {mean:.3f}" if math.isfinite(mean) else f"{model}, no mean"
        axes.plot(x, heights, MARKERS[index] + "-", color=colour, linewidth=1, markersize=6, label=shown)
        if math.isfinite(mean):
            axes.axhline(mean, color=colour, linestyle="--", linewidth=1)
        for place, name in zip(x, sets, strict=True):
            if intervals and (one := intervals.get(model, {}).get(name)):
                axes.plot([place] * 2, [one.low, one.high], color=colour, linewidth=2.2, alpha=0.55)
        said.append(
            f"{shown}: "
            + ", ".join(
                f"{name} {height:.3f}" if math.isfinite(height) else f"{name} none"
                for name, height in zip(sets, heights, strict=True)
            )
        )
    axes.set_xticks(places, list(sets), rotation=35, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.6, len(sets) - 0.4)
    axes.set_ylim(top=min(axes.get_ylim()[1], 1.02))
    axes.set_ylabel(label)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", colors=GREY, labelcolor="black")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    figure.suptitle(title)
    caption(figure, textwrap.fill(note, int(figure.get_figwidth() * 12.5)))
    return Picture(figure, sentences(title, f"{label}: {'; '.join(said)}", note))
