"""Scores of a classifier, equal to scikit-learn's and nan where a score is undefined.

Undefined means: AUC when one of the two classes is absent; kappa when labels and predictions are one same
constant; sensitivity without positives, specificity without negatives; every score of zero rows. scikit-learn
warns or raises in these places. Here the answer is nan, which no mean or ranking can mistake for a result.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit.errors import FormatError, SettingsError, UnknownNameError, nearest
from teachkit.metrics.arrays import binary_labels, class_labels, finite, same_length

_KAPPA_POWERS: dict[str | None, int] = {None: 0, "linear": 1, "quadratic": 2}


def accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Share of rows whose predicted class is the true one.

    >>> accuracy([0, 1, 2, 2], [0, 1, 2, 1])
    0.75
    """
    truth, guess = _pair(labels, predictions)
    return float(np.mean(truth == guess)) if len(truth) else float("nan")


def balanced_accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Mean recall over the classes that occur in `labels`; a class only predicted does not count.

    >>> balanced_accuracy([0, 0, 0, 1], [0, 0, 0, 0])
    0.5
    """
    truth, guess = _pair(labels, predictions)
    if not len(truth):
        return float("nan")
    _, codes = _codes(truth)
    return float(np.mean(np.bincount(codes, weights=truth == guess) / np.bincount(codes)))


def weighted_f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Mean F1 over the classes of `labels`, weighted by how often each occurs.

    A class that is never predicted counts as 0; one that is only predicted has no weight.

    >>> weighted_f1([0, 0, 1, 1], [0, 0, 0, 1])
    0.7333333333333334
    """
    truth, guess = _pair(labels, predictions)
    if not len(truth):
        return float("nan")
    size = int(max(truth.max(), guess.max())) + 1
    occurs, called = np.bincount(truth, minlength=size), np.bincount(guess, minlength=size)
    hits = np.bincount(truth[truth == guess], minlength=size)
    f1 = 2 * hits / np.maximum(occurs + called, 1)  # F1 = 2 TP / (2 TP + FP + FN)
    return float(np.average(f1, weights=occurs))


def cohen_kappa(labels: ArrayLike, predictions: ArrayLike, weights: str | None = None) -> float:
    """Agreement beyond chance, ``1 - observed / expected`` disagreement (Cohen, 1960 and 1968).

    1 is full agreement, 0 what independent guesses with the same class frequencies reach.

    Args:
        labels: ``[N]``, class indices.
        predictions: ``[N]``, class indices.
        weights: what a confusion of class i with class j costs. None: 1, whichever the two are. For ordered
            classes "linear": ``|i - j|``, or "quadratic": ``(i - j)^2``, so that near misses cost little.

    Raises:
        UnknownNameError: for other weights.

    >>> cohen_kappa([0, 0, 1, 1], [0, 1, 1, 1])
    0.5
    >>> cohen_kappa([0, 1, 2], [0, 1, 1], "quadratic")
    0.6666666666666666
    """
    if weights not in _KAPPA_POWERS:
        named = [name for name in _KAPPA_POWERS if name]
        raise UnknownNameError(
            f"No weights are called '{weights}'.", nearest(str(weights), named, "weights"), weights=weights
        )
    truth, guess = _pair(labels, predictions)
    if not len(truth):
        return float("nan")
    classes, table = _table(truth, guess)
    cost = np.abs(np.subtract.outer(classes, classes)) ** _KAPPA_POWERS[weights]
    np.fill_diagonal(cost, 0)  # a power of 0 has made every difference a 1
    return _kappa(table, cost)


def decisions(labels: ArrayLike, predictions: ArrayLike) -> dict[str, float]:
    """`accuracy`, `balanced_accuracy` and `cohen_kappa` as ``acc``, ``balacc``, ``kappa``, counted once.

    >>> decisions([0, 0, 1, 1], [0, 1, 1, 1])
    {'acc': 0.75, 'balacc': 0.75, 'kappa': 0.5}
    """
    truth, guess = _pair(labels, predictions)
    if not len(truth):
        return dict.fromkeys(("acc", "balacc", "kappa"), float("nan"))
    _, table = _table(truth, guess)
    hits, occurs = np.diagonal(table), table.sum(axis=1)
    present = occurs > 0
    return {
        "acc": float(hits.sum() / len(truth)),
        "balacc": float(np.mean(hits[present] / occurs[present])),
        "kappa": _kappa(table, 1 - np.eye(len(table), dtype=np.int64)),
    }


def confusion_matrix(
    labels: ArrayLike, predictions: ArrayLike, num_classes: int | None = None
) -> NDArray[np.int64]:
    """Counts ``[C, C]``: row = true class, column = predicted class.

    Args:
        labels: ``[N]``, class indices from 0.
        predictions: ``[N]``, class indices from 0.
        num_classes: C; by default the largest index in either array plus one.

    Raises:
        FormatError: for an index below 0 or not below `num_classes`.

    >>> confusion_matrix([0, 1, 1], [0, 0, 1]).tolist()
    [[1, 0], [1, 1]]
    """
    truth, guess = _pair(labels, predictions)
    both = np.concatenate([truth, guess])
    size = num_classes if num_classes is not None else int(both.max(initial=-1)) + 1
    outside = both[(both < 0) | (both >= size)]
    if len(outside):
        raise FormatError(
            f"Class index {outside[0]} is outside 0 to {size - 1}.",
            "Check `num_classes` and the labels.",
            value=int(outside[0]),
        )
    return _count(truth, guess, size)


