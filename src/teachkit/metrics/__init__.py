"""Every score once, in NumPy: notebooks, training and graders all call these functions."""

from teachkit.metrics.classification import (
    accuracy,
    balanced_accuracy,
    calibration_error,
    cohen_kappa,
    confusion_matrix,
    sensitivity,
    specificity,
    weighted_f1,
)
from teachkit.metrics.conformal import conformal_margin, interval_coverage
from teachkit.metrics.intervals import Interval, bootstrap_interval, paired_difference, t_interval
from teachkit.metrics.measures import mean_absolute_error, r_squared, root_mean_squared_error
from teachkit.metrics.objects import ObjectScores, connected_objects, object_overlaps, object_scores
from teachkit.metrics.pixels import boundary_f, dice, iou
from teachkit.metrics.ranks import auc, average_precision
from teachkit.metrics.tasks import TASKS, scores

__all__ = [
    "TASKS",
    "Interval",
    "ObjectScores",
    "accuracy",
    "auc",
    "average_precision",
    "balanced_accuracy",
    "bootstrap_interval",
    "boundary_f",
    "calibration_error",
    "cohen_kappa",
    "conformal_margin",
    "confusion_matrix",
    "connected_objects",
    "dice",
    "interval_coverage",
    "iou",
    "mean_absolute_error",
    "object_overlaps",
    "object_scores",
    "paired_difference",
    "r_squared",
    "root_mean_squared_error",
    "scores",
    "sensitivity",
    "specificity",
    "t_interval",
    "weighted_f1",
]
