"""Prediction intervals with a promise: split conformal prediction for numbers."""

import math
from collections.abc import Hashable, Sequence
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from teachkit.errors import SettingsError
from teachkit.metrics.arrays import finite, same_length
from teachkit.metrics.intervals import Interval


def conformal_margin(residuals: ArrayLike, coverage: float = 0.9) -> float:
    """How far to reach on both sides of a prediction so that new labels fall inside often enough.

    The margin is the k-th smallest of the n absolute residuals, ``k = ceil((n + 1) * coverage)``. For a new
    row from the same source, drawn like the n calibration rows, ``prediction ± margin`` then holds the label
    with probability of at least `coverage`, whatever the model. The promise is for the average row: it says
    nothing of a subgroup, and nothing of another clinic.

    Args:
        residuals: ``[n]``, label minus prediction on calibration rows that the model was not fitted on.
        coverage: wanted share, above 0 and below 1.

    Returns:
        In the unit of the label; infinite when n rows are too few for the promise (``n < coverage / (1 -
        coverage)``: 9 rows are needed for 90 %).

    Raises:
        SettingsError: a coverage that is not a share.
        FormatError: residuals that are not finite.

    Source: Lei and others, Distribution-free predictive inference for regression, JASA 113, 2018.

    >>> conformal_margin([1, -2, 3, -4, 5, -6, 7, -8, 9], coverage=0.8)
    8.0
    """
    if not 0 < coverage < 1:
        raise SettingsError(
            f"A coverage of {coverage} is not possible.", "Give a share between 0 and 1.", coverage=coverage
        )
    distances = np.sort(np.abs(finite(residuals, "residuals").reshape(-1)))
    # Rounding first: (n + 1) * 0.9 may come out a hair above the whole number it stands for.
    place = math.ceil(round((len(distances) + 1) * coverage, 9))
    return float(distances[place - 1]) if place <= len(distances) else float("inf")


@overload
def interval_coverage(
    labels: ArrayLike, predictions: ArrayLike, margin: float, groups: None = None
) -> Interval: ...
@overload
def interval_coverage(
    labels: ArrayLike, predictions: ArrayLike, margin: float, groups: Sequence[Hashable] | NDArray
) -> dict[Hashable, Interval]: ...
def interval_coverage(
    labels: ArrayLike,
    predictions: ArrayLike,
    margin: float,
    groups: Sequence[Hashable] | NDArray | None = None,
) -> Interval | dict[Hashable, Interval]:
    """Share of the labels inside ``prediction ± margin``, with Wilson's 95 % interval.

    Args:
        labels: ``[N]``.
        predictions: ``[N]``.
        margin: see `conformal_margin`; a label on the limit is inside.
        groups: ``[N]``, such as "small" and "large"; None takes all rows together.

    Returns:
        ``(share, low, high)``; with `groups` one for each, in the order in which they first occur. The
        limits take rows as independent, which several nuclei of one picture are not.

    Raises:
        FormatError: arrays of different length, or numbers that are not finite.

    Source: Wilson, Probable inference, JASA 22, 1927.

    >>> print(interval_coverage([1, 2, 3, 4], [1, 2, 3, 9], margin=1))
    0.750 [0.301, 0.954]
    """
    truth, guess = finite(labels, "labels").reshape(-1), finite(predictions, "predictions").reshape(-1)
    same_length(truth, guess)
    inside = np.abs(truth - guess) <= margin
    if groups is None:
        return _wilson(inside)
    names = np.asarray(groups)
    same_length(inside, names, "labels and groups")
    return {name: _wilson(inside[names == name]) for name in dict.fromkeys(names.tolist())}


def _wilson(hits: NDArray[np.bool_]) -> Interval:
    """Share of hits with limits that stay within 0..1 and work for small counts."""
    count = len(hits)
    if not count:
        return Interval(float("nan"), float("nan"), float("nan"))
    share, z = float(hits.mean()), float(ndtri(0.975))
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    # The formula's limits are 0 and 1 exactly for no hit and all hits, up to a rounding error.
    return Interval(share, min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share))
