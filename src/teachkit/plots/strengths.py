"""A strength slider on real images, and the measured score against strength drawn over the reader's vote."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from teachkit.errors import FormatError
from teachkit.metrics import Interval, t_interval
from teachkit.plots.explorers import Explorer
from teachkit.plots.picture import (
    BLUE,
    GREY,
    ORANGE,
    Picture,
    caption,
    new_figure,
    sentences,
    styled,
)

SHOWN = (0.0, 0.5, 1.0, 2.0, 3.0)
MOST_COLUMNS = 6
WIDTH = 8.0  # inches; the curve and the line under it need as much
Change = Callable[[float], Sequence[np.ndarray] | np.ndarray]
Curve = Mapping[float, Sequence[float]]


@dataclass(frozen=True)
class Reading:
    """What was measured at one strength.

    Attributes:
        strength: the measured one nearest to what was asked.
        score: mean over seeds, with its 95 % t interval.
        change: the same of the difference to strength 0, paired by seed; None without strength 0.
    """

    strength: float
    label: str
    score: Interval
    change: Interval | None

    @property
    def sentence(self) -> str:
        """Both in words."""
        mean, least, _ = self.score
        said = f"Strength {self.strength:g}: {self.label} {f'{mean:.3f}' if least != least else self.score}"
        if self.change is None or self.strength == 0:
            return f"{said}."
        value, low, high = self.change
        limits = "" if low != low else f" [{low:+.3f}, {high:+.3f}]"
        return f"{said}; {value:+.3f}{limits} against strength 0."


class StrengthExplorer(Explorer):
    """A slider where a reader can move it, and always a row of images per strength and the curve below.

    Attributes:
        table: one row per measured strength; empty without a curve.
        picture: the static twin.
    """

    def __init__(
        self,
        change: Change,
        strengths: Sequence[float],
        curve: Curve | None,
        votes: Sequence[float],
        label: str,
        title: str,
    ) -> None:
        self._change = change
        self._curve = {float(strength): list(values) for strength, values in sorted((curve or {}).items())}
        self._votes = list(votes)
        self._label = label
        self._title = title
        self._top = max([*strengths, *self._curve, *votes])
        self.table = pd.DataFrame(
            [(s, len(v), *t_interval(v)) for s, v in self._curve.items()],
            columns=["strength", "seeds", label, "low", "high"],
        )
        columns = {strength: change(strength) for strength in strengths}
        self.picture = _twin(columns, self._curve, self._votes, label, title, self._words())

    def at(self, strength: float) -> Reading:
        """The measured score at the strength nearest to the one asked for.

        Raises:
            FormatError: when no curve was given.
        """
        if not self._curve:
            raise FormatError("No curve was given, so nothing was measured.", "Pass curve= first.")
        nearest = min(self._curve, key=lambda known: abs(known - strength))
        values = self._curve[nearest]
        gap = None
        if 0.0 in self._curve:
            gap = t_interval([a - b for a, b in zip(values, self._curve[0.0], strict=True)])
        return Reading(nearest, self._label, t_interval(values), gap)

    def _words(self) -> str:
        if not self._curve:
            return ""
        return " ".join(self.at(strength).sentence for strength in self._curve)

    def widget(self) -> Any:
        """One slider; images and a sentence follow it. Keyboard: Tab, then arrow keys."""
        import ipywidgets as widgets

        slider = widgets.FloatSlider(
            min(1.0, self._top),
            min=0,
            max=self._top,
            step=0.1,
            description="strength",
            continuous_update=False,
            layout=widgets.Layout(width="30em"),
        )
        view = widgets.HTML()

        def follow(_: Any = None) -> None:
            columns = {slider.value: self._change(slider.value)}
            # Strength 0 stays beside it: a change is judged against the image as it was.
            picture = _twin({0.0: self._change(0.0)} | columns, {}, [], self._label, self._title, "")
            said = self.at(slider.value).sentence if self._curve else ""
            view.value = f"<p>{said}</p>{picture.html}"

        slider.observe(follow, "value")
        follow()
        return widgets.VBox([slider, view])


def explore_strength(
    change: Change,
    *,
    strengths: Sequence[float] | None = None,
    curve: Curve | None = None,
    vote: float | Sequence[float] | None = None,
    label: str = "test AUC",
    title: str = "",
) -> StrengthExplorer:
    """Images at rising strength; with a curve, what each strength did to the score.

    Args:
        change: from a strength to the same N pictures at that strength.
        strengths: columns of the static picture; by default those of the curve, or 0 to 3.
        curve: strength to the scores of all seeds, in one order of the seeds.
        vote: the strength up to which the reader would sign the report; or one vote per reader.
        label: name of the score.
        title: of the figure; name the data set and the network.

    Raises:
        FormatError: a curve without points, or with another number of seeds at one strength.
    """
    if curve is not None and len({len(values) for values in curve.values()} - {0}) != 1:
        raise FormatError(
            f"The curve has {[len(values) for values in curve.values()]} seeds.",
            "Give the same seeds, at least one, for every strength.",
        )
    votes = [] if vote is None else [float(v) for v in np.atleast_1d(np.asarray(vote, dtype=float))]
    if strengths is None:
        known = sorted(float(strength) for strength in curve or SHOWN)
        few = np.unique(np.linspace(0, len(known) - 1, min(MOST_COLUMNS, len(known))).round().astype(int))
        strengths = [known[index] for index in few]
    return StrengthExplorer(change, list(strengths), curve, votes, label, title)


@styled
def _twin(
    columns: Mapping[float, Sequence[np.ndarray] | np.ndarray],
    curve: Curve,
    votes: Sequence[float],
    label: str,
    title: str,
    words: str,
) -> Picture:
    """One column of images per strength; the curve in a panel below them."""
    rows = max(len(found) for found in columns.values())
    side = min(2.2, 10 / len(columns))
    below = 2.7 if curve else 0.0
    figure = new_figure(max(WIDTH if curve else 4.6, side * len(columns)), rows * side + 0.9 + below)
    top, *rest = figure.subfigures(
        2 if curve else 1, 1, squeeze=False, height_ratios=[rows * side + 0.5, below][: 1 + bool(curve)]
    )[:, 0]
    grid = top.subplots(rows, len(columns), squeeze=False)
    for index, (strength, found) in enumerate(columns.items()):
        for row in range(rows):
            axes = grid[row, index]
            axes.set(xticks=[], yticks=[])
            pixels = np.asarray(found[row])
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        grid[0, index].set_title(f"strength {strength:g}", fontsize=10)
    if rest:
        _curve(rest[0].subplots(), curve, votes, label)
    figure.suptitle(title)
    seeds = len(next(iter(curve.values()))) if curve else 0
    note = f"{rows} image{'s' if rows > 1 else ''}, the same random draws at every strength"
    note += f". Curve: mean over {seeds} seeds, bars 95 % t interval" if seeds > 1 else ""
    caption(figure, note)
    said = f"{rows} images at strengths {', '.join(f'{strength:g}' for strength in columns)}"
    voted = f"Votes: {', '.join(f'{vote:g}' for vote in votes)}" if votes else ""
    return Picture(figure, sentences(title, said, words, voted, note))


def _curve(axes: Axes, curve: Curve, votes: Sequence[float], label: str) -> None:
    places = np.array(list(curve))
    mean, low, high = np.array([t_interval(values) for values in curve.values()]).T
    if np.isfinite(low).all():
        axes.vlines(places, low, high, color=BLUE, linewidth=2)
    axes.plot(places, mean, "o-", color=BLUE, label=label)
    for strength, values in curve.items():
        axes.plot(np.full(len(values), strength), values, "o", color=GREY, markersize=2.5, alpha=0.5)
    for index, vote in enumerate(votes):
        name = "your vote" if len(votes) == 1 else "votes"
        axes.axvline(vote, color=ORANGE, linewidth=2, linestyle="--", label=name if index == 0 else None)
    axes.set(xlabel="strength (1 = the limits as set)", ylabel=label)
    axes.grid(axis="y")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
