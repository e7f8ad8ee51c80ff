"""From the state of one node to the weights of its layer."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from teachkit.plots.neural_graphs import SIGNED
from teachkit.plots.picture import (
    BLUE,
    GREY,
    VERMILION,
    Picture,
    caption,
    new_figure,
    sentences,
    styled,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decoding:
    """The steps as arrays.

    Attributes:
        state: of the node [dim].
        places: length of the vector at each place of the map [S, S].
        weights: what the layer gets [channels out, channels in, height, width].
        block: channels out and in that are calculated; the rest are copies.
        used: height and width of the middle of the map that is taken.
        factor: what the numbers were multiplied with in the end.
    """

    state: Floats
    places: Floats
    weights: Floats
    block: tuple[int, int]
    used: tuple[int, int]
    factor: float

    @property
    def copies(self) -> tuple[int, int]:
        """How often the block stands there, along channels out and in; the last copies may be cut."""
        rows, columns = self.weights.shape[:2]
        return -(-rows // self.block[0]), -(-columns // self.block[1])


@styled
def decoding(steps: Decoding, *, title: str = "") -> Picture:
    """Five steps: state, map of places, block of channels, all channels with their copies, and their size."""
    figure = new_figure(9.8, 6.9)
    grid = figure.add_gridspec(2, 6)
    _state(figure.add_subplot(grid[0, :2]), steps)
    _map(figure.add_subplot(grid[0, 2:4]), steps)
    _block(figure.add_subplot(grid[0, 4:]), steps)
    _whole(figure.add_subplot(grid[1, :3]), steps)
    said = _sizes(figure.add_subplot(grid[1, 3:]), steps)
    figure.suptitle(title)
    rows, columns = steps.weights.shape[:2]
    height, width = steps.weights.shape[2:]
    distinct = len(np.unique(steps.weights.astype(np.float32)))
    note = (
        f"{rows} × {columns} × {height} × {width} = {steps.weights.size:,} weights, {distinct:,} different. "
        "Steps 3 and 4 show the middle of the kernel; blue below 0, red above."
    )
    caption(figure, note)
    middle = (
        f"The middle {steps.used[0]} × {steps.used[1]} of {len(steps.places)} × {len(steps.places)} places"
    )
    return Picture(
        figure,
        sentences(
            title,
            f"State of {len(steps.state)} numbers",
            f"{middle} are used",
            f"Block of {steps.block[0]} × {steps.block[1]} channels",
            _copied(steps),
            said,
            note,
        ),
    )


def _copied(steps: Decoding) -> str:
    out, into = steps.copies
    return "Nothing is copied" if (out, into) == (1, 1) else f"The block stands there {out} × {into} times"


def _state(axes: Axes, steps: Decoding) -> None:
    axes.bar(np.arange(len(steps.state)), steps.state, color=np.where(steps.state < 0, BLUE, VERMILION))
    axes.axhline(0, color=GREY, lw=0.8)
    axes.set(title=f"1. state of the node: {len(steps.state)} numbers", xticks=[], ylabel="value")


def _map(axes: Axes, steps: Decoding) -> None:
    shown = axes.imshow(steps.places, cmap="Blues", vmin=0, interpolation="nearest")
    edge, (height, width) = len(steps.places), steps.used
    above, left = (edge - height) // 2, (edge - width) // 2
    frame = Rectangle((left - 0.5, above - 0.5), width, height, fill=False, ec=VERMILION, lw=2.2)
    axes.add_patch(frame)
    axes.set(title=f"2. map of {edge} × {edge} places", xticks=[], yticks=[])
    axes.set_xlabel(f"framed: the {height} × {width} that are used")
    axes.figure.colorbar(shown, ax=axes, shrink=0.75, label="length of the vector")


def _block(axes: Axes, steps: Decoding) -> None:
    rows, columns = steps.block
    _matrix(axes, _middle(steps)[:rows, :columns], steps)
    axes.set(title=f"3. block of {rows} × {columns} channels", xlabel="channel in", ylabel="channel out")


def _whole(axes: Axes, steps: Decoding) -> None:
    rows, columns = steps.weights.shape[:2]
    _matrix(axes, _middle(steps), steps)
    for line in range(steps.block[0], rows, steps.block[0]):
        axes.axhline(line - 0.5, color="black", lw=0.7)
    for line in range(steps.block[1], columns, steps.block[1]):
        axes.axvline(line - 0.5, color="black", lw=0.7)
    copies = "nothing is copied"
    if steps.copies != (1, 1):
        copies = f"{steps.copies[0]} × {steps.copies[1]} copies"
        high, wide = steps.block
        axes.add_patch(Rectangle((-0.5, -0.5), wide, high, fill=False, ec=VERMILION, lw=2.2, clip_on=False))
    axes.set(title=f"4. all {rows} × {columns} channels: {copies}", xlabel="channel in", ylabel="channel out")


def _middle(steps: Decoding) -> Floats:
    """Weights of all channels at the place in the middle of the kernel."""
    height, width = steps.weights.shape[2:]
    return steps.weights[:, :, height // 2, width // 2]


def _matrix(axes: Axes, values: Floats, steps: Decoding) -> None:
    most = float(np.quantile(np.abs(_middle(steps)), 0.99)) or 1.0
    axes.imshow(values, cmap=SIGNED, vmin=-most, vmax=most, aspect="equal")
    axes.spines[:].set_visible(True)


def _sizes(axes: Axes, steps: Decoding) -> str:
    """Sizes of the numbers before and after the last multiplication, on a logarithmic axis."""
    after = np.abs(steps.weights[: steps.block[0], : steps.block[1]]).ravel()
    after = after[after > 0]  # zero has no place on a logarithmic axis
    before = after / steps.factor
    both = np.log10([*after, *before, steps.factor])
    bins = np.logspace(max(both.min(), both.max() - 5), both.max() + 1e-6, 60)
    fan_in = steps.weights[0].size
    for values, colour, name in (
        (before, GREY, "before"),
        (after, BLUE, f"times √(2 / {fan_in:,})" if _halved(steps) else f"times √(1 / {fan_in:,})"),
    ):
        axes.hist(values, list(bins), color=colour, alpha=0.55, label=name)
    spread = float(steps.weights.std())
    top, lines = 0.58, {"lw": 1.8}  # the key stands above
    axes.axvline(spread, ymax=top, color="black", label="their standard deviation", **lines)
    axes.axvline(steps.factor, ymax=top, color=VERMILION, ls="--", label="that of Kaiming's numbers", **lines)
    axes.set(xscale="log", yticks=[], xlabel="size of a number", title="5. size of the numbers")
    axes.spines["left"].set_visible(False)
    axes.legend(loc="upper left", fontsize=9.5)
    axes.set_ylim(top=axes.get_ylim()[1] * 1.7)
    return (
        f"Spread {spread:.2g} after the last multiplication with {steps.factor:.2g}, the spread of Kaiming's "
        f"numbers: {spread / steps.factor:.2f} of it"
    )


def _halved(steps: Decoding) -> bool:
    """Whether a ReLU is expected, which halves the power of a signal."""
    return abs(steps.factor**2 * steps.weights[0].size - 2) < 1e-6
