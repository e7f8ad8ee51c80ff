"""Scores for numbers (regression) and for pixels (segmentation)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit.errors import FormatError
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


def dice(labels: ArrayLike, predictions: ArrayLike, num_classes: int) -> NDArray[np.float64]:
    """Overlap per class, ``2 |A and B| / (|A| + |B|)``, over all pixels taken together (Dice, 1945).

    Args:
        labels: class index of each pixel, any shape.
        predictions: the same shape.
        num_classes: C.

    Returns:
        ``[C]``; nan for a class that neither array contains.

    >>> dice([[0, 0], [1, 1]], [[0, 0], [0, 1]], num_classes=3).round(3).tolist()
    [0.8, 0.667, nan]
    """
    truth, guess = np.asarray(labels), np.asarray(predictions)
    if truth.shape != guess.shape:
        raise FormatError(
            f"Masks of shape {list(truth.shape)} meet predictions of shape {list(guess.shape)}.",
            "Pass one class index per pixel in both.",
        )
    result = np.full(num_classes, np.nan)
    for index in range(num_classes):
        a, b = truth == index, guess == index
        if size := int(a.sum()) + int(b.sum()):
            result[index] = 2 * int((a & b).sum()) / size
    return result


def _numbers(labels: ArrayLike, predictions: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    truth, guess = finite(labels, "labels").reshape(-1), finite(predictions, "predictions").reshape(-1)
    same_length(truth, guess)
    return truth, guess
