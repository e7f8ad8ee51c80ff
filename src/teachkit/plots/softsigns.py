"""The scaled softsign f_s(theta w + delta): what it does to a weight once, and again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from teachkit.errors import FormatError, SettingsError
from teachkit.plots.explorers import Explorer
from teachkit.plots.picture import (
    COLOURS,
    GREY,
    MARKERS,
    ORANGE,
    Picture,
    caption,
    new_figure,
    sentences,
    styled,
)

Numbers = NDArray[np.float64]

REACH = 2.0  # weights of the axis, from -REACH to REACH
THIRD = 1 / 3
PANELS = (
    ("s: how far a weight can go", [(1.0, 0.0, s) for s in (0.5, 1.0, 2.0)]),
    ("θ: how steep", [(theta, 0.0, 1.0) for theta in (-1.0, 0.5, 3.0)]),
    ("δ: shifted", [(1.0, delta, 1.0) for delta in (-0.5, 0.0, 0.5)]),
)


def softsign(x: ArrayLike, s: float) -> Numbers:
    """f_s(x) = s x / (s + |x|)."""
    numbers = np.asarray(x, dtype=float)
    return s * numbers / (s + np.abs(numbers))


@dataclass(frozen=True)
class Squashed:
    """What one choice of scale, shift and bound does to the weights of a network.

    Attributes:
        theta, delta, s: the choice.
        third: what becomes of a weight of 1/3.
        before, after: mean size of all weights.
        count: how many there are.
    """

    theta: float
    delta: float
    s: float
    third: float
    before: float
    after: float
    count: int

    @property
    def sentence(self) -> str:
        """All of it in words."""
        return (
            f"θ = {self.theta:g}, δ = {self.delta:g}, s = {self.s:g}: a weight of 1/3 becomes "
            f"{self.third:.3f}; the mean size of the {self.count:,} weights goes from {self.before:.4f} to "
            f"{self.after:.4f}."
        )


class SoftsignExplorer(Explorer):
    """Sliders for theta, delta and s where a reader can move them, and always the curves as a picture.

    Attributes:
        table: one row for each curve of the picture.
        picture: the static twin.
    """

    def __init__(self, weights: Numbers, title: str) -> None:
        self._weights = weights
        self._title = title
        chosen = [choice for _, choices in PANELS for choice in choices]
        self.table = pd.DataFrame([vars(self.at(*choice)) for choice in dict.fromkeys(chosen)])
        self.picture = _twin(weights, [self.at(*choice) for choice in chosen], title)

    def at(self, theta: float = 1.0, delta: float = 0.0, s: float = 1.0) -> Squashed:
        """What these numbers do to a weight of 1/3 and to all weights.

        Raises:
            SettingsError: when s is not positive.
        """
        if s <= 0:
            raise SettingsError(f"A bound of {s} is not positive.", "Choose s above 0.", s=s)
        after = softsign(theta * self._weights + delta, s)
        return Squashed(
            theta,
            delta,
            s,
            float(softsign(theta * THIRD + delta, s)),
            float(np.abs(self._weights).mean()),
            float(np.abs(after).mean()),
            len(self._weights),
        )

    def widget(self) -> Any:
        """Three sliders, one picture and one sentence that follow them; keyboard: Tab, then arrow keys."""
        import ipywidgets as widgets

        wide = {
            "layout": widgets.Layout(width="30em"),
            "style": {"description_width": "3em"},
            "continuous_update": False,
        }
        sliders = [
            widgets.FloatSlider(1, min=-2, max=4, step=0.1, description="θ", **wide),
            widgets.FloatSlider(0, min=-1, max=1, step=0.05, description="δ", **wide),
            widgets.FloatLogSlider(1, base=2, min=-2, max=2, step=0.1, description="s", **wide),
        ]
        view = widgets.HTML()

        def follow(_: Any = None) -> None:
            found = self.at(*(slider.value for slider in sliders))
            view.value = f"<p>{found.sentence}</p>{_one(self._weights, found, self._title).html}"

        for slider in sliders:
            slider.observe(follow, "value")
        follow()
        return widgets.VBox([*sliders, view])


def explore_softsign(weights: ArrayLike, *, title: str = "") -> SoftsignExplorer:
    """Curves of f_s(theta w + delta), over the weights of a network.

    Args:
        weights: of all learned edges, any shape.
        title: of the figure; name the networks.

    Raises:
        FormatError: when there is no weight.
    """
    given = np.asarray(weights, dtype=float).reshape(-1)
    if not given.size:
        raise FormatError("There are no weights.", "Give those of at least one network.")
    return SoftsignExplorer(given, title)


@styled
def _twin(weights: Numbers, found: Sequence[Squashed], title: str) -> Picture:
    """One panel each for s, theta and delta, three curves in each."""
    figure = new_figure(10.4, 4.3)
    grid = figure.subplots(1, len(PANELS), sharey=True)
    each = len(found) // len(PANELS)
    for place, (axes, (name, _)) in enumerate(zip(grid, PANELS, strict=True)):
        _plane(axes, weights)
        for number, one in enumerate(found[place * each : (place + 1) * each]):
            number_of = f"{(one.s, one.theta, one.delta)[place]:g}".replace("-", "−")
            _curve(axes, one, f"{'sθδ'[place]} = {number_of}", number)
        axes.set(title=name, xlabel="weight w")
        axes.legend(loc="upper left", borderaxespad=0.2)
    grid[0].set(ylabel="used in place of w")
    figure.suptitle(title)
    caption(
        figure,
        f"f(θ w + δ) with f(x) = s x / (s + |x|); others at θ = 1, δ = 0, s = 1. Dashed: w unchanged. "
        f"Marks: w = 1/3. Grey, below: the {len(weights):,} weights",
    )
    return Picture(figure, sentences(title, *(one.sentence for one in found)))


@styled
def _one(weights: Numbers, found: Squashed, title: str) -> Picture:
    """The curve that the sliders ask for, and the weights before and after."""
    figure = new_figure(8.6, 4.0)
    left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
    _plane(left, weights)
    _curve(left, found, "", 1)
    left.set(xlabel="weight w", ylabel="used in place of w")
    after = softsign(found.theta * weights + found.delta, found.s)
    low, high = np.quantile(np.concatenate((weights, after)), [0.002, 0.998])
    bins = np.linspace(low, max(high, low + 1e-6), 60)
    right.hist(weights, bins, histtype="step", color=GREY, linestyle="--", label="before")
    right.hist(after, bins, histtype="step", color=ORANGE, linewidth=1.6, label="after")
    right.set(xlabel="weight", ylabel="number of edges")
    right.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    figure.suptitle(title)
    return Picture(figure, sentences(title, found.sentence))


def _plane(axes: Axes, weights: Numbers) -> None:
    """The line of unchanged weights, and where the weights of the network lie."""
    counts, edges = np.histogram(weights, np.linspace(-REACH, REACH, 81))
    axes.bar(
        edges[:-1],
        0.9 * counts / max(counts.max(), 1),
        np.diff(edges),
        bottom=-REACH,
        align="edge",
        color="#D9D9D9",
    )
    axes.plot((-REACH, REACH), (-REACH, REACH), "--", color=GREY, linewidth=1)
    axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH))
    axes.grid(True)
    axes.set_axisbelow(True)


def _curve(axes: Axes, found: Squashed, label: str, number: int) -> None:
    places = np.linspace(-REACH, REACH, 301)
    colour = COLOURS[number % len(COLOURS)]
    values = softsign(found.theta * places + found.delta, found.s)
    axes.plot(places, values, color=colour, linewidth=2, label=label)
    axes.plot([THIRD], [found.third], MARKERS[number], color=colour, markersize=6)


@styled
def repeated_softsign(starts: Sequence[float] = (1.0, THIRD, 0.03), steps: int = 100) -> Picture:
    """The softsign with theta = 1, delta = 0 and s = 1 on its own result: 1/|w_n| = 1/|w_0| + n."""
    figure = new_figure(8, 4.2)
    axes = figure.subplots()
    times = np.arange(steps + 1)
    said = []
    for number, start in enumerate(starts):
        values = [float(start)]
        for _ in range(steps):
            values.append(float(softsign(values[-1], 1.0)))
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(times, values, color=colour, linewidth=2, label=f"from {start:.3g}")
        axes.axhline(values[1], color=colour, linestyle=":", linewidth=1.4)
        marks = [t for t in (1, 10, 100) if t <= steps]
        axes.plot(
            marks, [values[t] for t in marks], MARKERS[number], color=colour, markersize=6, linestyle="none"
        )
        reached = ", ".join(f"{values[t]:.4f} after {t}" for t in marks)
        said.append(f"A weight of {start:.3g} is {reached}")
    axes.set_yscale("log")
    axes.set(xlabel="steps of the optimiser", ylabel="weight (logarithmic)")
    axes.grid(True)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(starts), borderaxespad=0.2)
    figure.suptitle("One softsign a step, θ = 1, δ = 0, s = 1: nothing is learned here")
    caption(figure, "Lines: compounding, w ← f(w) at every step; marks at 1, 10, 100. Dotted: fixed, f once")
    return Picture(figure, sentences("The softsign applied to its own result", *said))
