"""One number against others: a small cloud of points for each column."""

from collections.abc import Mapping, Sequence

import numpy as np

from teachkit.errors import FormatError
from teachkit.metrics.arrays import finite, same_length
from teachkit.plots.picture import BLUE, Picture, caption, new_figure, sentences, styled


@styled
def clouds(
    columns: Mapping[str, Sequence[float] | np.ndarray],
    target: Sequence[float] | np.ndarray,
    *,
    label: str,
    title: str = "",
) -> Picture:
    """The target against each column, side by side, with Pearson's correlation.

    Args:
        columns: name to ``[N]`` numbers.
        target: ``[N]``, on the shared vertical axis.
        label: of the vertical axis, with the unit.
        title: of the figure.

    Raises:
        FormatError: no column, columns of another length, or numbers that are not finite.
    """
    if not columns:
        raise FormatError("There is no column to draw.", "Name at least one.")
    y = finite(target, "target").reshape(-1)
    figure = new_figure(min(2.6 * len(columns) + 0.6, 11), 3.4)
    panels = np.atleast_1d(figure.subplots(1, len(columns), sharey=True))
    words = []
    for axes, (name, values) in zip(panels, columns.items(), strict=True):
        x = finite(values, name).reshape(-1)
        same_length(x, y, f"'{name}' and the target")
        varies = np.ptp(x) > 0 and np.ptp(y) > 0
        r = float(np.corrcoef(x, y)[0, 1]) if varies else float("nan")
        axes.plot(x, y, "o", color=BLUE, markersize=3, markeredgewidth=0, alpha=0.45)
        axes.set_xlabel(name)
        axes.set_title(f"r = {r:.3f}")
        words.append(f"{name} {r:.3f}")
    panels[0].set_ylabel(label)
    figure.suptitle(title)
    caption(figure, f"Each dot is one of {len(y)} rows; r: Pearson's correlation")
    return Picture(
        figure,
        sentences(title, f"{label} against columns, {len(y)} rows", f"Correlations: {', '.join(words)}"),
    )
