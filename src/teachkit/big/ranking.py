"""From scores to places. Pure functions of their arguments: no clock, no database, no web."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from teachkit.errors import SettingsError

DECIMALS = 4  # as printed; who cannot be told apart in print shares a place
LOWER_IS_BETTER = frozenset({"calibration_error", "mae"})
Name = TypeVar("Name", bound=Hashable)


def places(values: Sequence[float], *, higher_is_better: bool = True) -> list[int]:
    """The place of each value, from 1. Equal ones share the better place: 1, 2, 2, 4.

    Args:
        values: finite; compared after rounding to `DECIMALS`.

    Raises:
        SettingsError: for a value that is no number; such an entry has no place and must be left out.
    """
    if not all(map(math.isfinite, values)):
        raise SettingsError(
            f"{sum(not math.isfinite(one) for one in values)} of {len(values)} scores are not finite.",
            "Leave them out: an undefined score has no place.",
        )
    shown = np.round(np.asarray(values, dtype=np.float64), DECIMALS)
    ordered = np.sort(-shown if higher_is_better else shown)
    return (np.searchsorted(ordered, -shown if higher_is_better else shown) + 1).tolist()


def mean_ranks(
    scores: Mapping[Name, Mapping[str, float]], sets: Iterable[str], *, higher_is_better: bool = True
) -> dict[Name, float]:
    """The mean over sets of the place in each set; only for entries that have a finite score in every set.

    Places among ties are averaged here (two that share 2 and 3 both count 2.5), so that the mean over
    entries does not depend on how many ties there are.
    """
    wanted = list(sets)
    whole = {
        name: [values[one] for one in wanted]
        for name, values in scores.items()
        if all(math.isfinite(values.get(one, math.nan)) for one in wanted)
    }
    if not whole:
        return {}
    table = np.round(np.array(list(whole.values())), DECIMALS)
    signed = -table if higher_is_better else table
    ranks = np.empty_like(signed)
    for column in range(signed.shape[1]):
        ordered = np.sort(signed[:, column])
        first = np.searchsorted(ordered, signed[:, column], "left")
        last = np.searchsorted(ordered, signed[:, column], "right")
        ranks[:, column] = (first + 1 + last) / 2
    return dict(zip(whole, ranks.mean(axis=1).tolist(), strict=True))


def best_of_each(
    entries: Iterable[tuple[Name, Hashable, float]], *, higher_is_better: bool = True
) -> list[Name]:
    """Of (entry, owner, score), the best entry of each owner; of equal ones, the one that comes first."""
    best: dict[Hashable, tuple[float, Name]] = {}
    for name, owner, score in entries:
        value = round(score if higher_is_better else -score, DECIMALS)
        if owner not in best or value > best[owner][0]:
            best[owner] = (value, name)
    return [name for _, name in best.values()]
