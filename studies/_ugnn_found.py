"""The runs of study 06 that are there: scores by fold, paired differences, rates chosen on validation."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from _grid import Grid, with_interval
from _ugnn_arms import FOLDS, RATES, Cell

from teachkit.metrics import Interval, paired_difference, t_interval

ByFold = Mapping[int, float]


class Estimate(NamedTuple):
    """A mean or a mean difference over folds, with its 95 % t interval."""

    interval: Interval
    folds: int
    signed: bool

    def __str__(self) -> str:
        missing = "" if self.folds == len(FOLDS) else f" (folds: {self.folds})"
        return with_interval(self.interval, self.signed) + missing


class Found:
    """Scores of the cells of one grid, each file read once."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._read: dict[str, dict[str, Any] | None] = {}

    def values(self, cell: Cell) -> dict[str, Any] | None:
        """What the cell holds, or None when it is not there yet."""
        if cell.name not in self._read:
            whole = self.grid.read(cell.name)
            self._read[cell.name] = None if whole is None else whole["values"]
        return self._read[cell.name]

    def scores(
        self,
        key: str,
        arm: str,
        lr: float | None,
        score: str = "f1",
        *,
        model: str | None = None,
        split: str = "test",
        union: str = "reference",
        longer: int = 1,
    ) -> dict[int, float]:
        """A score by fold: of one model, or the mean over the three; nothing where `lr` is None."""
        found: dict[int, float] = {}
        if lr is None:
            return found
        for fold in FOLDS:
            if (values := self.values(Cell(key, arm, lr, fold, union, longer))) is not None:
                by_model = values[split]
                wanted = by_model if model is None else [model]
                found[fold] = float(np.mean([by_model[name][score] for name in wanted]))
        return found

    def rate(self, key: str, arm: str) -> float | None:
        """The rate with the best weighted F1 on validation, mean over folds and models.

        Only folds that have all rates count; the smaller rate wins a tie. None when there is no such fold.
        """
        by_rate = {lr: self.scores(key, arm, lr, split="val") for lr in RATES}
        shared = set.intersection(*(set(folds) for folds in by_rate.values()))
        if not shared:
            return None
        return max(sorted(by_rate), key=lambda lr: np.mean([by_rate[lr][fold] for fold in sorted(shared)]))

    def complete(self, cells: Iterable[Cell]) -> bool:
        """True when every one of the cells is there."""
        return all(self.values(cell) is not None for cell in cells)


def mean(scores: ByFold) -> Estimate | None:
    """Mean over folds."""
    if not scores:
        return None
    return Estimate(t_interval(list(scores.values())), len(scores), signed=False)


def difference(a: ByFold, b: ByFold) -> Estimate | None:
    """Mean of a minus b over the folds that both have."""
    shared = sorted(set(a) & set(b))
    if not shared:
        return None
    interval = paired_difference([a[fold] for fold in shared], [b[fold] for fold in shared])
    return Estimate(interval, len(shared), signed=True)


def minus(a: ByFold, b: ByFold) -> dict[int, float]:
    """a minus b, fold by fold."""
    return {fold: a[fold] - b[fold] for fold in a if fold in b}


def verdict(estimates: Iterable[Estimate | None]) -> str:
    """How many of many differences lie wholly on one side of zero."""
    known = [each.interval for each in estimates if each is not None and each.folds > 1]
    if not known:
        return ""
    above = sum(interval.low > 0 for interval in known)
    below = sum(interval.high < 0 for interval in known)
    same = sum(interval.low == interval.high == 0 for interval in known)
    middle = float(np.median([interval.value for interval in known]))
    exact = f" Exactly 0 in every fold: {same}." if same else ""
    return (
        f"Of {len(known)} intervals {above} lie wholly above 0 and {below} wholly below; where nothing "
        f"differs, chance puts about one in twenty on one side. Median of the differences: {middle:+.3f}."
        f"{exact}"
    )
