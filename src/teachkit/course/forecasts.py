"""Numbers with bands: what challenge 04 hands in, a plain model to beat, and the score of a band.

A row has a value, and the lower and upper end of a band that should hold the truth in 90 of 100 rows.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from teachkit.course.challenge import read_arrays, save_arrays
from teachkit.data.splits import Split
from teachkit.errors import FormatError, UnknownNameError, nearest
from teachkit.metrics import conformal_margin

FORECASTS = "forecasts.npz"
KEYS = ("values", "low", "high", "data")
COVERAGE = 0.9
SIZE_WORDS = ("radius", "perimeter", "area")


@dataclass(frozen=True, eq=False)
class Forecasts:
    """What the challenge hands in.

    Attributes:
        values: float64 [N], one prediction for each test row in order, in the unit of the labels.
        low: float64 [N], lower ends of the bands, in the same unit.
        high: float64 [N], upper ends; ``low <= high`` in every row.
        data: name of the data set.
    """

    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    data: str


def save_forecasts(
    values: ArrayLike, low: ArrayLike, high: ArrayLike, *, data: str, path: str | Path = FORECASTS
) -> Path:
    """Write the file to hand in; it is never half written.

    Args:
        values: [N], one prediction for each test row in order.
        low: [N], lower ends of the bands.
        high: [N], upper ends.
        data: name of the data set.
        path: where to.
    """
    rows = {key: np.asarray(given, np.float64) for key, given in zip(KEYS, (values, low, high), strict=False)}
    return save_arrays(path, {**rows, "data": data})


def read_forecasts(path: str | Path = FORECASTS, *, rows: int) -> Forecasts:
    """Read such a file; nothing in it is executed.

    Args:
        path: where from.
        rows: how many rows it must hold.

    Raises:
        FormatError: the file is absent or damaged, a key is missing, a number is not finite, or a band is
            upside down.
    """
    found = read_arrays(path, KEYS)
    values, low, high = (_numbers(key, found[key], rows) for key in KEYS[:3])
    if (upside_down := low > high).any():
        row = int(upside_down.argmax())
        raise FormatError(
            f"The band of row {row} runs from {low[row]:g} to {high[row]:g}.",
            "The lower end must not lie above the upper one.",
            row=row,
        )
    return Forecasts(values, low, high, str(found["data"]))


def without_size(table: pd.DataFrame) -> pd.DataFrame:
    """The table without its columns on size: those called radius, perimeter or area."""
    return table[[name for name in table if str(name).split("_")[0] not in SIZE_WORDS]]


def plain_forecasts(train: Split, val: Split, test: Split, column: str = "concave_points_mean") -> Forecasts:
    """A plain model: a straight line through one column, and a conformal band of one width for everybody.

    Args:
        train: where the line comes from.
        val: where the width of the band comes from.
        test: the rows to predict.
        column: the one column it looks at.

    Raises:
        UnknownNameError: the tables hold no such column.
    """
    from sklearn.linear_model import LinearRegression

    line = LinearRegression().fit(_column(train, column), train.labels[:, 0])
    margin = conformal_margin(val.labels[:, 0] - line.predict(_column(val, column)), COVERAGE)
    values = line.predict(_column(test, column)).astype(np.float64)
    return Forecasts(values, values - margin, values + margin, test.info.name)


def interval_score(labels: ArrayLike, forecasts: Forecasts) -> float:
    """Mean of width and penalties of 90 % bands, in the unit of the labels; smaller is better.

    A row pays the width of its band, and 20 times the distance by which the truth lies outside. Nobody gains
    by a band that is too narrow or too wide.

    Source: Gneiting and Raftery, Strictly proper scoring rules, JASA 102, 2007, equation 43.

    >>> bands = Forecasts(np.array([1.0, 3.0]), np.array([0.0, 2.0]), np.array([2.0, 4.0]), "toy")
    >>> interval_score([1.0, 5.0], bands)
    12.0
    """
    truth = np.asarray(labels, dtype=np.float64).reshape(-1)
    outside = np.maximum(forecasts.low - truth, 0) + np.maximum(truth - forecasts.high, 0)
    return float(np.mean(forecasts.high - forecasts.low + 2 / (1 - COVERAGE) * outside))


def coverage(labels: ArrayLike, forecasts: Forecasts) -> float:
    """Share of the rows whose truth lies in the band, ends included."""
    truth = np.asarray(labels, dtype=np.float64).reshape(-1)
    return float(np.mean((forecasts.low <= truth) & (truth <= forecasts.high)))


def _column(split: Split, name: str) -> pd.DataFrame:
    """One column of the table of a split, still a table."""
    known = [] if split.table is None else [str(column) for column in split.table]
    if name not in known or split.table is None:
        raise UnknownNameError(f"No column '{name}'.", nearest(name, known, "columns"), name=name)
    return split.table[[name]]


def _numbers(key: str, values: np.ndarray, rows: int) -> NDArray[np.float64]:
    if values.shape != (rows,) or values.dtype.kind != "f":
        raise FormatError(
            f"'{key}' is {values.dtype} of shape {values.shape}.",
            f"Give {rows} numbers, one for each test row.",
            key=key,
        )
    if not np.isfinite(values).all():
        row = int((~np.isfinite(values)).argmax())
        raise FormatError(f"'{key}' is {values[row]} in row {row}.", "Give finite numbers only.", row=row)
    return values.astype(np.float64)
