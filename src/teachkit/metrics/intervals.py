"""How sure a number is: intervals over seeds, and over the rows of one test set.

The two answer different questions. A t interval over seeds covers what retraining would change. A bootstrap
over test rows covers what another sample of images would change, for these trained weights. Say which one you
show.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from teachkit.errors import FormatError, SettingsError
from teachkit.metrics.arrays import same_length


class Interval(NamedTuple):
    """An estimate between two limits; unpacks as ``value, low, high``."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def excludes_zero(self) -> bool:
        """True when both limits lie on one side of zero; False when a limit is nan."""
        return bool(self.low > 0 or self.high < 0)


def t_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean of repeated runs with Student's interval: ``mean ± t * s / sqrt(n)``, n - 1 degrees of freedom.

    Args:
        values: ``[n]``, one score per seed. One value alone gives limits of nan: it says nothing of spread.
        level: coverage, between 0 and 1.

    Returns:
        ``(mean, low, high)``.

    >>> print(t_interval([0.90, 0.92, 0.94]))
    0.920 [0.870, 0.970]
    """
    _check_level(level)
    sample = np.asarray(values, dtype=np.float64).reshape(-1)
    if not len(sample):
        raise FormatError("An interval of no values was asked for.", "Pass one score per run.")
    mean = float(sample.mean())
    if len(sample) == 1:
        return Interval(mean, float("nan"), float("nan"))
    half = float(stdtrit(len(sample) - 1, (1 + level) / 2) * sample.std(ddof=1) / np.sqrt(len(sample)))
    return Interval(mean, mean - half, mean + half)


def paired_difference(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Interval:
    """Mean of ``a - b`` over the same seeds, with the t interval of the differences.

    Pairing removes what both runs share (seed, data order), so it can be narrower than either one's interval.

    Raises:
        FormatError: when the two hold different numbers of runs.

    >>> print(paired_difference([0.92, 0.93, 0.95], [0.90, 0.92, 0.93]))
    0.017 [0.002, 0.031]
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    same_length(first, second, "two lists of paired runs")
    return t_interval(first - second, level)


def bootstrap_interval(
    statistic: Callable[..., float],
    *arrays: ArrayLike,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap over rows: the statistic, and between which limits resampled rows move it.

    Rows of all `arrays` are drawn together, with replacement (Efron, 1979). It covers the choice of test rows
    only: not retraining, and not that rows of one patient belong together.

    Args:
        statistic: called with the resampled arrays, for example `auc`.
        arrays: equally long; axis 0 counts rows.
        level: coverage, between 0 and 1.
        resamples: number of draws. A draw whose statistic is nan (one class only) is left out.
        seed: of the draws.

    Returns:
        ``(statistic on all rows, low, high)``.

    >>> from teachkit.metrics import accuracy
    >>> print(bootstrap_interval(accuracy, [0, 1] * 50, [0, 1] * 45 + [1, 0] * 5))
    0.900 [0.840, 0.960]
    """
    _check_level(level)
    columns = [np.asarray(array) for array in arrays]
    if not columns or not len(columns[0]):
        raise FormatError("A bootstrap of no rows was asked for.", "Pass labels and predictions.")
    for column in columns[1:]:
        same_length(columns[0], column, "arrays to resample")
    rng = np.random.default_rng(seed)
    count = len(columns[0])
    draws = [
        statistic(*(column[rows] for column in columns))
        for rows in rng.integers(count, size=(resamples, count))
    ]
    kept = np.asarray(draws, dtype=np.float64)
    kept = kept[~np.isnan(kept)]
    value = float(statistic(*columns))
    if not len(kept):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise SettingsError(
            f"The level is {level}.", "Give a share between 0 and 1, such as 0.95.", level=level
        )
