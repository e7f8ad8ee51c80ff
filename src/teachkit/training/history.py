"""What a run leaves behind besides the weights."""

from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd


@dataclass
class History:
    """The course of one training run.

    Attributes:
        epochs: one dict a pass: ``epoch`` (from 1), ``loss`` (mean over samples), ``lr``, ``seconds``, and
            with a validation split ``val_loss`` and one ``val_`` entry per score of the task.
        seconds: wall time of the run, validation included; a resumed run counts all its parts.
        train_seconds: the part spent on training batches.
        samples: training samples seen, repeats counted.
        steps: optimiser steps.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    train_seconds: float = 0.0
    samples: int = 0
    steps: int = 0

    @property
    def samples_per_s(self) -> float:
        """Training throughput."""
        return self.samples / self.train_seconds if self.train_seconds else 0.0

    @property
    def table(self) -> pd.DataFrame:
        """One row per epoch."""
        return pd.DataFrame(self.epochs).set_index("epoch") if self.epochs else pd.DataFrame()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as saved in a checkpoint; ``History(**values)`` reads them back."""
        return asdict(self)

    def __repr__(self) -> str:
        last = "".join(
            f", {key} {self.epochs[-1][key]:.3f}"
            for key in ("loss", "val_loss", "val_auc")
            if self.epochs and key in self.epochs[-1]
        )
        return (
            f"<History {self.steps} steps in {self.seconds:.1f} s, {self.samples_per_s:,.0f} samples/s{last}>"
        )

    def _repr_html_(self) -> str:
        table = self.table.to_html(float_format="{:.3f}".format)
        return f"<p>{self.steps} steps, {self.seconds:.1f} s</p>{table}"
