"""The runs of study 07 that are there: scores by draw, paired differences, rates chosen on validation."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from _grid import Grid, with_interval
from _hyperinit_choice import Choice, choice_path, chosen
from _hyperinit_down import DRAWS, EPOCHS, LABELS, RATES

from teachkit.metrics import Interval, paired_difference, t_interval

ByDraw = Mapping[int, float]
START_TITLES = {
    "kaiming": "Kaiming",
    "untrained": "untrained",
    "published": "as published",
    "chosen": "chosen",
    "shuffled": "chosen, shuffled",
    "long": "long run",
    "own_rotation": "own, rotation",
    "own_chosen": "own, chosen task",
}


class Estimate(NamedTuple):
    """A mean or a mean difference over draws, with its 95 % t interval."""

    interval: Interval
    draws: int
    wanted: int
    signed: bool

    def __str__(self) -> str:
        missing = "" if self.draws == self.wanted else f" (draws: {self.draws})"
        return with_interval(self.interval, self.signed) + missing


class Found:
    """Scores of the cells of one grid, each file read once."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._read: dict[str, dict[str, Any] | None] = {}

    def values(self, name: str) -> dict[str, Any] | None:
        """What the cell holds, or None when it is not there yet."""
        if name not in self._read:
            whole = self.grid.read(name)
            self._read[name] = None if whole is None else whole["values"]
        return self._read[name]

    @property
    def choice(self) -> Choice | None:
        """The pre-training that was chosen, or None before that."""
        return chosen(self.grid) if choice_path(self.grid).exists() else None

    def down(self, data: str, network: str, start: str, labels: int = LABELS) -> dict[int, dict[str, Any]]:
        """Values of a downstream cell by draw."""
        few = "" if labels == LABELS else f"_{labels}labels"
        names = {draw: f"down_{data}_{network}_{start}{few}_{draw}" for draw in DRAWS}
        return {draw: found for draw, name in names.items() if (found := self.values(name)) is not None}

    def probe(self, data: str, network: str, start: str, score: str = "auc", **more: int) -> ByDraw:
        """Test score of the linear probe by draw."""
        return {d: values["probe"][score] for d, values in self.down(data, network, start, **more).items()}

    def rate(self, data: str, network: str, start: str) -> float | None:
        """The rate with the best mean AUC on validation pictures; the smaller wins a tie."""
        cells = list(self.down(data, network, start).values())
        if not cells:
            return None
        means = {
            rate: float(np.nan_to_num(np.mean([cell["by_rate"][f"{rate:g}"] for cell in cells])))
            for rate in RATES
        }
        return max(RATES, key=lambda rate: means[rate])

    def tuned(
        self,
        data: str,
        network: str,
        start: str,
        score: str = "auc",
        *,
        rate: float | None = None,
        epoch: int = max(EPOCHS),
        labels: int = LABELS,
    ) -> ByDraw:
        """Test score after fine-tuning by draw, at the start's own rate unless another is given."""
        if (used := self.rate(data, network, start) if rate is None else rate) is None:
            return {}
        cells = self.down(data, network, start, labels)
        return {
            draw: cell["test"][f"{used:g}"][str(epoch)][score]
            for draw, cell in cells.items()
            if f"{used:g}" in cell["test"]
        }


def mean_score(scores: ByDraw, wanted: int = len(DRAWS)) -> Estimate | None:
    """Mean over draws."""
    if not scores:
        return None
    return Estimate(t_interval(list(scores.values())), len(scores), wanted, signed=False)


def difference(a: ByDraw, b: ByDraw, wanted: int = len(DRAWS)) -> Estimate | None:
    """Mean of a minus b over the draws that both have."""
    if not (shared := sorted(set(a) & set(b))):
        return None
    interval = paired_difference([a[draw] for draw in shared], [b[draw] for draw in shared])
    return Estimate(interval, len(shared), wanted, signed=True)


def verdict(estimates: Iterable[Estimate | None]) -> str:
    """How many of many differences exclude zero, on which side; nothing where no interval is known."""
    known = [each.interval for each in estimates if each is not None and each.draws > 1]
    if not known:
        return ""
    above = sum(interval.low > 0 for interval in known)
    below = sum(interval.high < 0 for interval in known)
    middle = float(np.median([interval.value for interval in known]))
    return (
        f"Of {len(known)} intervals {above} lie wholly above 0 and {below} wholly below. "
        f"Median of the differences: {middle:+.3f}."
    )


def shown(estimate: Estimate | None) -> str:
    """An estimate in a table."""
    return "–" if estimate is None else str(estimate)
