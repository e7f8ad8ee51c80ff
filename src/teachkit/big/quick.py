"""The same files by pandas and whole columns: the answer, or None for "not certain, look carefully".

Never says more than `careful`: every file it takes has no fault there and gives the same numbers, to the bit.
"""

import io
import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from teachkit.big.careful import SUM_TOLERANCE, Tables
from teachkit.big.layouts import LONGEST_LINE, Layout
from teachkit.big.suites import Member, Suite
from teachkit.big.unpacking import Text

# Sums differ in the last digit with the order of adding; what is that near to the limit is looked at closely.
SAFE_TOLERANCE = SUM_TOLERANCE - 1e-9
SURPLUS = "surplus"


def read_quickly(text: Text, layout: Layout, suite: Suite) -> Tables | None:
    """All sets of `text`, rows in the order of ids; None unless everything is plainly right."""
    lines = 0 if text.cut else _plain_lines(text.data, suite.rows + 1)
    frame = _frame(text.data, layout, suite) if lines else None
    if frame is None or len(frame) + layout.header != lines:
        return None
    numbers = frame[[f"p{index}" for index in range(layout.probabilities)]].to_numpy()
    ids = frame["id"].to_numpy()
    if layout.member:
        only = _table(layout.member, ids, numbers, layout.alone)
        return None if only is None else {layout.member.name: only}
    codes = frame["dataset"].cat.codes.to_numpy()
    if codes.min() < 0:  # a line without a name
        return None
    rows_by_set = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes)).tolist()
    tables: Tables = {}
    for name, start, end in zip(frame["dataset"].cat.categories, [0, *ends], ends, strict=False):
        if name not in suite:
            return None
        rows = rows_by_set[start:end]
        table = _table(suite[name], ids[rows], numbers[rows], alone=False)
        if table is None:
            return None
        tables[name] = table
    return tables


def _plain_lines(data: bytes, most: int) -> int:
    """The number of lines; 0 for more than `most`, or when quotes, lone carriage returns or endless lines
    leave a doubt."""
    if b'"' in data or b"\0" in data:
        return 0
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return 0
    is_end = np.frombuffer(data, dtype=np.uint8) == ord("\n")
    if np.count_nonzero(is_end) > most:
        return 0
    ends = np.flatnonzero(is_end)
    lengths = np.diff(ends, prepend=-1, append=len(data))
    if lengths.max() > LONGEST_LINE:
        return 0
    return len(ends) + (not data.endswith(b"\n"))


def _frame(data: bytes, layout: Layout, suite: Suite) -> pd.DataFrame | None:
    """The columns by name, typed; None for more rows than the suite has, or a field of another type."""
    rows = layout.member.rows if layout.member else suite.rows
    numbers = [*(f"p{index}" for index in range(layout.probabilities)), SURPLUS]
    types: dict[str, Any] = {"dataset": "category", "id": np.int64} | dict.fromkeys(numbers, np.float64)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # pandas only warns where it leaves columns out
            frame = pd.read_csv(
                io.BytesIO(data),
                header=None,
                skiprows=int(layout.header),
                names=[*layout.columns, SURPLUS],
                index_col=False,
                dtype=types,
                na_values=[""],
                keep_default_na=False,
                nrows=rows + 1,
                engine="c",
            )
    except (ValueError, OverflowError, Warning):
        return None
    return frame if 0 < len(frame) <= rows and frame[SURPLUS].isna().all() else None


def _table(
    member: Member, ids: NDArray[np.int64], numbers: NDArray[np.float64], alone: bool
) -> NDArray[np.float64] | None:
    """The rows of one set in the order of ids; None when an id or a probability is wrong."""
    if len(ids) != member.rows or ids.min() < 0 or ids.max() >= member.rows:
        return None
    if np.bincount(ids, minlength=member.rows).max() > 1:
        return None
    wanted = 1 if alone else len(member.classes)
    given, beyond = numbers[:, :wanted], numbers[:, wanted:]
    if given.shape[1] < wanted or not np.isnan(beyond).all():
        return None
    if not (given.min() >= 0 and given.max() <= 1):  # false for nan as well
        return None
    sums = given @ np.ones(wanted)
    if member.single_label and not alone and np.abs(sums - 1).max() > SAFE_TOLERANCE:
        return None
    table = np.empty((member.rows, len(member.classes)))
    table[ids] = np.hstack([1 - given, given]) if alone else given
    return table
