"""Gradient descent on two weights, as a walk on a map."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from teachkit.errors import FormatError
from teachkit.plots.picture import ORANGE, Picture, caption, new_figure, sentences, styled


@styled
def descent(
    path: Sequence[Sequence[float]] | np.ndarray,
    loss: Callable[[np.ndarray, np.ndarray], np.ndarray],
    *,
    names: tuple[str, str] = ("weight 1", "weight 2"),
    title: str = "",
) -> Picture:
    """The path of two weights over the landscape of a loss.

    Args:
        path: weights before the first and after each step [steps + 1, 2].
        loss: called with two arrays of equal shape; gives the loss at every pair.
        names: of the two weights.
        title: of the whole figure.

    Raises:
        FormatError: a path of another shape, or with numbers that are not finite.
    """
    walk = np.asarray(path, dtype=float)
    if walk.ndim != 2 or walk.shape[1] != 2 or not np.isfinite(walk).all():
        raise FormatError(
            f"A path of shape {walk.shape} cannot be drawn on two weights.",
            "Give finite pairs [steps + 1, 2]; take a smaller step if the weights ran away.",
            shape=walk.shape,
        )
    centre, reach = (walk.max(0) + walk.min(0)) / 2, max(np.ptp(walk, axis=0).max() * 0.75, 1e-3)
    first, second = np.meshgrid(*(np.linspace(c - reach, c + reach, 121) for c in centre))
    height = np.asarray(loss(first, second), dtype=float)
    along = np.asarray(loss(walk[:, 0], walk[:, 1]), dtype=float)
    figure = new_figure(10, 4.4)
    line: dict[str, Any] = {"color": ORANGE, "markersize": 4.5, "markeredgecolor": "black"}
    chart, curve = figure.subplots(1, 2, width_ratios=(1.25, 1))
    shading = chart.contourf(first, second, height, levels=18, cmap="Blues_r")
    chart.contour(first, second, height, levels=18, colors="white", linewidths=0.4)
    chart.plot(*walk.T, "-o", **line)
    for point, word in ((walk[0], "start"), (walk[-1], "end")):
        chart.annotate(
            word,
            point,
            xytext=(9, 9),
            textcoords="offset points",
            fontsize=10,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.85},
        )
    chart.set(xlabel=names[0], ylabel=names[1])
    figure.colorbar(shading, ax=chart, label="loss (dark is low)")
    curve.plot(
        np.arange(len(along)),
        along,
        "-o",
        color=ORANGE,
        markersize=4.5,
        markeredgecolor="black",
        markeredgewidth=0.5,
    )
    curve.set(xlabel="step", ylabel="loss", ylim=(min(0, float(along.min())), None))
    figure.suptitle(title)
    steps = len(walk) - 1
    caption(figure, f"{steps} steps; loss {along[0]:.3f} before, {along[-1]:.3f} after")
    start, end = ("(" + ", ".join(f"{v:.2f}" for v in point) + ")" for point in (walk[0], walk[-1]))
    words = (
        f"Map of the loss over {names[0]} and {names[1]}; {steps} steps of gradient descent lead from "
        f"{start} to {end}. The loss goes from {along[0]:.3f} to {along[-1]:.3f}"
    )
    return Picture(figure, sentences(title, words))
