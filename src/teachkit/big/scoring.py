"""From predictions and truth to the scores of the benchmark."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from teachkit.big.measuring import AVERAGED, RANKED, TITLES, measure
from teachkit.big.predictions import Predictions, read_predictions
from teachkit.big.resampling import RESAMPLED, resample
from teachkit.big.suites import Suite
from teachkit.big.truth import truth_of
from teachkit.errors import SettingsError
from teachkit.metrics import Interval
from teachkit.paths import atomic

if TYPE_CHECKING:
    from teachkit.plots import Picture

LEVEL = 0.95
MEAN = "mean"


@dataclass(frozen=True, eq=False)
class BigScore:
    """The scores of one prediction file.

    Attributes:
        file: its name.
        suite: what it was scored under.
        size: picture size.
        sets: set to score to value; scores that the task leaves undefined are nan.
        mean: score to the mean over all sets of the suite, each counting the same; nan unless every one of
            them is present and finite.
        missing: sets of the suite without predictions.
        intervals: set, or "mean", to score to its 95 % bootstrap interval over test rows; empty without.
        bootstrap: number of draws.
    """

    file: str
    suite: Suite
    size: int
    sets: Mapping[str, Mapping[str, float]]
    mean: Mapping[str, float]
    missing: tuple[str, ...]
    intervals: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    bootstrap: int = 0

    @property
    def complete(self) -> bool:
        """Whether no set is missing."""
        return not self.missing

    @property
    def rankable(self) -> bool:
        """Whether the three ranked means are numbers. Only then has the entry a place."""
        return all(math.isfinite(self.mean[name]) for name in RANKED)

    @property
    def undefined(self) -> tuple[str, ...]:
        """Which ranked scores are undefined in sets that are present, such as "kappa of breastmnist"."""
        return tuple(
            f"{TITLES[name]} of {set_name}"
            for set_name, scores in self.sets.items()
            for name in RANKED
            if not math.isfinite(scores[name])
        )

    @property
    def sentence(self) -> str:
        """The result in one sentence, or why there is none."""
        if self.rankable:
            means = ", ".join(f"{TITLES[name]} {self._shown(MEAN, name)}" for name in RANKED)
            return (
                f"Mean over the {len(self.suite)} sets of '{self.suite.name}' at size {self.size}: {means}."
            )
        reasons = []
        if self.missing:
            reasons.append(
                f"{len(self.missing)} of {len(self.suite)} sets missing: {', '.join(self.missing)}"
            )
        if self.undefined:
            reasons.append(f"undefined: {', '.join(self.undefined)}")
        return f"No mean, so no rank under suite '{self.suite.name}' ({'; '.join(reasons)})."

    @property
    def table(self) -> pd.DataFrame:
        """One row a set and one for the mean; a column for each score."""
        rows = {**{name: dict(scores) for name, scores in self.sets.items()}, MEAN: dict(self.mean)}
        columns = [name for name in TITLES if any(name in row for row in rows.values())]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("set")

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON takes it; nan becomes None."""
        return {
            "file": self.file,
            "suite": {"name": self.suite.name, "version": self.suite.version, "digest": self.suite.digest},
            "size": self.size,
            "sets": {name: _plain(scores) for name, scores in self.sets.items()},
            "mean": _plain(self.mean),
            "complete": self.complete,
            "rankable": self.rankable,
            "missing": list(self.missing),
            "undefined": list(self.undefined),
            "bootstrap": self.bootstrap,
            "intervals": {
                where: {name: [_number(limit) for limit in one[1:]] for name, one in scores.items()}
                for where, scores in self.intervals.items()
            },
        }

    def draw(self, metric: str = "auc", *others: "BigScore", kind: str = "lines") -> "Picture":
        """One score over all sets as a line with dots, or as a box; of this file and of others.

        Args:
            metric: one of ``auc``, ``balacc``, ``kappa``, ``acc``.
            others: further scores under the same suite, drawn in other colours.
            kind: "lines" or "boxes".
        """
        from teachkit.big.figures import draw

        return draw((self, *others), metric, kind)

    def save(self, folder: str | os.PathLike[str], *others: "BigScore") -> list[Path]:
        """Write the scores as JSON and, for each ranked score, lines and boxes as PNG and SVG.

        This file's scores go to ``scores.json``, those of others to ``scores_b.json`` and so on.

        Args:
            folder: made when it is not there.
            others: drawn beside this one.

        Returns:
            The files written.
        """
        target = Path(folder)
        written = []
        for score, letter in zip((self, *others), ascii_lowercase, strict=False):
            written.append(target / ("scores.json" if score is self else f"scores_{letter}.json"))
            with atomic(written[-1]) as temporary:
                told = json.dumps(score.to_dict(), indent=1, allow_nan=False)
                temporary.write_text(told + "\n", encoding="utf-8")
        for metric in RANKED:
            for kind in ("lines", "boxes"):
                picture = self.draw(metric, *others, kind=kind)
                written += [picture.save(target / f"{metric}_{kind}.{form}") for form in ("png", "svg")]
        return written

    def _shown(self, where: str, name: str) -> str:
        interval = self.intervals.get(where, {}).get(name)
        value = self.mean[name] if where == MEAN else self.sets[where][name]
        return f"{value:.4f}" + (f" [{interval.low:.4f}, {interval.high:.4f}]" if interval else "")

    def __repr__(self) -> str:
        return f"<BigScore '{self.file}': {self.sentence}>"


