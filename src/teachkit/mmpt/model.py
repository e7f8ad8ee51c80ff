"""What pre-training returns: a network of several domains that answers by the statistics of your choice."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
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
from teachkit.mmpt.domains import Domain, Shelf, named
from teachkit.mmpt.history import History
from teachkit.mmpt.network import DomainNet
from teachkit.mmpt.normalisation import STATISTICS
from teachkit.mmpt.showing import activation_maps, switch
from teachkit.mmpt.validation import rule_of
from teachkit.plots import StatisticsSwitch
from teachkit.training.device import open_fabric
from teachkit.training.naming import Settings


class MMPT:
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
        return self._answers(split, domain, statistics, batch_size, device).probabilities

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
        return self._answers(split, domain, statistics, batch_size, device).scores()

    def features(
        self, split: Split, *, domain: str | None = None, statistics: str | None = None, device: str = "auto"
    ) -> NDArray[np.float32]:
        """What the backbone says of every row, before the head: [N, F]. Arguments as in `predict`."""
        number, rule = named(self.domains, split, domain), self._rule(statistics)
        with self._on(split, device) as (fabric, shelf):
            return features(self.net, fabric, shelf.domains[0], number, rule)

    def activation_maps(
        self,
        split: Split,
        target: int | NDArray[np.int64] | None = None,
        *,
        statistics: str | None = None,
        domain: str | None = None,
        device: str = "auto",
    ) -> NDArray[np.float32]:
        """Where in each picture the evidence for a class lies: class activation maps, [N, H, W].

        The map of class c is the feature map weighted by the head's weights of c, less the mean of those of
        the other classes. Positive places speak for the class.

        Args:
            split: a split of one of the domains.
            target: a class or label for all pictures, or one for each; by default the true class.
            statistics: as in `predict`.
            domain: as in `predict`.
            device: as for `pretrain`.

        Raises:
            SettingsError: for a backbone without feature map, an ordinal head with thresholds, or a target
                that is no class.

        Source: Zhou et al., Learning deep features for discriminative localization, CVPR 2016, equations 1-2.
        """
        number, rule = named(self.domains, split, domain), self._rule(statistics)
        chosen = split.labels[:, 0] if target is None else np.asarray(target, dtype=np.int64).reshape(-1)
        count = self.domains[number].outputs
        if len(chosen) not in (1, len(split)) or np.any((chosen < 0) | (chosen >= count)):
            raise SettingsError(
                f"target={target!r} does not name one of {count} classes for {len(split)} pictures.",
                f"Give one class from 0 to {count - 1}, or one for each picture.",
                target=target,
            )
        if target is None and self.domains[number].task == "multi-label":
            raise SettingsError("A picture may have several labels.", "Say which one: target=0.")
        wanted = np.broadcast_to(chosen, (len(split),)).copy()
        with self._on(split, device) as (_, shelf):
            return activation_maps(self.net, shelf.domains[0], number, wanted, rule)

    def switch(
        self, *splits: Split, positions: Sequence[str] = STATISTICS, shown: int = 200
    ) -> StatisticsSwitch:
        """The same weights by the statistics of everyone, of the domain, of the batch: clouds and scores.

        A selector in a live notebook; else all positions side by side. ``.at("domain")`` gives the scores.

        Args:
            splits: one of each domain that is asked.
            positions: of the switch.
            shown: pictures of each split that are drawn as dots; scores are of all.

        Raises:
            UnknownNameError, SettingsError: as in `predict`.
        """
        return switch(self, splits, positions, shown)

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
            with self._on(split, device) as (fabric, shelf):
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

    def _answers(
        self, split: Split, domain: str | None, statistics: str | None, batch_size: int, device: str
    ) -> Answers:
        if batch_size < 1:
            raise SettingsError(f"batch_size is {batch_size}.", "Give at least 1.", batch_size=batch_size)
        number, rule = named(self.domains, split, domain), self._rule(statistics)
        self.domains[number].check(split)
        with self._on(split, device) as (fabric, shelf):
            task = self.domains[number].task
            return answers(self.net, fabric, shelf.domains[0], number, task, rule, batch_size)

    def _rule(self, statistics: str | None) -> str:
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
    def _on(self, split: Split, device: str) -> Iterator[tuple[Fabric, Shelf]]:
        fabric = open_fabric(device, distributed=False)
        self.net.to(fabric.device)
        with torch.no_grad():
            yield fabric, Shelf.of([split], fabric.device)

    def __repr__(self) -> str:
        names = ", ".join(domain.name for domain in self.domains)
        asked = ("backbone", "norm", "sampling", "seed")
        told = ", ".join(f"{name} {self.settings[name]}" for name in asked)
        return f"<MMPT of {len(self.domains)} domains ({names}): {told}; {self.history!r}>"
