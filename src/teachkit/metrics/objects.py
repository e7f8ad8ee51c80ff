"""Scores for objects: how many were found, and how many were not. Pixels cannot answer this."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from teachkit.errors import FormatError, SettingsError
from teachkit.metrics.arrays import same_length

_TOUCHING = np.ones((3, 3), bool)  # by their sides or by a corner


@dataclass(frozen=True)
class ObjectScores:
    """Objects of the truth and of a prediction, matched one to one.

    Attributes:
        true: objects in the truth.
        predicted: objects in the prediction.
        matched: pairs of the two that overlap enough.
    """

    true: int
    predicted: int
    matched: int

    @property
    def missed(self) -> int:
        """Objects of the truth without a partner."""
        return self.true - self.matched

    @property
    def invented(self) -> int:
        """Objects of the prediction without a partner."""
        return self.predicted - self.matched

    @property
    def precision(self) -> float:
        """Share of the predicted objects that are right; nan without any."""
        return self.matched / self.predicted if self.predicted else float("nan")

    @property
    def recall(self) -> float:
        """Share of the true objects that are found; nan without any."""
        return self.matched / self.true if self.true else float("nan")

    @property
    def f1(self) -> float:
        """``2 matched / (true + predicted)``; nan when both are none."""
        total = self.true + self.predicted
        return 2 * self.matched / total if total else float("nan")

    def __add__(self, other: "ObjectScores") -> "ObjectScores":
        """The scores of both sets of pictures together."""
        return ObjectScores(
            self.true + other.true, self.predicted + other.predicted, self.matched + other.matched
        )


def connected_objects(mask: ArrayLike, smallest: int = 1) -> NDArray[np.int64]:
    """Number the connected pieces of a mask: what touches, by a side or a corner, becomes one object.

    Args:
        mask: ``[H, W]``; every value other than 0 belongs to an object.
        smallest: pieces of fewer pixels are left out.

    Returns:
        ``[H, W]``: 0 for background, 1..n for the objects, from top to bottom.

    >>> connected_objects([[1, 0, 1], [1, 0, 0]]).tolist()
    [[1, 0, 2], [1, 0, 0]]
    """
    array = np.asarray(mask)
    if array.ndim != 2:
        raise FormatError(
            f"A mask of shape {list(array.shape)} is no single picture.",
            "Pass one mask [H, W].",
            shape=array.shape,
        )
    pieces = ndimage.label(array != 0, _TOUCHING)[0].astype(np.int64)
    large = np.bincount(pieces.reshape(-1)) >= smallest
    large[0] = False
    return np.where(large, np.cumsum(large), 0)[pieces]


def object_scores(
    truth: ArrayLike | Sequence[np.ndarray], predicted: ArrayLike | Sequence[np.ndarray], iou: float = 0.5
) -> ObjectScores:
    """Match predicted objects with true ones; a pair counts when its intersection over union is above `iou`.

    Above 0.5 no object can have two partners (Kirillov et al., 2019). Below, the pairs are chosen that match
    most objects.

    Args:
        truth: instance mask ``[H, W]``, 0 for background; or a list of them, scored together.
        predicted: the same shape; see `connected_objects`.
        iou: from 0 to 1.

    Raises:
        FormatError: for shapes that differ.
        SettingsError: for an `iou` outside 0..1.

    >>> object_scores([[1, 1, 0, 2]], [[5, 5, 0, 0]])
    ObjectScores(true=2, predicted=1, matched=1)
    """
    if not 0 <= iou < 1:
        raise SettingsError(f"An overlap above {iou} is not possible.", "Give 0 or more, below 1.", iou=iou)
    if isinstance(truth, list | tuple) and truth and isinstance(truth[0], np.ndarray):
        same_length(truth, predicted, "lists of masks")  # type: ignore[arg-type]
        pairs = zip(truth, predicted, strict=True)  # type: ignore[arg-type]
        return sum((object_scores(one, other, iou) for one, other in pairs), ObjectScores(0, 0, 0))
    overlaps = object_overlaps(truth, predicted)
    enough = overlaps > iou
    rows, columns = linear_sum_assignment(enough, maximize=True)
    count, others = overlaps.shape
    return ObjectScores(count, others, int(enough[rows, columns].sum()))


def object_overlaps(truth: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of every true object with every predicted one: ``[true, predicted]``.

    >>> object_overlaps([[1, 1, 0, 2]], [[5, 0, 0, 7]]).tolist()
    [[0.5, 0.0], [0.0, 1.0]]
    """
    first, second = np.asarray(truth), np.asarray(predicted)
    if first.shape != second.shape:
        raise FormatError(
            f"Masks of shape {list(first.shape)} meet predictions of shape {list(second.shape)}.",
            "Pass two instance masks of the same picture.",
        )
    (names, rows), (others, columns) = (np.unique(mask, return_inverse=True) for mask in (first, second))
    shape = (len(names), len(others))
    both = np.bincount(rows.reshape(-1) * shape[1] + columns.reshape(-1), minlength=shape[0] * shape[1])
    both = both.reshape(shape)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    objects = np.ix_(names != 0, others != 0)
    return both[objects] / either[objects]
