"""Several ways to train the same networks: every fold of every network as a dot."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from teachkit.errors import FormatError
from teachkit.metrics import t_interval
from teachkit.plots.picture import COLOURS, GREY, MARKERS, Picture, caption, new_figure, sentences, styled

EDGE = 0.03  # beyond the range of scores, so that dots at its ends are whole


@styled
def ways_to_train(
    values: Mapping[str, Mapping[str, NDArray[np.float64]]],
    *,
    label: str,
    title: str = "",
    note: str = "",
    zero: bool = False,
) -> Picture:
    """One panel a network, one row a way: dots for folds, a bar for the 95 % t interval of their mean.

    Scores lie between 0 and 1. The axis ends there, even where an interval over two folds goes on.

    Args:
        values: way to network to the score of each fold.
        label: of the axis.
        title: of the figure.
        note: the caption.
        zero: whether the values are differences: a line marks 0, and numbers have a sign.
    """
    if not values:
        raise FormatError("There is no way to draw.", "Give at least one.")
    models = list(next(iter(values.values())))
    figure = new_figure(11, 1.7 + 0.42 * len(values))
    panels = np.atleast_1d(figure.subplots(1, len(models), sharex=True, sharey=True))
    words = []
    for axes, model in zip(panels, models, strict=True):
        if zero:
            axes.axvline(0, color=GREY, linewidth=1.4)
        for row, (way, scores) in enumerate(values.items()):
            found, colour = scores[model], COLOURS[row % len(COLOURS)]
            axes.plot(
                found,
                np.full(len(found), row),
                MARKERS[row % len(MARKERS)],
                color=colour,
                alpha=0.45,
                markersize=5,
            )
            mean, low, high = t_interval(found)
            axes.plot([low, high], [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
            axes.plot(mean, row, "|", color=colour, markersize=17, markeredgewidth=2.6)
            words.append(f"{model}, {way} {mean:{'+' if zero else ''}.3f}")
        axes.set(title=model, xlabel=label)
        axes.locator_params(axis="x", nbins=5)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
    panels[0].set_yticks(range(len(values)), list(values))
    panels[0].set_ylim(len(values) - 0.5, -0.5)
    low, high = panels[0].get_xlim()
    panels[0].set_xlim(max(low, (-1 if zero else 0) - EDGE), min(high, 1 + EDGE))
    figure.suptitle(title)
    caption(figure, note)
    return Picture(figure, sentences(title, f"{label}, means: {'; '.join(words)}", note))
