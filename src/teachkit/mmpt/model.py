"""What pre-training returns: a network of several domains that answers by the statistics of your choice."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn

from teachkit.data.splits import Split
from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.mmpt import files
from teachkit.mmpt.answering import (
    CALIBRATION_IMAGES,
    ROWS_AT_ONCE,
    Answers,
    answers,
    calibrate,
    features,
    rows_at_once,
)
from teachkit.mmpt.distances import distances
from teachkit.mmpt.domains import Domain, Shelf, named
from teachkit.mmpt.figures import Figures
from teachkit.mmpt.history import History
from teachkit.mmpt.network import DomainNet
from teachkit.mmpt.normalisation import STATISTICS
from teachkit.mmpt.validation import rule_of
from teachkit.training.device import open_fabric
from teachkit.training.naming import Settings


class MMPT(Figures):
    """One backbone with a head for each domain, as `pretrain` returns it.

    Attributes:
        net: the network.
        domains: in the order of its heads.
        history: how it was trained.
        settings: with what.
    """

    def __init__(
        self, net: DomainNet, domains: tuple[Domain, ...], history: History, settings: Settings
    ) -> None:
        self.net, self.domains, self.history, self.settings = net, domains, history, settings

    @property
    def statistics(self) -> str:
        """Whose statistics BatchNorm uses unless it is told otherwise: "everyone" or "domain"."""
        return rule_of(str(self.settings["norm"]))

    def predict(
        self,
        split: Split,
        *,
        domain: str | None = None,
        statistics: str | None = None,
        batch_size: int = ROWS_AT_ONCE,
        device: str = "auto",
    ) -> NDArray[np.float32]:
        """Probabilities of the classes for every row: [N, C].

        Args:
            split: a split of one of the domains.
            domain: its name, where the name of the set does not say which.
            statistics: whose mean and variance BatchNorm uses: "everyone" (the running average over all
                domains), "domain", or "batch" (of up to `batch_size` rows, which then decides the answer). A
                network without BatchNorm answers the same to all three.
            batch_size: rows at once.
            device: as for `pretrain`.

        Raises:
            UnknownNameError: when the split belongs to no domain.
            FormatError: when the network cannot take it.
            SettingsError: for the statistics of everyone where every domain has its own layers.
        """
        return self.answer(
            split, domain=domain, statistics=statistics, batch_size=batch_size, device=device
        ).probabilities

    def evaluate(
        self,
        split: Split,
        *,
        domain: str | None = None,
        statistics: str | None = None,
        batch_size: int = ROWS_AT_ONCE,
        device: str = "auto",
    ) -> dict[str, float]:
        """The mean loss of a split, and the scores of its task: loss, auc, acc, balacc, kappa.

        Arguments and errors as in `predict`; rules as in `teachkit.metrics.scores`.
        """
        return self.answer(
            split, domain=domain, statistics=statistics, batch_size=batch_size, device=device
        ).scores()

    def answer(
        self,
        split: Split,
        *,
        domain: str | None = None,
        statistics: str | None = None,
        batch_size: int = ROWS_AT_ONCE,
        device: str = "auto",
    ) -> Answers:
        """Probabilities, truth and loss together. Arguments and errors as in `predict`."""
        if batch_size < 1:
            raise SettingsError(f"batch_size is {batch_size}.", "Give at least 1.", batch_size=batch_size)
        number, rule = named(self.domains, split, domain), self.rule(statistics)
        self.domains[number].check(split)
        with self.on(split, device) as (fabric, shelf):
            task = self.domains[number].task
            return answers(self.net, fabric, shelf.domains[0], number, task, rule, batch_size)

    def predictions(
        self, *splits: Split, statistics: str | None = None, device: str = "auto"
    ) -> dict[str, NDArray[np.float32]]:
        """Name of each set to the probabilities of its split, as `big.write_predictions` takes them.

        Args:
            splits: one of each domain.
            statistics, device: as in `predict`.

        Raises:
            SettingsError: when two splits are of one set.
        """
        names = [split.info.name for split in splits]
        if twice := [name for name in names if names.count(name) > 1]:
            raise SettingsError(
                f"Two splits are of the set '{twice[0]}'.", "Give one of each.", name=twice[0]
            )
        return {s.info.name: self.predict(s, statistics=statistics, device=device) for s in splits}

    def by_statistics(
        self, *splits: Split, score: str = "loss", positions: Sequence[str] = STATISTICS
    ) -> pd.DataFrame:
        """The same pictures read by each of the statistics: a row for each domain, a column for each of them.

        With training pictures, "batch" is what the network saw in training, up to the size of the batch.

        Args:
            splits: one of each domain that is asked.
            score: "loss", "auc", "acc", "balacc" or "kappa".
            positions: statistics, in the order of the columns.

        Raises:
            UnknownNameError, SettingsError: as in `evaluate`, and for another score.
        """
        rows: dict[str, dict[str, float]] = {}
        for split in splits:
            found = {rule: self.evaluate(split, statistics=rule) for rule in positions}
            known = next(iter(found.values()))
            if score not in known:
                raise UnknownNameError(f"No score '{score}'.", nearest(score, known, "scores"), name=score)
            rows[self.domain_of(split).name] = {rule: told[score] for rule, told in found.items()}
        return pd.DataFrame(rows).T.rename_axis("domain")

    def features(
        self, split: Split, *, domain: str | None = None, statistics: str | None = None, device: str = "auto"
    ) -> NDArray[np.float32]:
        """What the backbone says of every row, before the head: [N, F]. Arguments as in `predict`."""
        number, rule = named(self.domains, split, domain), self.rule(statistics)
        with self.on(split, device) as (fabric, shelf):
            return features(self.net, fabric, shelf.domains[0], number, rule)

    def distances(self) -> pd.DataFrame:
        """How far the statistics of each domain lie from those of everyone, layer by layer; see `distances`.

        0: the same; 1: no overlap at all. A mean that is one standard deviation away gives 0.34.
        """
        return distances(self.net, self.domains)

    def domain_of(self, split: Split) -> Domain:
        """The domain that a split belongs to, by the name of its set."""
        return self.domains[named(self.domains, split)]

    def recalibrate(
        self,
        *splits: Split,
        domain: str | None = None,
        images: int = CALIBRATION_IMAGES,
        device: str = "auto",
    ) -> None:
        """Replace the statistics of the domains of `splits` by those of their pictures, without labels.

        Nothing is trained. They are used by ``statistics="domain"``.

        Args:
            splits: one for each domain to be changed.
            domain: its name, for a single split of another set, such as your own pictures.
            images: at most so many of each, evenly spread.
            device: as for `pretrain`.

        Raises:
            SettingsError: for less than two images, or a domain named for several splits.
            UnknownNameError: when a split belongs to no domain.
        """
        if images < 2 or (domain is not None and len(splits) != 1):
            raise SettingsError(
                f"{images} images of {len(splits)} splits, domain={domain!r}.",
                "Use at least two images, and name a domain for one split only.",
                images=images,
            )
        for split in splits:
            number = named(self.domains, split, domain)
            with self.on(split, device) as (fabric, shelf):
                at_once = rows_at_once(self.net, shelf.domains[0])
                calibrate(self.net, number, shelf.spread(0, images, at_once), fabric)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write network, domains, settings and history to one file, whole or not at all; returns the path."""
        return files.save(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str], backbone: nn.Module | None = None) -> "MMPT":
        """What was saved at `path`.

        Args:
            backbone: one like it, where the network was trained around a module of the caller's.

        Raises:
            FormatError: when the file is not whole, or something else.
            SettingsError: when a backbone is needed and not given.
        """
        return files.load(cls, Path(path), backbone)

    def rule(self, statistics: str | None) -> str:
        """Whose statistics are used when these are asked for; None is what the norm says.

        Raises:
            UnknownNameError: for other ones.
            SettingsError: for those of everyone where every domain has its own layers.
        """
        rule = statistics or self.statistics
        if rule not in STATISTICS:
            raise UnknownNameError(
                f"No statistics '{rule}'.", nearest(rule, STATISTICS, "statistics"), name=rule
            )
        if rule == "everyone" and self.settings["norm"] == "domain" and self.net.has_statistics:
            raise SettingsError(
                'With norm="domain" no layer knows the statistics of everyone.', 'Use "domain" or "batch".'
            )
        return rule

    @contextmanager
    def on(self, split: Split, device: str) -> Iterator[tuple[Fabric, Shelf]]:
        """The network and one split on a device, without gradients."""
        fabric = open_fabric(device, distributed=False)
        self.net.to(fabric.device)
        with torch.no_grad():
            yield fabric, Shelf.of([split], fabric.device)

    @property
    def in_short(self) -> str:
        """How it was made, for titles."""
        told = f"{self.settings['backbone']}, norm {self.settings['norm']!r}, {self.settings['sampling']}"
        return f"{told}, seed {self.settings['seed']}"

    def __repr__(self) -> str:
        names = ", ".join(domain.name for domain in self.domains)
        asked = ("backbone", "norm", "sampling", "seed")
        told = ", ".join(f"{name} {self.settings[name]}" for name in asked)
        return f"<MMPT of {len(self.domains)} domains ({names}): {told}; {self.history!r}>"
