"""The pictures of a comparison: each reads the runs, none of them trains or changes anything."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teachkit.data.splits import Split
from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.plots import (
    Picture,
    ThresholdExplorer,
    curves,
    explore_threshold,
    intervals,
    reliability,
    segmentation,
)
from teachkit.plots.numbers import bands, residuals
from teachkit.training.arms import Arm
from teachkit.training.history import History
from teachkit.training.pixel_scores import predicted_masks, rows_from_worst_to_best
from teachkit.training.runs import Run

SPELT = {"acc": "accuracy", "dice": "Dice", "iou": "IoU", "loss": "loss", "r2": "R²"}  # on an axis


@dataclass(frozen=True)
class Figures:
    """The runs of several arms, paired by seed, and how they are drawn.

    Attributes:
        arms: name to settings.
        seeds: in the order of all lists below.
        runs: name to its runs, one per seed.
    """

    arms: dict[str, Arm]
    seeds: list[int]
    runs: dict[str, list[Run]]

    @property
    def histories(self) -> dict[str, list[History]]:
        """The course of each run."""
        return {name: [run.history for run in runs] for name, runs in self.runs.items()}

    @property
    def metrics(self) -> list[str]:
        """Names of the scores, in the task's order."""
        return list(next(iter(self.runs.values()))[0].scores)

    def values(self, arm: str, metric: str) -> list[float]:
        """One score of one arm, per seed."""
        for name, known, kind in ((arm, self.runs, "arms"), (metric, self.metrics, "metrics")):
            if name not in known:
                raise UnknownNameError(f"No '{name}' here.", nearest(name, known, kind), name=name)
        return [run.scores[metric] for run in self.runs[arm]]

    def plot(self, metric: str = "loss") -> Picture:
        """Learning curves with 95 % intervals over seeds: "loss", "val_loss", "val_auc", …"""
        known = list(next(iter(self.runs.values()))[0].history.epochs[-1])
        if metric not in known:
            raise UnknownNameError(f"No curve '{metric}'.", nearest(metric, known, "curves"), metric=metric)
        train = next(iter(self.arms.values())).train
        return curves(
            {
                name: [[epoch[metric] for epoch in history.epochs] for history in histories]
                for name, histories in self.histories.items()
            },
            ylabel=self._spelt(metric),
            title=f"{self._network}{train.title}, {len(self.seeds)} seeds",
        )

    def plot_intervals(self, metric: str = "auc") -> Picture:
        """One score of every arm, and all paired differences, with 95 % t intervals over seeds."""
        scores = {name: self.values(name, metric) for name in self.runs}
        return intervals(
            scores,
            label=self._spelt(metric),
            title=f"{self._network}{self._test.title}",
            pairs=len(scores) > 1,
        )

    def explore_threshold(self, arm: str, positive: int = 1, prevalence: float = 0.1) -> ThresholdExplorer:
        """What a threshold on the score of class `positive` costs; first seed, test split."""
        return explore_threshold(
            self._test.labels[:, 0],
            self._first(arm).predictions,
            positive=positive,
            prevalence=prevalence,
            classes=self._test.info.classes,
            title=f"{self._network}{arm}\n{self._test.title}",
        )

    def plot_reliability(self, arm: str, positive: int = 1) -> Picture:
        """Do the scores of class `positive` come true? First seed, test split."""
        truth, stated = self._one_against_rest(arm, positive)
        name = self._test.info.classes[positive]
        return reliability(
            truth, stated, positive_name=name, title=f"{self._network}{arm}\n{self._test.title}"
        )

    def plot_residuals(self, arm: str) -> Picture:
        """Predicted against true numbers, and what is left over; first seed, test split."""
        labels, predictions, about = self._numbers(arm)
        return residuals(labels, predictions, **about)

    def plot_bands(self, arm: str, margin: float, rows: int = 40) -> Picture:
        """Prediction ± margin for some test rows, with their labels; first seed. See `plots.bands`."""
        labels, predictions, about = self._numbers(arm)
        return bands(labels, predictions, margin, rows=rows, **about)

    def plot_segmentation(self, arm: str, rows: int | Sequence[int] = 4) -> Picture:
        """Test images, true and predicted masks, and errors; first seed.

        Args:
            arm: its name.
            rows: how many test images, at even distances from the one with the lowest mean Dice to the
                highest, of those with more than one class; or their row numbers.
        """
        test = self._test_of(arm) if arm in self.arms else self._test
        truth, guess = predicted_masks(test, self._first(arm).predictions)
        classes = test.info.classes
        if isinstance(rows, int):
            chosen = rows_from_worst_to_best(truth, guess, rows, len(classes))
            titles = [f"row {row}\nmean Dice {score:.2f}" for row, score in chosen.items()]
            note = "test images from the lowest to the highest mean Dice; first seed"
        else:
            chosen, titles, note = dict.fromkeys(rows, 0.0), [f"row {row}" for row in rows], "first seed"
        assert test.images is not None  # a model has predicted them
        return segmentation(
            [test.images[row] for row in chosen],
            truth[list(chosen)],
            guess[list(chosen)],
            classes=classes,
            titles=titles,
            suptitle=f"{self._network}{arm}\n{test.title}",
            note=note,
        )

    def _numbers(self, arm: str) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, str]]:
        """Labels, predictions and words for a figure of a regression set."""
        test = self._test_of(arm) if arm in self.arms else self._test
        predictions = self._first(arm).predictions
        if test.info.task != "regression" or predictions.shape[1] != 1:
            raise SettingsError(
                f"{test.title} is a {test.info.task} set with {predictions.shape[1]} outputs.",
                "Residuals and bands are for one number per row.",
                task=test.info.task,
            )
        about = {"unit": test.info.unit, "title": f"{self._network}{arm}\n{test.title}", "note": "first seed"}
        return test.labels[:, 0], predictions[:, 0], about

    @property
    def _test(self) -> Split:
        return self._test_of(next(iter(self.arms)))

    def _test_of(self, arm: str) -> Split:
        test = self.arms[arm].test
        assert test is not None  # `check_fair` has asked
        return test

    def _spelt(self, metric: str) -> str:
        """A score as it stands on an axis, with its unit: "accuracy", "MAE (px)", "AUC, validation"."""
        score = metric.removeprefix("val_")
        unit = self._test.info.unit if score in ("mae", "rmse") else ""
        spelt = SPELT.get(score, score.upper()) + (f" ({unit})" if unit else "")
        return spelt if score == metric else f"{spelt}, validation"

    @property
    def _network(self) -> str:
        """Name of the network for titles, where all arms share one that says its name."""
        makers = [getattr(arm.model, "func", arm.model) for arm in self.arms.values()]  # partial or not
        titles = {str(getattr(maker, "title", "")).partition(",")[0] for maker in makers}
        return f"{titles.pop()}, " if len(titles) == 1 and "" not in titles else ""

    def _first(self, arm: str) -> Run:
        if arm not in self.runs:
            raise UnknownNameError(f"No arm '{arm}'.", nearest(arm, self.runs, "arms"), arm=arm)
        return self.runs[arm][0]

    def _one_against_rest(self, arm: str, positive: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        truth = (self._test.labels[:, 0] == positive).astype(np.int64)
        return truth, self._first(arm).predictions[:, positive].astype(np.float64)
