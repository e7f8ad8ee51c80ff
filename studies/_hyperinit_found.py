"""The runs of study 07 that are there: scores by draw, paired differences, rates chosen on validation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from _estimates import Estimate, mean
from _estimates import difference as paired
from _grid import Cells
from _hyperinit_choice import Choice, choice_path, chosen
from _hyperinit_down import DRAWS, EPOCHS, LABELS, RATES

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


class Found(Cells):
    """Scores of the cells of one grid, each file read once."""

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
    return mean(scores, wanted, "draws")


def difference(a: ByDraw, b: ByDraw, wanted: int = len(DRAWS)) -> Estimate | None:
    """Mean of a minus b over the draws that both have."""
    return paired(a, b, wanted, "draws")
