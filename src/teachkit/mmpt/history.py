"""The course of a run: losses and scores of every domain after every pass."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.plots import Picture, curves


@dataclass
class History:
    """What a run leaves behind besides the weights.

    Attributes:
        domains: their names.
        epochs: one dict a pass: epoch (from 1), loss (mean over rows, unweighted), lr, head_lr, seconds; with
            validation also val_loss (weighted as in training, each batch counts alike) and val_auc (mean over
            domains, each counts alike).
        scores: one dict for each pass and domain: epoch, domain, rows (seen in this pass), loss; with
            validation also val_loss, val_auc, val_acc, val_balacc, val_kappa.
        seen: rows of each domain that were learned from, repeats counted.
        steps: optimiser steps.
        seconds: wall time, validation included; a resumed run counts all its parts.
        train_seconds: the part spent on training batches.
        best_epoch: pass whose weights were kept.
        stopped: whether patience ended the run.
        idle_change: largest change of a number of a head in a step without pictures of its domain; nan when
            nobody watched.
    """

    domains: list[str]
    epochs: list[dict[str, float]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    train_seconds: float = 0.0
    best_epoch: int = 0
    stopped: bool = False
    idle_change: float = float("nan")

    @property
    def samples_per_s(self) -> float:
        """Training throughput."""
        return sum(self.seen) / self.train_seconds if self.train_seconds else 0.0

    def by_domain(self, what: str = "val_auc") -> pd.DataFrame:
        """One score, a row for each pass and a column for each domain.

        Raises:
            UnknownNameError: when nothing of this name was noted.
        """
        known = set().union(*self.scores) - {"epoch", "domain"} if self.scores else set()
        if what not in known:
            raise UnknownNameError(f"The history has no '{what}'.", nearest(what, known, "scores"), name=what)
        rows = pd.DataFrame(self.scores)
        return rows.pivot(index="epoch", columns="domain", values=what)[self.domains]

    @property
    def table(self) -> pd.DataFrame:
        """Validation AUC of each domain and their mean after each pass, and the losses."""
        table = pd.DataFrame(self.epochs).set_index("epoch") if self.epochs else pd.DataFrame()
        if "val_auc" not in table:
            return table
        return self.by_domain().join(
            table[["val_auc", "loss", "val_loss"]].rename(columns={"val_auc": "mean"})
        )

    @property
    def forgotten(self) -> pd.DataFrame:
        """What the last passes took away: for each domain "learned", "kept" and "lost" validation AUC.

        "learned" is the AUC after the last pass that showed the domain, "kept" the one after the last pass.

        Raises:
            UnknownNameError: when there was no validation.
        """
        aucs, rows = self.by_domain("val_auc"), self.by_domain("rows")
        shown = {name: rows.index[rows[name] > 0] for name in self.domains}
        learned = [aucs.at[shown[name][-1], name] if len(shown[name]) else np.nan for name in self.domains]
        kept = aucs.iloc[-1].to_numpy()
        columns = {"learned": learned, "kept": kept, "lost": np.array(learned) - kept}
        return pd.DataFrame(columns, index=pd.Index(self.domains, name="domain"))

    def plot(self, what: str = "val_auc", title: str = "") -> Picture:
        """One score of each domain against the passes: "val_auc", "val_loss", "loss", "val_balacc", ...

        Raises:
            UnknownNameError: when nothing of this name was noted.
            SettingsError: before the first pass.
        """
        if not self.epochs:
            raise SettingsError("Nothing was trained.", "Plot after a pass.")
        table = self.by_domain(what).dropna()
        return curves(
            {str(name): [column.to_list()] for name, column in table.items()},
            table.index.to_list(),
            ylabel=what.replace("val_", "validation ").replace("auc", "AUC"),
            title=title or "One network, a head for each domain",
        )

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
