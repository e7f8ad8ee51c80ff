"""What another sample of test pictures would change: the bootstrap, sorted once instead of once a draw.

Drawing rows with replacement is giving each row a whole number as its weight. Scores with weights need the
order of the rows, and that never changes. So each draw costs a few sums where it would cost a sorting.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from teachkit.big.measuring import measure
from teachkit.big.suites import Member

RESAMPLED = ("auc", "balacc", "kappa", "acc")
Weighted = Callable[[NDArray[np.float64]], float]


def draws(count: int, rows: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    """The rows of each draw ``[count, rows]``, with replacement."""
    return np.random.default_rng(seed).integers(rows, size=(count, rows))


def resample(
    member: Member,
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    count: int,
    seed: tuple[int, ...],
) -> dict[str, NDArray[np.float64]]:
    """Each score of `RESAMPLED` on `count` draws of rows, ``[count]``; nan where it is undefined."""
    score = _by_weights(member, labels, probabilities)
    rng = np.random.default_rng(seed)
    found = np.empty((len(RESAMPLED), count))
    rows = member.rows
    for draw in range(count):
        found[:, draw] = score(np.bincount(rng.integers(rows, size=rows), minlength=rows).astype(float))
    return dict(zip(RESAMPLED, found, strict=True))


def resample_by_definition(
    member: Member,
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    count: int,
    seed: tuple[int, ...],
) -> dict[str, NDArray[np.float64]]:
    """The same numbers as `resample`: the rows are drawn, and everything is measured anew."""
    each = [measure(member, labels[rows], probabilities[rows]) for rows in draws(count, member.rows, seed)]
    return {name: np.array([one[name] for one in each]) for name in RESAMPLED}


def _by_weights(
    member: Member, labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> Callable[[NDArray[np.float64]], tuple[float, float, float, float]]:
    """From weights of rows to the scores of `RESAMPLED`."""
    if member.task == "multi-label":
        parts = [
            _of_decisions([_weighted_auc(truth == 1, stated)], truth, stated > 0.5, 2)
            for truth, stated in zip(labels.T, probabilities.T, strict=True)
        ]

        def mean_of_labels(weights: NDArray[np.float64]) -> tuple[float, float, float, float]:
            auc, balacc, kappa, acc = np.mean([part(weights) for part in parts], axis=0).tolist()
            return auc, balacc, kappa, acc

        return mean_of_labels
    if member.task == "binary":
        positive = probabilities[:, -1]
        return _of_decisions([_weighted_auc(labels == 1, positive)], labels, positive > 0.5, 2)
    aucs = [_weighted_auc(labels == index, column) for index, column in enumerate(probabilities.T)]
    return _of_decisions(aucs, labels, probabilities.argmax(axis=1), len(member.classes))


def _of_decisions(
    aucs: list[Weighted], truth: NDArray[np.int64], guess: NDArray, classes: int
) -> Callable[[NDArray[np.float64]], tuple[float, float, float, float]]:
    """The mean of `aucs`, and what follows from the weighted table of true and guessed classes."""
    cells = truth * classes + guess

    def score(weights: NDArray[np.float64]) -> tuple[float, float, float, float]:
        table = np.bincount(cells, weights, classes**2).reshape(classes, classes)
        occurs, called, hits, total = table.sum(1), table.sum(0), np.diagonal(table), table.sum()
        present = occurs > 0
        chance = float(occurs @ called)
        agreed = total * float(hits.sum())
        kappa = (agreed - chance) / (total**2 - chance) if chance != total**2 else float("nan")
        balacc = float(np.mean(hits[present] / occurs[present]))
        return float(np.mean([auc(weights) for auc in aucs])), balacc, kappa, float(hits.sum() / total)

    return score


def _weighted_auc(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Weighted:
    """The chance that a positive lies above a negative, ties counting half; rows count `weights` times."""
    order = np.argsort(scores)
    is_positive = positive[order]
    values = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))  # of groups of equal scores

    def auc(weights: NDArray[np.float64]) -> float:
        sorted_weights = weights[order]
        won = np.where(is_positive, sorted_weights, 0)
        positives = np.add.reduceat(won, starts)
        negatives = np.add.reduceat(sorted_weights, starts) - positives
        below = np.cumsum(negatives)
        pairs = float(positives.sum()) * float(below[-1])
        if not pairs:
            return float("nan")
        return float(positives @ (below - negatives / 2)) / pairs

    return auc
