"""What a segmentation model does class by class, and which of its pictures to look at."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from teachkit.data.splits import Split
from teachkit.errors import SettingsError
from teachkit.metrics import boundary_f, dice, iou

Masks = NDArray[np.int64]


def predicted_masks(split: Split, probabilities: NDArray[np.float32]) -> tuple[Masks, Masks]:
    """True and predicted class of each pixel, ``[N, H, W]`` both.

    Raises:
        SettingsError: when the set has no classes per pixel.
    """
    if split.info.task != "segmentation" or split.masks is None:
        raise SettingsError(
            f"{split.title} is a {split.info.task} set.",
            "Scores by pixel need a segmentation set.",
            task=split.info.task,
        )
    return np.asarray(split.masks).astype(np.int64), probabilities.argmax(axis=1)


def scores_by_class(truth: Masks, guess: Masks, classes: Sequence[str]) -> pd.DataFrame:
    """One row per class.

    Args:
        truth: class of each pixel ``[N, H, W]``.
        guess: the same of a model.
        classes: names in order of their numbers.

    Returns:
        ``share`` of the true pixels; ``recall``, the share of the class's pixels that are found; ``dice`` and
        ``iou`` of all pixels together; ``dice_per_image``, the mean over images in which the class occurs or
        is predicted; ``boundary_f`` within 2 pixels. nan where a class occurs nowhere.
    """
    count = len(classes)
    true = np.bincount(truth.reshape(-1), minlength=count)
    found = np.bincount(truth[truth == guess], minlength=count)
    each = dice(truth, guess, count, per_image=True)
    seen = (~np.isnan(each)).sum(axis=0)
    with np.errstate(invalid="ignore"):
        columns = {
            "share": true / truth.size,
            "recall": found / true,
            "dice": dice(truth, guess, count),
            "dice_per_image": np.nansum(each, axis=0) / seen,
            "iou": iou(truth, guess, count),
            "boundary_f": boundary_f(truth, guess, count),
        }
    return pd.DataFrame(columns, index=pd.Index(classes, name="class"))


def rows_from_worst_to_best(truth: Masks, guess: Masks, rows: int, num_classes: int) -> dict[int, float]:
    """Row number → mean Dice over its classes, for `rows` pictures at even distances in that order.

    A rule instead of a choice: nobody picks the pictures that flatter the model. Pictures whose truth holds
    one class only have nothing to outline; they are left out as long as there are others.
    """
    mixed = np.array([(mask != mask.flat[0]).any() for mask in truth])
    candidates = np.flatnonzero(mixed) if mixed.any() else np.arange(len(truth))
    each = dice(truth, guess, num_classes, per_image=True)
    mean = np.nanmean(each, axis=1)  # a picture shows at least one class
    order = candidates[np.argsort(mean[candidates], kind="stable")]
    places = np.unique(np.linspace(0, len(order) - 1, min(rows, len(order))).round().astype(int))
    return {int(row): float(mean[row]) for row in order[places]}
