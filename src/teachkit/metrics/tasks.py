"""Which scores a task is judged by, and how each is computed from probabilities."""

import numpy as np
from numpy.typing import ArrayLike

from teachkit.errors import FormatError, UnknownNameError, nearest
from teachkit.metrics.arrays import class_labels, columns, finite, same_length
from teachkit.metrics.classification import decisions
from teachkit.metrics.measures import mean_absolute_error, r_squared, root_mean_squared_error
from teachkit.metrics.pixels import dice, iou
from teachkit.metrics.ranks import auc

TASKS = ("binary", "multi-class", "multi-label", "ordinal", "segmentation", "regression")


def scores(labels: ArrayLike, probabilities: ArrayLike, task: str) -> dict[str, float]:
    """The scores of `task`, by the rules of MedMNIST's own evaluator and the BIG benchmark.

    - binary: the last column is the positive class; AUC from it, all else from ``p > 0.5``.
    - multi-class and ordinal: AUC is the mean over classes of "this class against the rest", all else from
      argmax. One absent class makes that mean nan: a mean over fewer classes would not be comparable.
    - multi-label: every label is a binary task; each score is the mean over labels.
    - regression: ``mae`` and ``rmse`` in the label's unit, ``r2``.
    - segmentation: ``acc`` over pixels; ``dice`` and ``iou``, pixels of all images together, as the mean over
      the classes present.

    Args:
        labels: ``[N]`` or ``[N, L]``; masks ``[N, H, W]`` for segmentation; numbers for regression.
        probabilities: ``[N, C]``, or ``[N]`` for binary and regression; ``[N, C, H, W]`` for segmentation.
        task: one of `TASKS`.

    Returns:
        ``auc``, ``acc``, ``balacc``, ``kappa`` for the four classification tasks, else as above.

    Raises:
        UnknownNameError: for an unknown task.
        FormatError: for shapes that do not fit each other, or numbers that are not finite.

    >>> scores([[0], [1]], [[0.9, 0.1], [0.2, 0.8]], "binary")
    {'auc': 1.0, 'acc': 1.0, 'balacc': 1.0, 'kappa': 1.0}
    """
    if task not in TASKS:
        raise UnknownNameError(f"No task '{task}'.", nearest(task, TASKS, "tasks"), task=task)
    values = finite(probabilities, "probabilities")
    if task == "regression":
        return {
            "mae": mean_absolute_error(labels, values),
            "rmse": root_mean_squared_error(labels, values),
            "r2": r_squared(labels, values),
        }
    if task == "segmentation":
        return _segmentation(np.asarray(labels), values)
    if task == "multi-label":
        return _multi_label(np.asarray(labels), values)
    truth = class_labels(labels, "labels")
    same_length(truth, values, "labels and probabilities")
    if task == "binary":
        positive = values if values.ndim == 1 else values[:, -1]
        return {"auc": auc(truth, positive), **decisions(truth, positive > 0.5)}
    if values.ndim != 2 or truth.max(initial=0) >= values.shape[1]:
        raise FormatError(
            f"Labels up to {truth.max(initial=0)} meet probabilities of shape {list(values.shape)}.",
            "Pass one column per class.",
            shape=values.shape,
        )
    one_against_rest = [auc(truth == index, column) for index, column in enumerate(columns(values))]
    return {"auc": float(np.mean(one_against_rest)), **decisions(truth, values.argmax(axis=1))}


def _multi_label(truth: np.ndarray, values: np.ndarray) -> dict[str, float]:
    if truth.ndim != 2 or truth.shape != values.shape:
        raise FormatError(
            f"Labels of shape {list(truth.shape)} meet probabilities of shape {list(values.shape)}.",
            "A multi-label task needs one probability per label: [N, L] in both.",
        )
    each = [scores(label, p, "binary") for label, p in zip(columns(truth), columns(values), strict=True)]
    return {key: float(np.mean([one[key] for one in each])) for key in each[0]}


def _segmentation(truth: np.ndarray, values: np.ndarray) -> dict[str, float]:
    if values.ndim != 4 or truth.shape != (len(values), *values.shape[2:]):
        raise FormatError(
            f"Masks of shape {list(truth.shape)} meet probabilities of shape {list(values.shape)}.",
            "Segmentation needs masks [N, H, W] and probabilities [N, C, H, W].",
        )
    guess = values.argmax(axis=1)
    count = values.shape[1]
    return {
        "acc": float(np.mean(truth == guess)) if truth.size else float("nan"),
        "dice": _mean_of_present(dice(truth, guess, count)),
        "iou": _mean_of_present(iou(truth, guess, count)),
    }


def _mean_of_present(by_class: np.ndarray) -> float:
    present = by_class[~np.isnan(by_class)]
    return float(present.mean()) if len(present) else float("nan")
