"""Scores for masks: overlap of each class, and whether its outline lies in the right place.

All take class numbers per pixel. One score for a whole set pools its pixels, so that large pictures weigh
more; `per_image=True` scores each picture, so that all weigh the same. The two can differ, and a paper should
say which one it reports. Where truth and prediction both lack a class there is nothing to overlap: the score
is nan, which no mean can mistake for a result, or the value given as `empty`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from teachkit.errors import FormatError, SettingsError

Masks = ArrayLike | Sequence[np.ndarray]
Pair = tuple[NDArray[np.int64], NDArray[np.int64]]


def dice(
    labels: Masks,
    predictions: Masks,
    num_classes: int,
    *,
    per_image: bool = False,
    empty: float = float("nan"),
) -> NDArray[np.float64]:
    """Overlap per class, ``2 |A and B| / (|A| + |B|)`` (Dice, 1945), which is the F1 score of the pixels.

    Args:
        labels: class index of each pixel: any shape; ``[N, H, W]`` or a list of N ``[H, W]`` for `per_image`.
        predictions: the same shape.
        num_classes: C.
        per_image: a score for each picture instead of one for all pixels together.
        empty: the score of a class that neither array contains; 1.0 rewards its correct absence.

    Returns:
        ``[C]``, or ``[N, C]`` for `per_image`.

    Raises:
        FormatError: for shapes that differ, or a class outside 0..C-1.

    >>> dice([[0, 0], [1, 1]], [[0, 0], [0, 1]], num_classes=3).round(3).tolist()
    [0.8, 0.667, nan]
    """
    return _overlap(labels, predictions, num_classes, per_image, empty, lambda both, a, b: 2 * both / (a + b))


def iou(
    labels: Masks,
    predictions: Masks,
    num_classes: int,
    *,
    per_image: bool = False,
    empty: float = float("nan"),
) -> NDArray[np.float64]:
    """Intersection over union per class, ``|A and B| / |A or B|`` (Jaccard, 1901).

    For one mask ``dice = 2 iou / (1 + iou)``, so both order two masks alike. Their means over pictures need
    not. Arguments, result and errors as in `dice`.

    >>> iou([[0, 0], [1, 1]], [[0, 0], [0, 1]], num_classes=2).round(3).tolist()
    [0.667, 0.5]
    """
    return _overlap(
        labels, predictions, num_classes, per_image, empty, lambda both, a, b: both / (a + b - both)
    )


def boundary_f(
    labels: Masks,
    predictions: Masks,
    num_classes: int,
    *,
    tolerance: float = 2,
    per_image: bool = False,
    empty: float = float("nan"),
) -> NDArray[np.float64]:
    """Agreement of outlines per class: F1 of boundary pixels with a partner nearby (Csurka et al., 2013).

    Precision is the share of the predicted boundary that lies within `tolerance` of the true one, recall the
    share of the true boundary within `tolerance` of the predicted one. A boundary pixel belongs to the class
    and touches, by its side, a pixel that does not; the edge of the picture is no boundary.

    Args:
        labels: ``[H, W]``, ``[N, H, W]`` or a list of ``[H, W]``; others as in `dice`.
        tolerance: distance in pixels. Choose it as large as two people who draw the same outline differ.
        empty: the score of a class whose boundary neither mask contains.

    Returns:
        ``[C]``: boundary pixels of all pictures together; or ``[N, C]`` for `per_image`.

    >>> import numpy as np
    >>> square = np.zeros((9, 9), int); square[2:6, 2:6] = 1
    >>> boundary_f(square, np.roll(square, 1, axis=1), 2, tolerance=1).tolist()
    [1.0, 1.0]
    """
    if tolerance < 0:
        raise SettingsError(
            f"A tolerance of {tolerance} pixels is not possible.", "Give 0 or more.", tolerance=tolerance
        )
    # For each picture and class: predicted boundary, of it near the true one; true boundary, of it near ours.
    counts = np.array(
        [
            [_boundary_counts(truth == k, guess == k, tolerance) for k in range(num_classes)]
            for truth, guess in _pictures(labels, predictions, num_classes)
        ]
    ).reshape(-1, num_classes, 4)
    if not per_image:
        counts = counts.sum(axis=0)
    guessed, guessed_near, true, true_near = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = guessed_near / guessed, true_near / true
        score = 2 * precision * recall / (precision + recall)
    score = np.where((guessed_near == 0) | (true_near == 0), 0.0, score)
    return np.where(guessed + true == 0, empty, score)


def _overlap(
    labels: Masks,
    predictions: Masks,
    num_classes: int,
    per_image: bool,
    empty: float,
    rule: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> NDArray[np.float64]:
    """`rule` of the pixels in both masks, in the true one, and in the predicted one, for each class."""
    tables = np.array(
        [
            np.bincount((truth * num_classes + guess).reshape(-1), minlength=num_classes**2)
            for truth, guess in _pictures(labels, predictions, num_classes)
        ]
    ).reshape(-1, num_classes, num_classes)
    if not per_image:
        tables = tables.sum(axis=0)
    both = np.diagonal(tables, axis1=-2, axis2=-1)
    true, guessed = tables.sum(axis=-1), tables.sum(axis=-2)
    with np.errstate(invalid="ignore"):
        return np.where(true + guessed == 0, empty, rule(both, true, guessed))


def _boundary_counts(truth: np.ndarray, guess: np.ndarray, tolerance: float) -> tuple[int, int, int, int]:
    true, guessed = _boundary(truth), _boundary(guess)
    if not true.any() or not guessed.any():
        return int(guessed.sum()), 0, int(true.sum()), 0
    near_true = ndimage.distance_transform_edt(~true) <= tolerance
    near_guessed = ndimage.distance_transform_edt(~guessed) <= tolerance
    return (
        int(guessed.sum()),
        int((guessed & near_true).sum()),
        int(true.sum()),
        int((true & near_guessed).sum()),
    )


def _boundary(mask: np.ndarray) -> NDArray[np.bool_]:
    return mask & ~ndimage.binary_erosion(mask, border_value=1)


def _pictures(labels: Masks, predictions: Masks, num_classes: int) -> list[Pair]:
    """(truth, prediction) of each picture, checked; an array of fewer than three axes is one picture."""
    truths, guesses = _each(labels), _each(predictions)
    if len(truths) != len(guesses):
        raise FormatError(
            f"{len(truths)} masks meet {len(guesses)} predictions.", "Pass both for the same images."
        )
    for truth, guess in zip(truths, guesses, strict=True):
        if truth.shape != guess.shape:
            raise FormatError(
                f"Masks of shape {list(truth.shape)} meet predictions of shape {list(guess.shape)}.",
                "Pass one class index per pixel in both.",
            )
        for name, mask in (("masks", truth), ("predictions", guess)):
            if mask.size and not 0 <= mask.min() <= mask.max() < num_classes:
                odd = mask.min() if mask.min() < 0 else mask.max()
                raise FormatError(
                    f"The {name} contain {odd}, but there are {num_classes} classes.",
                    f"Classes run from 0 to {num_classes - 1}; instance masks need Split.semantic() first.",
                    value=int(odd),
                )
    return list(zip(truths, guesses, strict=True))


def _each(masks: Masks) -> list[NDArray[np.int64]]:
    if isinstance(masks, list | tuple) and masks and isinstance(masks[0], np.ndarray):
        return [np.asarray(mask).astype(np.int64) for mask in masks]
    array = np.asarray(masks).astype(np.int64)
    return list(array) if array.ndim > 2 else [array]
