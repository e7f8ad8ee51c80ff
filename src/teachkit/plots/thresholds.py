"""What a threshold costs: missed cases and false alarms at a prevalence the reader sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from teachkit.errors import FormatError, SettingsError
from teachkit.metrics import confusion_matrix, sensitivity, specificity
from teachkit.plots.decisions import draw_matrix
from teachkit.plots.explorers import Explorer
from teachkit.plots.picture import BLUE, ORANGE, Picture, caption, new_figure, sentences, styled

PATIENTS = 1000


@dataclass(frozen=True)
class Decision:
    """One threshold at one prevalence.

    Sensitivity and specificity come from the test set and do not depend on prevalence. `missed` and
    `false_alarms` are expected numbers among 1,000 patients of whom the share `prevalence` is ill.
    """

    threshold: float
    prevalence: float
    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int
    sensitivity: float
    specificity: float

    @property
    def missed(self) -> float:
        """Ill patients among 1,000 whom the model calls healthy."""
        return PATIENTS * self.prevalence * (1 - self.sensitivity)

    @property
    def false_alarms(self) -> float:
        """Healthy patients among 1,000 whom the model calls ill."""
        return PATIENTS * (1 - self.prevalence) * (1 - self.specificity)

    @property
    def sentence(self) -> str:
        """All of it in words."""
        return (
            f"Threshold {self.threshold:.2f}: sensitivity {self.sensitivity:.3f}, specificity "
            f"{self.specificity:.3f}. Of 1,000 patients at prevalence {self.prevalence:.1%}, "
            f"{self.missed:.0f} missed cases and {self.false_alarms:.0f} false alarms."
        )


class ThresholdExplorer(Explorer):
    """Sliders where a reader can move them, and always the same numbers as small pictures and as a table.

    Attributes:
        table: one row for each threshold and prevalence of the picture.
        picture: the static twin.
    """

    def __init__(
        self,
        labels: np.ndarray,
        probabilities: np.ndarray,
        classes: tuple[str, str],
        thresholds: tuple[float, ...],
        prevalences: tuple[float, ...],
        chosen: float,
        title: str,
    ) -> None:
        self._labels = labels  # 1 positive, 0 negative
        self._probabilities = probabilities
        self._classes = classes
        self._chosen = chosen
        self._title = title
        decisions = [[self.at(t, p) for p in prevalences] for t in thresholds]
        self.picture = _twin(decisions, classes, len(labels), title)
        self.table = pd.DataFrame(
            [
                vars(d) | {"missed_per_1000": d.missed, "false_alarms_per_1000": d.false_alarms}
                for row in decisions
                for d in row
            ]
        )

    def at(self, threshold: float, prevalence: float | None = None) -> Decision:
        """The numbers at one threshold; without `prevalence`, at that of the test set."""
        ill = float(self._labels.mean()) if prevalence is None else prevalence
        (tn, fp), (fn, tp) = confusion_matrix(self._labels, (self._probabilities > threshold).astype(int), 2)
        return Decision(
            threshold,
            ill,
            int(tp),
            int(fn),
            int(fp),
            int(tn),
            sensitivity(self._labels, self._probabilities, threshold),
            specificity(self._labels, self._probabilities, threshold),
        )

    def widget(self) -> Any:
        """Two sliders, one picture and one sentence that follow them; keyboard: Tab, then arrow keys."""
        import ipywidgets as widgets

        wide = {"layout": widgets.Layout(width="30em"), "style": {"description_width": "8em"}}
        threshold = widgets.FloatSlider(
            0.5, min=0, max=1, step=0.01, description="threshold", continuous_update=False, **wide
        )
        prevalence = widgets.FloatLogSlider(
            self._chosen,
            base=10,
            min=-3,
            max=float(np.log10(0.9)),
            step=0.02,
            description="prevalence",
            readout_format=".1%",
            continuous_update=False,
            **wide,
        )
        view = widgets.HTML()

        def follow(_: Any = None) -> None:
            decision = self.at(threshold.value, prevalence.value)
            picture = _twin([[decision]], self._classes, len(self._labels), self._title)
            view.value = f"<p>{decision.sentence}</p>{picture.html}"

        threshold.observe(follow, "value")
        prevalence.observe(follow, "value")
        follow()
        return widgets.VBox([threshold, prevalence, view])


def explore_threshold(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    positive: int = 1,
    prevalence: float | None = None,
    thresholds: Sequence[float] = (0.2, 0.5, 0.8),
    prevalences: Sequence[float] = (0.02, 0.1, 0.5),
    classes: Sequence[str] | None = None,
    title: str = "",
) -> ThresholdExplorer:
    """Confusion matrix, sensitivity, specificity, missed cases and false alarms at a threshold.

    Args:
        labels: true classes [N].
        probabilities: of all classes [N, C], or of the positive one [N].
        positive: index of the clinical positive class.
        prevalence: share of ill people among the patients in mind; joins `prevalences` in the picture.
        thresholds: columns of the static picture. Positive means strictly above the threshold.
        prevalences: rows of each column.
        classes: class names in label order.
        title: of the figure; name the data set and the network.

    Raises:
        FormatError: lengths that differ, or a positive class that no column or label has.
        SettingsError: a threshold or prevalence outside 0..1.
    """
    truth = (np.asarray(labels).reshape(-1) == positive).astype(int)
    stated = np.asarray(probabilities, dtype=float)
    if stated.ndim == 2:
        stated = stated[:, positive] if stated.shape[1] > 1 else stated[:, 0]
    if stated.shape != truth.shape:
        raise FormatError(
            f"{truth.size} labels, but probabilities of shape {np.shape(probabilities)}.",
            "Give one row of probabilities for each label.",
        )
    if truth.min(initial=1) == truth.max(initial=0):
        raise FormatError(
            f"All {truth.size} labels are {'positive' if truth.any() else 'negative'} for class {positive}.",
            "Take a test set with both, or another positive class.",
            positive=positive,
        )
    asked = tuple(sorted({*prevalences, *(() if prevalence is None else (prevalence,))}))
    for name, values in (("threshold", thresholds), ("prevalence", asked)):
        for value in values:
            if not 0 <= value <= 1:
                raise SettingsError(
                    f"A {name} of {value} is not possible.", "Give a share from 0 to 1.", value=value
                )
    if classes is None:
        names = ("negative", "positive")
    else:
        rest = [name for index, name in enumerate(classes) if index != positive]
        names = (rest[0] if len(rest) == 1 else "other", classes[positive])
    chosen = 0.1 if prevalence is None else prevalence
    return ThresholdExplorer(truth, stated, names, tuple(thresholds), asked, chosen, title)


@styled
def _twin(decisions: list[list[Decision]], classes: tuple[str, str], n: int, title: str) -> Picture:
    """One column per threshold: the matrix above, missed cases and false alarms per 1,000 below."""
    columns, rows = len(decisions), len(decisions[0])
    figure = new_figure(max(4.6, 3.6 * columns), 4.3 + 0.55 * rows)
    grid = figure.subplots(2, columns, squeeze=False, height_ratios=(2.4, 0.7 + 0.55 * rows))
    top = max(max(d.missed, d.false_alarms) for column in decisions for d in column)
    for index, column in enumerate(decisions):
        first = column[0]
        counts = np.array(
            [[first.true_negatives, first.false_positives], [first.false_negatives, first.true_positives]]
        )
        draw_matrix(grid[0, index], counts, classes)
        grid[0, index].set_title(
            f"threshold {first.threshold:.2f}\nsensitivity {first.sensitivity:.2f}, "
            f"specificity {first.specificity:.2f}"
        )
        _costs(grid[1, index], column, top)
        if index:
            grid[0, index].set(ylabel="", yticklabels=[])
            grid[1, index].set(ylabel="", yticklabels=[])
    figure.suptitle(title)
    grid[1, 0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    caption(figure, f"Above: the {n} test images. Below: expected among 1,000 patients")
    words = " ".join(d.sentence for column in decisions for d in column)
    return Picture(figure, sentences(title, words, f"Matrices count test images, n = {n}"))


def _costs(axes: Axes, column: list[Decision], top: float) -> None:
    places = np.arange(len(column))
    for shift, colour, name, numbers in (
        (-0.2, BLUE, "missed cases", [d.missed for d in column]),
        (0.2, ORANGE, "false alarms", [d.false_alarms for d in column]),
    ):
        bars = axes.barh(places + shift, numbers, 0.36, color=colour, label=name)
        axes.bar_label(bars, [f"{number:.0f}" for number in numbers], padding=3, fontsize=9.5)
    axes.set_yticks(
        places, [f"{d.prevalence:.0%}" if d.prevalence >= 0.01 else f"{d.prevalence:.1%}" for d in column]
    )
    axes.set_ylim(len(column) - 0.5, -0.5)
    axes.set_xlim(0, max(top * 1.18, 1))
    axes.set(xlabel="per 1,000 patients", ylabel="prevalence")