def score(
    predictions: str | os.PathLike[str] | Predictions,
    *,
    size: int | None = None,
    suite: str | os.PathLike[str] | Suite = "big",
    truth: Mapping[str, ArrayLike] | None = None,
    bootstrap: int = 0,
    seed: int = 0,
) -> BigScore:
    """Score a prediction file.

    AUC, balanced accuracy and Cohen's kappa of each set follow `metrics.scores`; the mean counts every set
    the same. Fewer sets than the suite has give no mean: an average over easy sets is no result.

    Args:
        predictions: path of a file, or what `read_predictions` returned.
        size: picture size; decides which labels are loaded. The smallest of the suite by default.
        suite: "big", a manifest, or the name of one beside the file.
        truth: set to labels ``[rows]``, ``[rows, 1]`` or, for multi-label, ``[rows, labels]``; by default the
            test labels of the data source in force.
        bootstrap: number of draws of test rows for 95 % intervals; 0 for none. They cover the choice of test
            pictures, neither another training nor that several pictures can come from one patient.
        seed: of the draws.

    Raises:
        PredictionFileError: when the file has faults; `.faults` lists them.
        DataError: naming sets whose truth is not at hand.
    """
    if bootstrap < 0:
        raise SettingsError(
            f"bootstrap is {bootstrap}.", "Give a number of draws, or 0.", bootstrap=bootstrap
        )
    if not isinstance(predictions, Predictions):
        predictions = read_predictions(predictions, suite=suite, size=size)
    held = predictions.suite
    size = held.picture_size(size)
    labels = truth_of(held, tuple(predictions.sets), size, truth)
    sets = {name: measure(held[name], labels[name], table) for name, table in predictions.sets.items()}
    mean = {name: _mean([sets.get(one, {}).get(name, math.nan) for one in held.names]) for name in AVERAGED}
    intervals: dict[str, dict[str, Interval]] = {}
    if bootstrap:
        drawn = {
            name: resample(held[name], labels[name], table, bootstrap, (seed, held.names.index(name)))
            for name, table in predictions.sets.items()
        }
        intervals = {
            name: {key: _interval(sets[name][key], values) for key, values in scores.items()}
            for name, scores in drawn.items()
        }
        if len(sets) == len(held):
            intervals[MEAN] = {
                key: _interval(mean[key], np.mean([scores[key] for scores in drawn.values()], axis=0))
                for key in RESAMPLED
            }
    return BigScore(predictions.file, held, size, sets, mean, predictions.missing, intervals, bootstrap)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if all(map(math.isfinite, values)) else math.nan


def _interval(value: float, drawn: np.ndarray) -> Interval:
    """Percentiles of the draws; those that leave the score undefined do not count."""
    kept = drawn[np.isfinite(drawn)]
    if not len(kept):
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def _plain(scores: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _number(value) for name, value in scores.items()}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
