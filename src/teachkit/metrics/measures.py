"""Scores for numbers: how far predictions lie from labels, in the unit of the labels."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit.metrics.arrays import finite, same_length


def mean_absolute_error(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Mean of ``|prediction - label|``, in the label's unit; nan for zero rows.

    >>> mean_absolute_error([1.0, 2.0], [1.5, 2.0])
    0.25
    """
    truth, guess = _numbers(labels, predictions)
    return float(np.mean(np.abs(guess - truth))) if truth.size else float("nan")


def root_mean_squared_error(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Root of the mean squared error, in the label's unit; nan for zero rows.

    >>> root_mean_squared_error([0.0, 0.0], [3.0, 4.0])
    3.5355339059327378
    """
    truth, guess = _numbers(labels, predictions)
    return float(np.sqrt(np.mean((guess - truth) ** 2))) if truth.size else float("nan")


def r_squared(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Share of the labels' variance that the predictions explain: ``1 - SS_residual / SS_total``.

    0 is what the mean of the labels would reach; it can be negative. nan when all labels are equal.

    >>> r_squared([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    0.5
    """
    truth, guess = _numbers(labels, predictions)
    total = float(np.sum((truth - truth.mean()) ** 2)) if truth.size else 0.0
    if total == 0:
        return float("nan")
    return 1 - float(np.sum((guess - truth) ** 2)) / total


def _numbers(labels: ArrayLike, predictions: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    truth, guess = finite(labels, "labels").reshape(-1), finite(predictions, "predictions").reshape(-1)
    same_length(truth, guess)
    return truth, guess
