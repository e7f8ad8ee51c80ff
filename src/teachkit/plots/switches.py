"""One network, several domains, and a switch: by whose statistics does it normalise?"""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from teachkit.errors import FormatError, UnknownNameError, nearest
from teachkit.plots.explorers import Explorer
from teachkit.plots.picture import COLOURS, GREY, MARKERS, Picture, caption, new_figure, sentences, styled

WORDS = {"everyone": "of everyone", "domain": "of its domain", "batch": "of this batch"}
Clouds = Mapping[str, Mapping[str, np.ndarray]]
Scores = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Position:
    """What was measured with the switch in one position.

    Attributes:
        statistics: "everyone", "domain" or "batch".
        scores: by domain.
        label: name of the score.
    """

    statistics: str
    scores: Mapping[str, float]
    label: str

    @property
    def mean(self) -> float:
        """Over the domains, each of which counts alike."""
        return float(np.mean(list(self.scores.values())))

    @property
    def sentence(self) -> str:
        """All of it in words."""
        each = ", ".join(f"{name} {value:.3f}" for name, value in self.scores.items())
        return f"Statistics {WORDS[self.statistics]}: mean {self.label} {self.mean:.3f} ({each})."


class StatisticsSwitch(Explorer):
    """A selector where a reader can move it, and always all positions side by side.

    Attributes:
        table: a row for each position, a column for each domain, and their mean.
        picture: the static twin.
    """

    def __init__(self, clouds: Clouds, scores: Scores, label: str, title: str) -> None:
        self._clouds, self._scores, self._label, self._title = clouds, scores, label, title
        self.table = pd.DataFrame(scores).T.assign(mean=lambda table: table.mean(axis=1))
        self.picture = _drawn(clouds, scores, list(scores), label, title)

    def at(self, statistics: str) -> Position:
        """What was measured in one position.

        Raises:
            UnknownNameError: when it was not.
        """
        if statistics not in self._scores:
            raise UnknownNameError(
                f"No statistics '{statistics}'.",
                nearest(statistics, self._scores, "positions"),
                name=statistics,
            )
        return Position(statistics, dict(self._scores[statistics]), self._label)

    def widget(self) -> Any:
        """One row of buttons; the clouds and a sentence follow them. Keyboard: Tab, then arrow keys."""
        import ipywidgets as widgets

        buttons = widgets.ToggleButtons(
            options=[(WORDS[name], name) for name in self._scores], description="statistics"
        )
        view = widgets.HTML()

        def follow(_: Any = None) -> None:
            picture = _drawn(self._clouds, self._scores, [buttons.value], self._label, self._title)
            view.value = f"<p>{self.at(buttons.value).sentence}</p>{picture.html}"

        buttons.observe(follow, "value")
        follow()
        return widgets.VBox([buttons, view])


def explore_statistics(
    clouds: Clouds, scores: Scores, *, label: str = "test AUC", title: str = ""
) -> StatisticsSwitch:
    """What one network says of several domains, by the statistics of everyone, of the domain, of the batch.

    Args:
        clouds: position of the switch to domain to points [N, 2], all on one pair of axes.
        scores: position of the switch to domain to score.
        label: name of the score.
        title: of the figure; name the network.

    Raises:
        FormatError: when positions or domains differ between the two.
    """
    if not scores or list(clouds) != list(scores) or len({tuple(found) for found in scores.values()}) != 1:
        raise FormatError(
            f"Clouds of {list(clouds)} meet scores of {list(scores)}.",
            "Give the same domains for every position of the switch.",
        )
    return StatisticsSwitch(clouds, scores, label, title)


@styled
def _drawn(clouds: Clouds, scores: Scores, shown: list[str], label: str, title: str) -> Picture:
    """A panel of points for each position in `shown`; to their right the scores of all positions."""
    figure = new_figure(2.7 * len(shown) + 5.0, 3.9)
    *panels, last = figure.subplots(1, len(shown) + 1, width_ratios=[1] * len(shown) + [1.15])
    every = np.concatenate([points for position in clouds.values() for points in position.values()])
    low, high = np.percentile(every, [0.5, 99.5], axis=0)
    room = 0.05 * (high - low)
    outside = int(((every < low - room) | (every > high + room)).any(axis=1).sum())
    said = []
    for axes, position in zip(panels, shown, strict=True):
        _cloud(axes, clouds[position])
        axes.set_xlim(low[0] - room[0], high[0] + room[0])
        axes.set_ylim(low[1] - room[1], high[1] + room[1])
        mean = float(np.mean(list(scores[position].values())))
        axes.set_title(f"statistics {WORDS[position]}\nmean {label} {mean:.3f}", fontsize=10.5)
        axes.set_xlabel("first component")
        said.append(Position(position, scores[position], label).sentence)
    panels[0].set_ylabel("second component")
    _marks(last, scores, label)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", markerscale=1.8)
    figure.suptitle(title)
    rows = {name: len(points) for name, points in next(iter(clouds.values())).items()}
    note = f"Each dot is an image: {', '.join(f'{name} {count}' for name, count in rows.items())}"
    note += ". Same weights and same two axes everywhere"
    note += f"; {outside} of {len(every)} dots lie outside" if outside else ""
    caption(figure, fill(note, round(12 * figure.get_figwidth())))
    return Picture(figure, sentences(title, "Features of each domain as points", *said, note))


def _cloud(axes: Axes, points: Mapping[str, np.ndarray]) -> None:
    for index, (name, found) in enumerate(points.items()):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        axes.plot(*found.T, marker, color=colour, markersize=3.2, markeredgewidth=0, alpha=0.55, label=name)
    axes.set(xticks=[], yticks=[])


def _marks(axes: Axes, scores: Scores, label: str) -> None:
    """One column of marks for each position of the switch, one line for each domain."""
    for index, name in enumerate(next(iter(scores.values()))):
        values = [found[name] for found in scores.values()]
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        axes.plot(range(len(values)), values, marker=marker, color=colour, markersize=5, linewidth=1)
    axes.set_xticks(range(len(scores)), list(scores))
    axes.set_xlim(-0.3, len(scores) - 0.7)
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    axes.grid(axis="y")
    axes.set_ylabel(label)
    axes.set_title("score by statistics", fontsize=10.5)
