"""Means and paired differences over seeds or draws, with their intervals, for the tables of a study."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from _grid import with_interval

from teachkit.metrics import Interval, paired_difference, t_interval

BySeed = Mapping[int, float]


class Estimate(NamedTuple):
    """A mean or a mean difference over `runs` seeds or draws, with its 95 % t interval."""

    interval: Interval
    runs: int
    wanted: int
    signed: bool
    unit: str = "seeds"

    def __str__(self) -> str:
        missing = "" if self.runs == self.wanted else f" ({self.unit}: {self.runs})"
        return with_interval(self.interval, self.signed) + missing


def mean(scores: BySeed, wanted: int, unit: str = "seeds") -> Estimate | None:
    """Mean over seeds; None without any."""
    if not scores:
        return None
    return Estimate(t_interval(list(scores.values())), len(scores), wanted, False, unit)


def difference(a: BySeed, b: BySeed, wanted: int, unit: str = "seeds") -> Estimate | None:
    """Mean of a minus b over the seeds that both have; None where there is none."""
    if not (shared := sorted(set(a) & set(b))):
        return None
    interval = paired_difference([a[seed] for seed in shared], [b[seed] for seed in shared])
    return Estimate(interval, len(shared), wanted, True, unit)


def verdict(estimates: Iterable[Estimate | None]) -> str:
    """How many of many differences exclude zero, on which side; nothing where no interval is known."""
    known = [each.interval for each in estimates if each is not None and each.runs > 1]
    if not known:
        return ""
    above = sum(interval.low > 0 for interval in known)
    below = sum(interval.high < 0 for interval in known)
    middle = float(np.median([interval.value for interval in known]))
    return (
        f"Of {len(known)} intervals {above} lie wholly above 0 and {below} wholly below. "
        f"Median of the differences: {middle:+.3f}."
    )


def plural(seeds: int) -> str:
    """In words."""
    return "one seed" if seeds == 1 else f"{seeds} seeds"


def shown(estimate: Estimate | None) -> str:
    """An estimate in a table."""
    return "–" if estimate is None else str(estimate)
