"""Scores of an order: do positives stand above negatives? Nan where no pair can be compared."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit.metrics.arrays import binary_labels, finite, same_length


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    Each positive looks up how many negatives lie below it (Mann and Whitney, 1947), so a strictly increasing
    change of the scores keeps it.

    Args:
        labels: ``[N]``, 1 for positive and 0 for negative.
        scores: ``[N]``, larger means "more likely positive"; need not be probabilities.

    Raises:
        FormatError: for labels other than 0 and 1, scores that are not finite, or lengths that differ.

    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    positives, negatives = _sorted_sides(labels, scores)
    if not len(positives) or not len(negatives):
        return float("nan")
    below = int(np.searchsorted(negatives, positives, "left").sum())
    not_above = int(np.searchsorted(negatives, positives, "right").sum())
    return (below + not_above) / 2 / (len(positives) * len(negatives))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean over the positives of the precision when the threshold is set at their score; nan without any.

    The area under the precision-recall curve as a sum of steps. Chance reaches the share of positives, so
    it tells more than AUC where positives are rare.

    Args:
        labels: ``[N]``, 1 for positive and 0 for negative.
        scores: ``[N]``, larger means "more likely positive".

    Raises:
        FormatError: as in `auc`.

    >>> average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.8333333333333333
    """
    positives, negatives = _sorted_sides(labels, scores)
    if not len(positives):
        return float("nan")
    found = len(positives) - np.searchsorted(positives, positives, "left")
    false = len(negatives) - np.searchsorted(negatives, positives, "left")
    return float(np.mean(found / (found + false)))


def _sorted_sides(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of the positives and of the negatives, each in rising order."""
    truth = binary_labels(labels)
    values = finite(scores, "scores").reshape(-1)
    same_length(truth, values, "labels and scores")
    return np.sort(values[truth]), np.sort(values[~truth])
