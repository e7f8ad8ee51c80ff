"""The data sets that one network learns together, each a domain with a task of its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from teachkit import data
from teachkit.data.splits import Split
from teachkit.errors import FormatError, SettingsError, UnknownNameError, nearest
from teachkit.mmpt.sampling import Batch
from teachkit.training.batches import Batches

TASKS = ("binary", "multi-class", "multi-label", "ordinal")
Domains = Sequence[str] | Mapping[str, Split | tuple[Split, Split | None]]


@dataclass(frozen=True)
class Domain:
    """What the network must know of a set.

    Attributes:
        name: what it is called among the domains.
        set: the name its splits carry.
        title: to be printed.
        task: one of `TASKS`.
        classes: class or label names, in label order.
        positive: index of the clinical positive class, or None.
    """

    name: str
    set: str
    title: str
    task: str
    classes: tuple[str, ...]
    positive: int | None = None

    @classmethod
    def of(cls, name: str, split: Split) -> "Domain":
        """The domain that `split` belongs to.

        Raises:
            FormatError: for a task without classes.
        """
        info = split.info
        if info.task not in TASKS:
            raise FormatError(
                f"{split.title} is a {info.task} set.", f"Use sets whose task is one of {', '.join(TASKS)}.",
                name=info.name, task=info.task,
            )  # fmt: skip
        return cls(name, info.name, info.title, info.task, info.classes, info.positive)

    @property
    def outputs(self) -> int:
        """Probabilities that are said about one picture."""
        return len(self.classes)

    def check(self, split: Split) -> None:
        """Is `split` a split of this domain, with labels that the network can learn or be scored by?

        Raises:
            FormatError: naming the first label that no output stands for, or what else does not fit.
        """
        if split.images is None or not len(split):
            raise FormatError(f"{split.title} has no images.", "Give a split with images.", name=self.name)
        columns = self.outputs if self.task == "multi-label" else 1
        highest = 1 if self.task == "multi-label" else self.outputs - 1
        if split.info.task != self.task or split.labels.shape[1] != columns:
            raise FormatError(
                f"{split.title} is {split.info.task} with {split.labels.shape[1]} labels; "
                f"domain '{self.name}' is {self.task} with {columns}.",
                "Give a split of the same set.",
                name=self.name,
            )
        odd = split.labels[(split.labels < 0) | (split.labels > highest)]
        if len(odd):
            raise FormatError(
                f"{split.title} has the label {odd[0]}, outside 0 to {highest}.",
                "Count classes from 0, and name each of them.",
                name=self.name,
                label=int(odd[0]),
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values; ``Domain(**values)`` reads them back."""
        return asdict(self)


def opened(domains: Domains, size: int) -> dict[str, tuple[Split, Split | None]]:
    """Training and validation split of each domain, by name.

    Args:
        domains: names of sets, or names and splits of your own.
        size: edge of the pictures, for sets that are loaded by name.

    Raises:
        SettingsError: for no domain, a single name instead of a list, or a name twice.
        UnknownNameError, DataError: as `data.load`.
    """
    if isinstance(domains, str) or not len(domains):
        raise SettingsError(f"domains is {domains!r}.", 'Give a list of names: ["breastmnist", "digits"].')
    if isinstance(domains, Mapping):
        return {
            name: (given, None) if isinstance(given, Split) else (given[0], given[1])
            for name, given in domains.items()
        }
    if len(set(domains)) < len(domains):
        raise SettingsError(f"A domain is named twice among {list(domains)}.", "Name each one once.")
    return {name: (data.load(name, "train", size), data.load(name, "val", size)) for name in domains}


def described(splits: Mapping[str, tuple[Split, Split | None]]) -> tuple[Domain, ...]:
    """The domains of `splits`, whose labels are looked at.

    Raises:
        FormatError: for a split that cannot be learned from.
    """
    found = []
    for name, (train, val) in splits.items():
        domain = Domain.of(name, train)
        domain.check(train)
        if val is not None:
            domain.check(val)
        found.append(domain)
    return tuple(found)


def check_scorable(domain: Domain, val: Split) -> None:
    """Can the AUC of the validation split be computed?

    Raises:
        FormatError: when a class has no picture, or a label only positive or only negative ones.
    """
    if domain.task == "multi-label":
        shares = val.labels.mean(axis=0)
        absent = [name for name, share in zip(domain.classes, shares, strict=True) if share in (0, 1)]
    else:
        counts = np.bincount(val.labels[:, 0], minlength=domain.outputs)
        absent = [name for name, count in zip(domain.classes, counts, strict=True) if not count]
    if absent:
        raise FormatError(
            f"{val.title}: no AUC can be computed, for '{absent[0]}' never occurs or always.",
            'Use a larger validation split, or select="loss" or select="last".',
            name=domain.name,
            classes=tuple(absent),
        )


def named(domains: Sequence[Domain], split: Split, name: str | None = None) -> int:
    """Number of the domain that `split` belongs to: by `name`, or by the name of its set.

    Raises:
        UnknownNameError: when there is no such domain.
        SettingsError: when several domains are of this set and none is named.
    """
    if name is None:
        matching = [i for i, domain in enumerate(domains) if domain.set == split.info.name]
        if len(matching) > 1:
            raise SettingsError(
                f"Several domains are of the set '{split.info.name}'.", "Say which one: domain=...", name=name
            )
        if matching:
            return matching[0]
    wanted = name or split.info.name
    names = [domain.name for domain in domains]
    if wanted not in names:
        raise UnknownNameError(f"No domain '{wanted}'.", nearest(wanted, names, "domains"), name=wanted)
    return names.index(wanted)


@dataclass(frozen=True)
class Shelf:
    """One split of every domain on the device, or on disk where it is mapped from there."""

    domains: tuple[Batches, ...]

    @classmethod
    def of(cls, splits: Sequence[Split], device: torch.device) -> "Shelf":
        """Put the splits there.

        Raises:
            FormatError: when the pictures of one differ in size.
        """
        return cls(tuple(Batches.of(split, device) for split in splits))

    @property
    def counts(self) -> tuple[int, ...]:
        """Rows of each domain."""
        return tuple(map(len, self.domains))

    def gather(self, batch: Batch, present: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
        """Images [b, C, H, W] in 0..1 and targets of each domain of `present`."""
        found = [self.domains[domain].gather(rows) for domain, rows in batch.by_domain(present)]
        return [images for images, _ in found], [targets for _, targets in found]

    def spread(self, domain: int, images: int, at_once: int) -> Iterator[Tensor]:
        """Up to `images` pictures of a domain, evenly spread, in batches of nearly equal size."""
        total = len(self.domains[domain])
        rows = np.unique(np.linspace(0, total - 1, min(images, total)).astype(int))
        for part in np.array_split(rows, -(-len(rows) // at_once)):
            yield self.domains[domain].gather(part)[0]
