"""Change a true mask in four ways and watch which score notices."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike, NDArray

from teachkit.errors import FormatError, SettingsError
from teachkit.metrics import boundary_f, dice, iou, object_scores
from teachkit.plots.explorers import Explorer
from teachkit.plots.mask_edits import grown, merged, neighbours, shifted, without_smallest
from teachkit.plots.picture import (
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    Picture,
    caption,
    new_figure,
    sentences,
    styled,
)

TOLERANCE = 2
_SCORES = {
    "pixel_accuracy": "pixel accuracy",
    "dice": "Dice",
    "iou": "IoU",
    "boundary_f": "boundary F",
    "object_f1": "object F1",
}
_LIGHT = "#D0D0D0"


@dataclass(frozen=True)
class Cheat:
    """An edited mask and what each score says of it; the true mask itself scores 1 everywhere.

    Dice, IoU and boundary F are those of the class "object"; boundary F allows 2 pixels. An object of the
    truth is missed when no object of the edited mask overlaps it by an intersection over union above 0.5.
    `merge` is the number of pairs that were near enough to be joined.
    """

    grow: int
    shift: int
    merge: int
    drop: float
    pixel_accuracy: float
    dice: float
    iou: float
    boundary_f: float
    objects: int
    truth_objects: int
    missed: int
    object_f1: float
    mask: NDArray[np.int64] = field(repr=False, compare=False)
    joined: tuple[int, ...] = field(default=(), repr=False)  # numbers in `mask` of objects made of several

    @property
    def name(self) -> str:
        """The edit in a few words."""
        done = [
            f"{'grown' if self.grow > 0 else 'shrunk'} by {abs(self.grow)} px" if self.grow else "",
            f"shifted by {abs(self.shift)} px" if self.shift else "",
            f"{self.merge} {'pair' if self.merge == 1 else 'pairs'} merged" if self.merge else "",
            f"smallest {self.drop:.0%} deleted" if self.drop else "",
        ]
        return ", ".join(filter(None, done)) or "the true mask"

    @property
    def sentence(self) -> str:
        """All of it in words."""
        return (
            f"{self.name[0].upper()}{self.name[1:]}: pixel accuracy {self.pixel_accuracy:.3f}, Dice "
            f"{self.dice:.3f}, IoU {self.iou:.3f}, boundary F {self.boundary_f:.3f}; {self.objects} objects "
            f"instead of {self.truth_objects}, {self.missed} missed."
        )


class MetricCheat(Explorer):
    """Four sliders where a reader can move them, and always the same numbers as small pictures and a table.

    Attributes:
        table: one row for each edit of the picture.
        picture: the static twin.
    """

    def __init__(self, truth: NDArray[np.int64], edits: Sequence[dict[str, float]], title: str) -> None:
        self._truth = truth
        self._gaps = neighbours(truth)
        self._count = len(np.unique(truth[truth > 0]))
        self._title = title
        shown = [self.at(**edit) for edit in edits]  # type: ignore[arg-type]
        self.picture = _twin(shown, truth, title)
        self.table = pd.DataFrame(
            [
                {"edit": c.name} | {k: v for k, v in vars(c).items() if k not in ("mask", "joined")}
                for c in shown
            ]
        )

    def at(self, grow: int = 0, shift: int = 0, merge: int = 0, drop: float = 0) -> Cheat:
        """The scores after these edits, made in the order drop, merge, grow, shift.

        Args:
            grow: pixels added around every object; taken off where negative.
            shift: pixels to the right.
            merge: how often the two closest objects are joined; beyond 20 pixels nothing is joined.
            drop: share of the objects that is deleted, the smallest first.

        Raises:
            SettingsError: a share outside 0..1, or a negative number of pairs.
        """
        if not 0 <= drop <= 1 or merge < 0:
            raise SettingsError(
                f"drop={drop} and merge={merge} are not possible.",
                "drop is a share from 0 to 1, merge a number of pairs.",
                drop=drop,
                merge=merge,
            )
        kept = without_smallest(self._truth, drop)
        joined = merged(kept, merge, self._gaps)
        mask = shifted(grown(joined, grow), shift)
        truth, edited = (self._truth > 0).astype(int), (mask > 0).astype(int)
        objects = object_scores(self._truth, mask)
        return Cheat(
            grow,
            shift,
            len(np.unique(kept)) - len(np.unique(joined)),
            drop,
            float(np.mean(truth == edited)),
            float(dice(truth, edited, 2)[1]),
            float(iou(truth, edited, 2)[1]),
            float(boundary_f(truth, edited, 2, tolerance=TOLERANCE)[1]),
            objects.predicted,
            objects.true,
            objects.missed,
            objects.f1,
            mask,
            tuple(number for number in np.unique(joined) if len(np.unique(kept[joined == number])) > 1),
        )

    def widget(self) -> Any:
        """Four sliders, one picture and one sentence that follow them; keyboard: Tab, then arrow keys."""
        import ipywidgets as widgets

        wide = {"layout": widgets.Layout(width="30em"), "style": {"description_width": "11em"}}
        steady = {"continuous_update": False, **wide}
        sliders = {
            "grow": widgets.IntSlider(0, min=-5, max=5, description="grow / shrink (px)", **steady),
            "shift": widgets.IntSlider(0, min=0, max=10, description="shift (px)", **steady),
            "merge": widgets.IntSlider(
                0, min=0, max=max(1, self._count - 1), description="merge pairs", **steady
            ),
            "drop": widgets.FloatSlider(
                0, min=0, max=1, step=0.05, description="delete smallest", readout_format=".0%", **steady
            ),
        }
        view = widgets.HTML()

        def follow(_: Any = None) -> None:
            cheat = self.at(**{name: slider.value for name, slider in sliders.items()})
            view.value = f"<p>{cheat.sentence}</p>{_twin([cheat], self._truth, self._title).html}"

        for slider in sliders.values():
            slider.observe(follow, "value")
        follow()
        return widgets.VBox([*sliders.values(), view])


def cheat_the_metric(
    instances: ArrayLike,
    *,
    edits: Sequence[dict[str, float]] = ({"grow": 2}, {"shift": 2}, {"merge": 5}, {"drop": 0.5}),
    title: str = "",
) -> MetricCheat:
    """Edit a true mask and watch pixel accuracy, Dice, IoU, boundary F and the number of objects.

    Args:
        instances: the true mask ``[H, W]``, 0 for background and a number for each object.
        edits: what the static picture shows, each as arguments of `MetricCheat.at`.
        title: of the figure; name the data set and the picture.

    Raises:
        FormatError: not one mask, or a mask without objects.
    """
    truth = np.asarray(instances).astype(np.int64)
    if truth.ndim != 2 or not truth.any():
        raise FormatError(
            f"A mask of shape {list(truth.shape)}{'' if truth.any() else ' without objects'} is no use here.",
            "Pass one instance mask [H, W] that holds at least one object.",
            shape=truth.shape,
        )
    return MetricCheat(truth, edits, title)


@styled
def _twin(cheats: Sequence[Cheat], truth: NDArray[np.int64], title: str) -> Picture:
    """One column per edit: the mask with what was added and lost above, its scores below."""
    columns = len(cheats)
    height = 3.1 * min(1.4, truth.shape[0] / truth.shape[1])
    figure = new_figure(max(5.2, 2.9 * columns), height + 3.1)
    grid = figure.subplots(2, columns, squeeze=False, height_ratios=(height, 1.9))
    for index, cheat in enumerate(cheats):
        top = grid[0, index]
        top.imshow(_painted(truth, cheat), interpolation="nearest")
        top.set(xticks=[], yticks=[])
        top.spines[:].set_visible(True)
        words = cheat.name.replace(", ", "\n")
        top.set_title(f"{words}\n{cheat.objects} of {cheat.truth_objects} objects, {cheat.missed} missed")
        _bars(grid[1, index], cheat)
        if index:
            grid[1, index].set_yticklabels([])
    figure.suptitle(title)
    colours = "Grey: in both masks. Blue: added. Orange: lost. Purple: merged."
    rules = f"Boundary F allows {TOLERANCE} px. Missed: IoU not above 0.5"
    caption(figure, f"{colours}{' ' if columns > 2 else chr(10)}{rules}")
    return Picture(figure, sentences(title, *(cheat.sentence for cheat in cheats)))


def _painted(truth: NDArray[np.int64], cheat: Cheat) -> NDArray[np.float64]:
    """[H, W, 3]: agreement grey (purple where objects were merged), additions blue, losses orange."""
    mask, picture = cheat.mask, np.ones((*truth.shape, 3))
    picture[(truth > 0) & (mask > 0)] = to_rgb(_LIGHT)
    picture[(truth > 0) & np.isin(mask, cheat.joined)] = to_rgb(PURPLE)
    picture[(truth == 0) & (mask > 0)] = to_rgb(BLUE)
    picture[(truth > 0) & (mask == 0)] = to_rgb(ORANGE)
    outline = np.zeros(mask.shape, bool)
    below, right = mask[:-1] != mask[1:], mask[:, :-1] != mask[:, 1:]
    outline[:-1] |= below
    outline[1:] |= below
    outline[:, :-1] |= right
    outline[:, 1:] |= right
    picture[outline & (mask > 0) & (truth > 0)] = to_rgb(GREY)
    return picture


def _bars(axes: Axes, cheat: Cheat) -> None:
    values = [getattr(cheat, name) for name in _SCORES]
    bars = axes.barh(range(len(values)), values, 0.7, color=GREY)
    axes.bar_label(bars, [f"{value:.3f}" for value in values], padding=3, fontsize=9.5)
    axes.set_yticks(range(len(values)), list(_SCORES.values()))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_xlim(0, 1.25)
    axes.set_xticks([0, 0.5, 1])
