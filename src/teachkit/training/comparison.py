"""Several arms, the same seeds, one factor: what changes, and how sure that is."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import delayed
from numpy.typing import NDArray
from torch import nn

from teachkit.data.splits import Rows, Split
from teachkit.errors import FormatError, SettingsError
from teachkit.metrics import Interval, calibration_error, paired_difference, t_interval
from teachkit.training.arms import Arm, check_fair
from teachkit.training.figures import Figures
from teachkit.training.inference import evaluate, predict
from teachkit.training.pixel_scores import predicted_masks, scores_by_class
from teachkit.training.plan import Augment
from teachkit.training.progress import finished_runs
from teachkit.training.runs import Run, run_arm


def compare(
    arms: Mapping[str, Arm],
    seeds: Iterable[int],
    *,
    factor: str | Sequence[str],
    jobs: int | None = None,
    cluster: str | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> "Comparison":
    """Train every arm with every seed and compare them on the test split, seed by seed.

    A seed decides initial weights, data order and augmentation, so arms share all of it that they can.

    Args:
        arms: name to settings, in the order of the tables.
        seeds: at least two for an interval; three or more make a useful one.
        factor: the setting under study, or several. Arms may differ in nothing else.
        jobs: runs at the same time; None leaves it to joblib: one, or as its ``parallel_config`` says.
        cluster: address of a scheduler of dask.distributed, whose workers share the runs instead.
        cache: a folder that keeps every finished run, under a name that changes with any setting; a repeated
            call reads them back, so an interrupted comparison goes on where it stopped.

    Raises:
        UnfairComparisonError: when arms differ in anything but `factor`; nothing has been trained then.
        SettingsError: for unusable settings, or a cache that could not tell two models apart.
    """
    chosen = list(seeds)
    if not chosen or len(set(chosen)) < len(chosen):
        raise SettingsError(f"The seeds are {chosen}.", "Give at least one, each once.", seeds=chosen)
    check_fair(arms, factor)
    folder = None if cache is None else Path(cache)
    tasks = [
        delayed(run_arm)(name, arm, seed, seed == chosen[0], folder)
        for (name, arm), seed in product(arms.items(), chosen)
    ]
    found: list[Run] = finished_runs(tasks, jobs, cluster)
    count = len(chosen)
    return Comparison(
        dict(arms), chosen, {name: found[i * count : (i + 1) * count] for i, name in enumerate(arms)}
    )


@dataclass(frozen=True)
class Comparison(Figures):
    """The runs of several arms, paired by seed; `Figures` draws them.

    Attributes:
        arms: name to settings.
        seeds: in the order of all lists below.
        runs: name to its runs, one per seed.
    """

    _models: dict[str, nn.Module] = field(default_factory=dict, repr=False)

    @property
    def predictions(self) -> dict[str, list[NDArray[np.float32]]]:
        """Probabilities on the test split, per arm and seed."""
        return {name: [run.predictions for run in runs] for name, runs in self.runs.items()}

    @property
    def scores(self) -> pd.DataFrame:
        """One row per arm, seed and metric, with its ``value`` on the test split."""
        rows = [
            (name, seed, metric, value)
            for name, runs in self.runs.items()
            for seed, run in zip(self.seeds, runs, strict=True)
            for metric, value in run.scores.items()
        ]
        return pd.DataFrame(rows, columns=["arm", "seed", "metric", "value"])

    def interval(self, arm: str, metric: str) -> Interval:
        """Mean of one score over seeds, with its 95 % t interval."""
        return t_interval(self.values(arm, metric))

    @property
    def table(self) -> pd.DataFrame:
        """Arms by (metric, mean|low|high): the mean over seeds and the limits of its 95 % t interval."""
        columns = pd.MultiIndex.from_product([self.metrics, ["mean", "low", "high"]])
        rows = [
            [limit for metric in self.metrics for limit in t_interval(self.values(name, metric))]
            for name in self.runs
        ]
        return pd.DataFrame(rows, index=pd.Index(self.runs, name="arm"), columns=columns)

    def difference(self, arm: str, other: str, metric: str) -> Interval:
        """``arm - other``, paired by seed, with its 95 % t interval."""
        return paired_difference(self.values(arm, metric), self.values(other, metric))

    @property
    def differences(self) -> pd.DataFrame:
        """Every pair of arms and metric: ``arm - other`` by seed, mean and 95 % t interval.

        Each interval stands for itself: among twenty of them, one may well exclude zero by chance.
        """
        rows = []
        for (other, arm), metric in product(combinations(self.runs, 2), self.metrics):
            found = self.difference(arm, other, metric)
            rows.append((arm, other, metric, *found, found.excludes_zero))
        return pd.DataFrame(rows, columns=["arm", "other", "metric", "mean", "low", "high", "excludes_zero"])

    @property
    def costs(self) -> pd.DataFrame:
        """Per arm: optimiser steps of a run, and the mean wall time of one in seconds."""
        rows = [
            (runs[0].history.steps, float(np.mean([run.history.seconds for run in runs])))
            for runs in self.runs.values()
        ]
        return pd.DataFrame(rows, index=pd.Index(self.runs, name="arm"), columns=["steps", "seconds"])

    def model(self, arm: str) -> nn.Module:
        """The trained model of the first seed, on the CPU, in eval mode."""
        if arm not in self._models:
            self._models[arm] = self._first(arm).rebuild(self.arms[arm])
        return self._models[arm]

    def calibration_error(self, arm: str, positive: int = 1) -> float:
        """Expected calibration error of the scores of class `positive`; first seed, test split."""
        return calibration_error(*self._one_against_rest(arm, positive))

    def evaluate(
        self, arm: str, split: Split, *, views: Augment | None = None, repeats: int = 8
    ) -> dict[str, float]:
        """Scores of the first seed's model on another split, for example on changed test images.

        With `views`, an augmentation, probabilities are averaged over the plain images and `repeats` changed
        ones: test-time augmentation, see `predict`.
        """
        return evaluate(self.model(arm), split, views=views, repeats=repeats)

    def residuals(self, arm: str, split: Split | None = None) -> NDArray[np.float64]:
        """Label minus prediction of the first seed's model [N], for a regression set with one label.

        Args:
            arm: its name.
            split: rows that are new to the model, such as those that a conformal margin is made from; None
                takes the test split.
        """
        if split is None:
            labels, found, _ = self._numbers(arm)
            return np.subtract(labels, found, dtype=np.float64)
        predictions = predict(self.model(arm), split)
        return np.subtract(split.labels[:, 0], predictions[:, 0], dtype=np.float64)

    def pixel_table(self, arm: str) -> pd.DataFrame:
        """Test scores of each class of a segmentation set, mean over the seeds.

        Columns share, recall, dice, dice_per_image, iou and boundary_f, as in
        `teachkit.training.pixel_scores.scores_by_class`; nan where a seed has no score.
        """
        self._first(arm)  # refuses unknown names
        test = self._test_of(arm)
        tables = [
            scores_by_class(*predicted_masks(test, run.predictions), test.info.classes)
            for run in self.runs[arm]
        ]
        return sum(tables[1:], tables[0]) / len(tables)

    def on(self, rows: Rows, note: str = "") -> "Comparison":
        """The same runs, scored on some rows of the test split, for example on those without a near copy.

        Args:
            rows: a boolean mask over the test rows, a slice, or row numbers.
            note: which rows these are, for titles: "without twins".

        Raises:
            FormatError: when no row is chosen, or the mask has another length.
        """
        count = len(self._test)
        index = np.arange(count)
        if isinstance(rows, np.ndarray) and rows.dtype == bool and rows.shape != (count,):
            raise FormatError(
                f"The mask has shape {rows.shape} for {count} test rows.", "Give one True or False a row."
            )
        index = np.atleast_1d(index[rows])
        if not len(index):
            raise FormatError("No test row is chosen.", "Choose at least one of each class.")
        arms = {
            name: replace(arm, test=_noted(self._test_of(name)[index], note))
            for name, arm in self.arms.items()
        }
        runs = {name: [run.on(index, arms[name]) for run in runs] for name, runs in self.runs.items()}
        return Comparison(arms, self.seeds, runs, self._models)

    @property
    def summary(self) -> pd.DataFrame:
        """Arms by metric, for reading: "mean [low, high]" over seeds."""
        means = {metric: [str(self.interval(name, metric)) for name in self.runs] for metric in self.metrics}
        return pd.DataFrame(means, index=pd.Index(self.runs, name="arm"))

    def _repr_html_(self) -> str:
        title = f"Test scores, mean over {len(self.seeds)} seeds [95 % t interval]"
        table = self.summary.to_html()
        pairs = (
            self.differences.to_html(index=False, float_format="{:+.3f}".format) if len(self.runs) > 1 else ""
        )
        return f"<p>{title}</p>{table}{pairs and '<p>Paired differences, arm − other</p>'}{pairs}"


def _noted(split: Split, note: str) -> Split:
    """The split with another note in its titles, after those that it has."""
    notes = "; ".join(text for text in (split.info.note, note) if text)
    return split.replace(info=replace(split.info, note=notes))
