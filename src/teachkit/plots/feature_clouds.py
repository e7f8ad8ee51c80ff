"""What a network says of each picture, as dots in a plane."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachkit.errors import FormatError
from teachkit.plots.picture import COLOURS, MARKERS, Picture, caption, new_figure, sentences, styled

ACROSS = 3

Points = NDArray[np.floating[Any]]


@styled
def feature_clouds(panels: Mapping[str, Mapping[str, Points]], *, title: str = "", note: str = "") -> Picture:
    """Panels of dots, each with its groups in colours and shapes of their own.

    Args:
        panels: heading of a panel to group to points [N, 2]; each panel has axes of its own.
        title: of the figure.
        note: the caption.

    Raises:
        FormatError: when there is nothing to draw.
    """
    if not panels or not all(panels.values()):
        raise FormatError("There are no dots to draw.", "Give at least one group of points.")
    across = min(ACROSS, len(panels))
    rows = -(-len(panels) // across)
    figure = new_figure(max(3.7 * across, 7), rows * 3.9 + 0.6)
    grid = figure.subplots(rows, across, squeeze=False)
    said = []
    for axes, (heading, groups) in zip(grid.flat, panels.items(), strict=False):
        for place, (name, points) in enumerate(groups.items()):
            colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place // len(COLOURS) % len(MARKERS)]
            marker = MARKERS[place % len(MARKERS)] if len(groups) <= len(COLOURS) else marker
            axes.plot(
                *points.T, marker, color=colour, markersize=4, markeredgewidth=0, alpha=0.55,
                label=f"{name} ({len(points)})",
            )  # fmt: skip
        axes.set(xticks=[], yticks=[], xlabel="first component", ylabel="second component")
        axes.set_title(heading.replace("; ", "\n"), fontsize=10.5)
        columns = 1 if len(groups) <= 3 else 2
        beside = len(panels) == 1
        axes.legend(
            loc="center left" if beside else "upper center",
            bbox_to_anchor=(1.02, 0.5) if beside else (0.5, -0.1),
            ncols=1 if beside else columns, fontsize=8.5, handletextpad=0.2, columnspacing=0.8,
        )  # fmt: skip
        counts = ", ".join(f"{name} {len(points)}" for name, points in groups.items())
        said.append(f"{heading}: {counts} images")
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    figure.suptitle(title)
    caption(figure, note)
    return Picture(figure, sentences(title, "Features as dots", *said, note))
