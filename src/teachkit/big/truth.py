"""The labels that predictions are compared with: from the data source in force, or passed in."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit import data
from teachkit.big.suites import Member, Suite
from teachkit.errors import DataError, FormatError


def truth_of(
    suite: Suite, names: tuple[str, ...], size: int, given: Mapping[str, ArrayLike] | None
) -> dict[str, NDArray[np.int64]]:
    """Labels of the sets `names`: int64 [rows], or [rows, labels] for multi-label.

    Raises:
        DataError: naming every set whose labels are not at hand.
        FormatError: labels that do not fit the suite.
    """
    found: dict[str, NDArray[np.int64]] = {}
    absent: list[str] = []
    for name in names:
        if given is not None:
            if name in given:
                found[name] = _checked(suite[name], given[name])
            else:
                absent.append(f"{name}: not in `truth`")
            continue
        try:
            split = data.load(name, "test", size)
        except DataError as error:
            absent.append(f"{name}: {error.what}")
        else:
            found[name] = _checked(suite[name], split.labels)
    if absent:
        raise DataError(
            f"The true labels of {len(absent)} of {len(names)} predicted sets are not at hand:\n  "
            + "\n  ".join(absent)
            + "\n",
            "Choose a source that has them (teachkit data list), or predict only sets that are there.",
            missing=tuple(entry.partition(":")[0] for entry in absent),
        )
    return found


def _checked(member: Member, labels: ArrayLike) -> NDArray[np.int64]:
    """The labels in one form, refused when they are those of something else."""
    array = np.asarray(labels)
    if member.single_label and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    classes = len(member.classes)
    wanted = (member.rows,) if member.single_label else (member.rows, classes)
    highest = classes - 1 if member.single_label else 1
    with np.errstate(invalid="ignore"):  # nan becomes some whole number, and differs from it below
        whole = array.astype(np.int64) if array.dtype.kind in "uifb" else None
    if array.shape != wanted or whole is None:
        fault = f"are {array.dtype} of shape {list(array.shape)}, but the suite has {list(wanted)}"
    elif not np.array_equal(whole, array) or whole.min() < 0 or whole.max() > highest:
        fault = f"run from {array.min()} to {array.max()}, but the suite has whole numbers 0 to {highest}"
    else:
        return whole
    raise FormatError(
        f"The true labels of {member.name} {fault}.",
        "Row counts differ between versions of MedMNIST; take the version that the suite names.",
        name=member.name,
    )
