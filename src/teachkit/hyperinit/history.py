"""What pre-training leaves behind besides the hyper-network's weights."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from teachkit.errors import SettingsError
from teachkit.plots import Picture, curves


@dataclass
class History:
    """The course of one pre-training run.

    Attributes:
        losses: mean loss of the networks of each step, on their own batches; nan where all were skipped.
        accuracies: the same for the share of right answers.
        unseen: one row for each unseen network and time of asking: step, network, loss, accuracy. These
            networks are never trained: all their numbers are predicted.
        skipped: networks whose loss or gradient was no number; they did not change anything.
        inputs: inputs that all networks saw, over all processes.
        seconds: wall time of all steps; a resumed run counts all its parts.
        chance: accuracy of a guess, for the unseen networks.
    """

    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    unseen: list[dict[str, Any]] = field(default_factory=list)
    skipped: int = 0
    inputs: int = 0
    seconds: float = 0.0
    chance: float = float("nan")

    @property
    def steps(self) -> int:
        """Steps done."""
        return len(self.losses)

    @property
    def images_per_s(self) -> float:
        """Inputs of all networks in a second."""
        return self.inputs / self.seconds if self.seconds else 0.0

    @property
    def table(self) -> pd.DataFrame:
        """Accuracy of each unseen network (columns) after so many steps (rows)."""
        if not self.unseen:
            return pd.DataFrame()
        rows = pd.DataFrame(self.unseen)
        return rows.pivot(index="step", columns="network", values="accuracy")[list(rows["network"].unique())]

    def unseen_mean(self, what: str = "accuracy") -> float:
        """Mean "accuracy" or "loss" over the unseen networks when they were last asked; nan if never."""
        last = [row[what] for row in self.unseen if row["step"] == self.unseen[-1]["step"]]
        return float(np.mean(last)) if last else float("nan")

    def plot(self, title: str = "") -> Picture:
        """Accuracy of each unseen network and of a guess, against the steps of pre-training.

        Raises:
            SettingsError: when no network was asked.
        """
        if self.table.empty:
            raise SettingsError("No unseen network was asked.", "Pre-train with unseen=references().")
        series = {str(name): [column.to_list()] for name, column in self.table.items()}
        if np.isfinite(self.chance):
            series["a guess"] = [[self.chance] * len(self.table)]
        return curves(
            series,
            self.table.index.to_list(),
            xlabel="steps of pre-training",
            ylabel="accuracy with predicted numbers",
            title=title or "Networks that were never trained",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as saved in a checkpoint; ``History(**values)`` reads them back."""
        return asdict(self)

    def __repr__(self) -> str:
        if not self.steps:
            return "<History, no steps>"
        recent = np.array([self.losses[-20:], self.accuracies[-20:]])
        loss, accuracy = (float(np.nanmean(row)) if np.isfinite(row).any() else np.nan for row in recent)
        unseen = f", unseen networks {self.unseen_mean():.3f}" if self.unseen else ""
        skipped = f", {self.skipped} networks skipped" if self.skipped else ""
        return (
            f"<History {self.steps} steps in {self.seconds:.1f} s, {self.images_per_s:,.0f} inputs/s, "
            f"loss {loss:.3f}, accuracy {accuracy:.3f}{unseen}{skipped}>"
        )
