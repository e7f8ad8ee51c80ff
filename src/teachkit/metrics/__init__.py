"""Every score once, in NumPy: notebooks, training and graders all call these functions."""

from teachkit.metrics.classification import (
    accuracy,
    auc,
    balanced_accuracy,
    calibration_error,
    cohen_kappa,
    confusion_matrix,
    sensitivity,
    specificity,
)
from teachkit.metrics.intervals import Interval, bootstrap_interval, paired_difference, t_interval
from teachkit.metrics.measures import dice, mean_absolute_error, r_squared, root_mean_squared_error
from teachkit.metrics.tasks import TASKS, scores

__all__ = [
    "TASKS",
    "Interval",
    "accuracy",
    "auc",
    "balanced_accuracy",
    "bootstrap_interval",
    "calibration_error",
    "cohen_kappa",
    "confusion_matrix",
    "dice",
    "mean_absolute_error",
    "paired_difference",
    "r_squared",
    "root_mean_squared_error",
    "scores",
    "sensitivity",
    "specificity",
    "t_interval",
]
