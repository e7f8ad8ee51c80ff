"""Errors of several models over the same random splits, and what may be concluded from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from teachkit.errors import UnknownNameError, nearest
from teachkit.metrics import Interval
from teachkit.plots import Picture, boxes

TITLES = {"mae": "MAE", "rmse": "RMSE", "r2": "R²"}


@dataclass(frozen=True)
class Repeats:
    """Test errors of several models, paired by split.

    Attributes:
        errors: one row per model, split and metric ("mae", "rmse", "r2"), with its ``value`` on the rows
            that the split left out; mae and rmse in `unit`.
        train_rows, test_rows: rows on each side of every split.
        unit: of the target.
    """

    errors: pd.DataFrame
    train_rows: int
    test_rows: int
    unit: str

    @property
    def models(self) -> list[str]:
        """Names, in the order given."""
        return list(dict.fromkeys(self.errors["model"]))

    @property
    def metrics(self) -> list[str]:
        return list(dict.fromkeys(self.errors["metric"]))

    def __len__(self) -> int:
        """Number of splits."""
        return int(self.errors["split"].nunique())

    def values(self, model: str, metric: str = "mae") -> list[float]:
        """One score of one model, split by split: as many numbers as there are splits.

        Raises:
            UnknownNameError: no such model or metric.
        """
        for name, known, kind in ((model, self.models, "models"), (metric, self.metrics, "metrics")):
            if name not in known:
                raise UnknownNameError(f"No '{name}' here.", nearest(name, known, kind), name=name)
        rows = self.errors[(self.errors["model"] == model) & (self.errors["metric"] == metric)]
        return rows["value"].tolist()

    def interval(self, model: str, metric: str = "mae") -> Interval:
        """Mean over the splits with its 95 % corrected t interval."""
        return corrected_interval(self.values(model, metric), self.train_rows, self.test_rows)

    def difference(self, model: str, other: str, metric: str = "mae") -> Interval:
        """``model - other`` on the same splits, with its 95 % corrected t interval."""
        gaps = np.subtract(self.values(model, metric), self.values(other, metric))
        return corrected_interval(gaps, self.train_rows, self.test_rows)

    @property
    def table(self) -> pd.DataFrame:
        """Models by (metric, mean|sd|low|high): over the splits; the limits are of the corrected interval."""
        columns = pd.MultiIndex.from_product([self.metrics, ["mean", "sd", "low", "high"]])
        rows = []
        for model in self.models:
            row: list[float] = []
            for metric in self.metrics:
                mean, low, high = self.interval(model, metric)
                row += [mean, _spread(self.values(model, metric)), low, high]
            rows.append(row)
        return pd.DataFrame(rows, index=pd.Index(self.models, name="model"), columns=columns)

    @property
    def summary(self) -> pd.DataFrame:
        """Models by metric, for reading: "mean ± sd [low, high]"."""
        cells = {
            self._title(metric): [
                _in_words(metric, self.interval(model, metric), _spread(self.values(model, metric)))
                for model in self.models
            ]
            for metric in self.metrics
        }
        return pd.DataFrame(cells, index=pd.Index(self.models, name="model"))

    def plot(
        self,
        metric: str = "mae",
        *,
        log: bool = False,
        title: str = "",
        beside: Mapping[str, Sequence[float]] | None = None,
    ) -> Picture:
        """A box per model over the splits, with the mean and its corrected interval beside it.

        Args:
            metric: "mae", "rmse" or "r2".
            log: a logarithmic axis.
            title: of the figure.
            beside: other lists by name, such as what somebody published: boxes without an interval, below.
        """
        return boxes(
            {model: self.values(model, metric) for model in self.models} | dict(beside or {}),
            {model: self.interval(model, metric) for model in self.models},
            label=self._title(metric),
            title=title or f"Test error over {len(self)} random splits",
            note=f"Each box: {len(self)} splits, {self.train_rows} training and {self.test_rows} test rows. "
            "Dot and bar: mean, 95 % interval corrected for shared rows"
            + (".\nBoxes without a bar hold other numbers" if beside else ""),
            log=log,
        )

    def _title(self, metric: str) -> str:
        return TITLES[metric] if metric == "r2" else f"{TITLES[metric]} ({self.unit})"

    def _repr_html_(self) -> str:
        return (
            f"<p>{len(self)} random splits, {self.train_rows} training and {self.test_rows} test rows: mean "
            "± standard deviation over splits [95 % corrected t interval of the mean], test rows</p>"
            f"{self.summary.to_html()}"
        )


def corrected_interval(values: ArrayLike, train_rows: int, test_rows: int, level: float = 0.95) -> Interval:
    """Mean over overlapping random splits, with the corrected resampled t interval.

    Random splits of one table share most of their rows, so their errors are not independent, and the usual
    ``s / sqrt(J)`` shrinks without limit while nothing new is learned about other patients. Nadeau and Bengio
    replace ``1 / J`` by ``1 / J + test rows / training rows``; degrees of freedom stay J - 1.

    Args:
        values: ``[J]``, one per split.
        train_rows, test_rows: rows on each side of a split.
        level: coverage, between 0 and 1.

    Source: Nadeau and Bengio, Inference for the generalization error, Machine Learning 52, 2003.

    >>> print(corrected_interval([1.0, 1.2, 1.1, 0.9], train_rows=200, test_rows=100))
    1.050 [0.694, 1.406]
    """
    sample = np.asarray(values, dtype=np.float64).reshape(-1)
    mean, count = float(sample.mean()), len(sample)
    if count < 2:
        return Interval(mean, float("nan"), float("nan"))
    error = _spread(sample) * np.sqrt(1 / count + test_rows / train_rows)
    half = float(stdtrit(count - 1, (1 + level) / 2) * error)
    return Interval(mean, mean - half, mean + half)


def _spread(values: ArrayLike) -> float:
    sample = np.asarray(values, dtype=np.float64)
    return float(sample.std(ddof=1)) if len(sample) > 1 else float("nan")


def _in_words(metric: str, interval: Interval, spread: float) -> str:
    """Three significant digits for errors; four decimals for R², where all that matters is the gap to 1."""
    form = ".4f" if metric == "r2" else ".3g"
    value, low, high = interval
    return f"{value:{form}} ± {spread:{form}} [{low:{form}}, {high:{form}}]"