def sensitivity(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float = 0.5, positive: int = 1
) -> float:
    """Share of the positives that are found: true positives / (true positives + false negatives).

    Args:
        labels: ``[N]``, class indices.
        probabilities: ``[N]`` of the positive class, or ``[N, C]``, whose column `positive` is used.
        threshold: a row is called positive when its probability is strictly above it.
        positive: index of the positive class, see ``Info.positive``.

    >>> sensitivity([0, 1, 1, 1], [0.2, 0.9, 0.6, 0.4])
    0.6666666666666666
    """
    truth, called = _calls(labels, probabilities, threshold, positive)
    return float(np.mean(called[truth])) if truth.any() else float("nan")


def specificity(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float = 0.5, positive: int = 1
) -> float:
    """Share of the negatives that are left alone: true negatives / (true negatives + false positives).

    Arguments as in `sensitivity`.

    >>> specificity([0, 0, 1], [0.2, 0.7, 0.6])
    0.5
    """
    truth, called = _calls(labels, probabilities, threshold, positive)
    return float(np.mean(~called[~truth])) if (~truth).any() else float("nan")


def calibration_error(labels: ArrayLike, probabilities: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error: the mean gap between stated and observed frequency, over equal-width bins.

    ``sum over bins of (rows / N) * |observed frequency - mean probability|`` (Guo et al., 2017, eq. 3).
    Bins are closed on the right. Few rows per bin bias it upwards, so state N and `bins` beside it.

    Args:
        labels: ``[N]``, class indices.
        probabilities: ``[N]`` gives the positive class: is 0.8 positive in 80 % of cases?
            ``[N, C]`` gives all classes: is the top class right as often as its probability says?
        bins: number of bins.

    >>> round(calibration_error([0, 1, 1, 1], [0.75, 0.75, 0.75, 0.75]), 3)
    0.0
    """
    if bins < 1:
        raise SettingsError(f"bins is {bins}.", "Ask for at least one bin.", bins=bins)
    stated = finite(probabilities, "probabilities")
    if stated.ndim == 2 and stated.shape[1] == 1:
        stated = stated[:, 0]
    if stated.size and (stated.min() < 0 or stated.max() > 1):
        raise FormatError(
            f"Probabilities run from {stated.min():.3g} to {stated.max():.3g}.",
            "Apply softmax or sigmoid to the logits first.",
        )
    if stated.ndim == 2:
        truth = class_labels(labels, "labels")
        same_length(truth, stated, "labels and probabilities")
        observed = truth == stated.argmax(axis=1)
        stated = stated.max(axis=1)
    else:
        observed = binary_labels(labels)
        same_length(observed, stated, "labels and probabilities")
    if not len(observed):
        return float("nan")
    inner_edges = np.linspace(0, 1, bins + 1)[1:-1]
    bin_of_row = np.zeros(len(stated), dtype=np.intp)
    for edge in inner_edges:  # for few bins four times as fast as searching each row's bin
        bin_of_row += stated > edge
    gaps = np.bincount(bin_of_row, weights=observed - stated, minlength=bins)
    return float(np.abs(gaps).sum() / len(observed))


def _pair(labels: ArrayLike, predictions: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    truth, guess = class_labels(labels, "labels"), class_labels(predictions, "predictions")
    same_length(truth, guess)
    return truth, guess


def _codes(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The classes that occur, in order, and the place of each row's class among them."""
    least = values.min()
    if values.max() - least > len(values):  # far apart: counting every number between would take memory
        return np.unique(values, return_inverse=True)
    occurs = np.bincount(values - least) > 0
    return np.flatnonzero(occurs) + least, (np.cumsum(occurs) - 1)[values - least]


def _table(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The classes that occur in either, and how often each true class (row) was called which (column)."""
    classes, codes = _codes(np.concatenate([truth, guess]))
    return classes, _count(codes[: len(truth)], codes[len(truth) :], len(classes))


def _kappa(table: NDArray[np.int64], cost: NDArray[np.int64]) -> float:
    """Whole numbers stay whole until the last division, so two equal constants give exactly 0 / 0: nan."""
    expected = int((np.outer(table.sum(axis=1), table.sum(axis=0)) * cost).sum())
    if not expected:
        return float("nan")
    return (expected - int(table.sum()) * int((table * cost).sum())) / expected


def _count(rows: NDArray[np.int64], columns: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.bincount(rows * size + columns, minlength=size * size).reshape(size, size)


def _calls(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float, positive: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    truth = class_labels(labels, "labels") == positive
    values = finite(probabilities, "probabilities")
    if values.ndim == 2:
        values = values[:, positive]
    same_length(truth, values, "labels and probabilities")
    return truth, values > threshold
