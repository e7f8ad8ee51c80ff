"""The scores of one set: AUC, balanced accuracy and kappa rank by the benchmark's rules, the rest informs."""

import numpy as np
from numpy.typing import NDArray

from teachkit import metrics
from teachkit.big.suites import Member
from teachkit.metrics.arrays import columns

RANKED = ("auc", "balacc", "kappa")
AVERAGED = (*RANKED, "acc", "calibration_error")
TITLES = {
    "auc": "AUC",
    "balacc": "balanced accuracy",
    "kappa": "Cohen's kappa",
    "acc": "accuracy",
    "calibration_error": "calibration error",
    "kappa_quadratic": "quadratic kappa",
    "mae": "mean absolute error",
    "map": "mean average precision",
}


def measure(
    member: Member, labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> dict[str, float]:
    """All scores of one set.

    ``auc``, ``acc``, ``balacc``, ``kappa`` as `metrics.scores`; ``calibration_error`` of the most likely
    class, or the mean over labels. Ordinal sets add ``kappa_quadratic`` and ``mae`` (in grades, of the most
    likely grade), multi-label sets ``map``, the mean average precision over labels. Undefined scores are nan.
    """
    found = metrics.scores(labels, probabilities, member.task)
    if member.task == "multi-label":
        each = list(zip(columns(labels), columns(probabilities), strict=True))
        found["calibration_error"] = float(np.mean([metrics.calibration_error(*one) for one in each]))
        found["map"] = float(np.mean([metrics.average_precision(*one) for one in each]))
        return found
    found["calibration_error"] = metrics.calibration_error(labels, probabilities)
    if member.task == "ordinal":
        grade = probabilities.argmax(axis=1)
        found["kappa_quadratic"] = metrics.cohen_kappa(labels, grade, "quadratic")
        found["mae"] = metrics.mean_absolute_error(labels, grade)
    return found
