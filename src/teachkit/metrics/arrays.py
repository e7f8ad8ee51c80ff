"""What every metric checks before it counts: shapes, lengths and finite numbers."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit.errors import FormatError


def class_labels(values: ArrayLike, name: str) -> NDArray[np.int64]:
    """Class indices as int64 ``[N]``; a column ``[N, 1]`` counts as ``[N]``.

    Raises:
        FormatError: for more than one column, or values that are not whole numbers.
    """
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise FormatError(
            f"{name} have shape {list(array.shape)}, but one class per row is needed.",
            "Pass a one-dimensional array of class indices.",
            shape=array.shape,
        )
    whole = array.astype(np.int64, copy=False)
    if array.dtype.kind not in "bi" and not np.array_equal(whole, array):
        odd = array[whole != array][0]
        raise FormatError(
            f"{name} contain {odd}, which is not a class index.",
            "Turn probabilities into classes first, by a threshold or argmax.",
            value=odd,
        )
    return whole


def binary_labels(labels: ArrayLike) -> NDArray[np.bool_]:
    """Labels 0 and 1 as False and True.

    Raises:
        FormatError: naming the first other label.
    """
    truth = class_labels(labels, "labels")
    if truth.min(initial=0) < 0 or truth.max(initial=0) > 1:
        odd = truth[(truth != 0) & (truth != 1)]
        raise FormatError(
            f"A binary score met the label {odd[0]}.",
            "Compare with the positive class first: labels == positive.",
            value=int(odd[0]),
        )
    return truth.astype(bool)


def finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """The values as float64, refused when one of them is nan or infinite.

    Raises:
        FormatError: naming the first value that is not finite and its position.
    """
    array = np.asarray(values, dtype=np.float64)
    is_finite = np.isfinite(array)
    if not is_finite.all():
        where = tuple(int(i) for i in np.argwhere(~is_finite)[0])
        raise FormatError(
            f"{name} contain {array[where]} at position {list(where)}.",
            "A score of broken numbers means nothing; find out where they come from.",
            position=where,
        )
    return array


def same_length(first: np.ndarray, second: np.ndarray, names: str = "labels and predictions") -> None:
    """Refuse two arrays with different numbers of rows.

    Raises:
        FormatError: naming both lengths.
    """
    if len(first) != len(second):
        raise FormatError(
            f"The {names} differ in length: {len(first)} and {len(second)}.",
            "Pass both for the same images, in the same order.",
            lengths=(len(first), len(second)),
        )


def columns(table: np.ndarray) -> np.ndarray:
    """The columns of a table ``[N, C]`` as rows ``[C, N]``, each in one piece, which sorts twice as fast."""
    return np.ascontiguousarray(table.T)
