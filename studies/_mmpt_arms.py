"""What study 08 trains: five domains, ways to train one network on them, and the cell of each run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from teachkit import data
from teachkit.data.splits import Split

# Rows of each part; a domain that is not named gives all it has.
MOST: dict[str, dict[str, int]] = {
    "train": {"pneumoniamnist": 1_000, "retinamnist": 1_000, "mnist_t10k": 1_500},
    "val": {"pneumoniamnist": 200, "mnist_t10k": 200},
    "test": {"mnist_t10k": 1_000},
}
DOMAINS = ("breastmnist", "pneumoniamnist", "retinamnist", "mnist_t10k", "ihc_contents")
TITLES = {
    "breastmnist": "breast",
    "pneumoniamnist": "pneumonia",
    "retinamnist": "retina",
    "mnist_t10k": "digits",
    "ihc_contents": "tissue patches",
}
EPOCHS, BATCH = 5, 32
SEEDS = tuple(range(5))
SMALL = ("breastmnist", "retinamnist", "ihc_contents")  # alone, these have few steps in a pass


@dataclass(frozen=True)
class Arm:
    """A way to train on all domains; the fields are settings of `mmpt.pretrain`."""

    norm: str
    sampling: str
    backbone: str = "small_resnet"
    idle_heads: str = "left"

    @property
    def rules(self) -> tuple[str, ...]:
        """Whose statistics its network can be asked with."""
        if self.backbone == "small_vit" or self.norm == "group":
            return ("everyone",)
        return ("domain", "batch") if self.norm == "domain" else ("everyone", "domain", "batch")


ARMS = {
    "shared": Arm("shared", "homogeneous"),
    "mixed": Arm("shared", "mixed"),
    "domain": Arm("domain", "homogeneous"),
    "group": Arm("group", "homogeneous"),
    "vit": Arm("shared", "homogeneous", backbone="small_vit"),
    "zeroed": Arm("shared", "homogeneous", idle_heads="zeroed"),
    "sequential": Arm("recalibrated", "sequential"),
}


@dataclass(frozen=True)
class Run:
    """A run of one arm; `arm` may be "alone", which trains a network for each of `domains`."""

    arm: str
    seed: int
    lr: float
    domains: tuple[str, ...] = DOMAINS
    epochs: int = EPOCHS
    steps: int | None = None

    @property
    def name(self) -> str:
        """Of the cell."""
        if self.arm != "alone":
            return f"{self.arm}_{self.seed}"
        return f"{'alone' if self.steps is None else 'long'}_{self.domains[0]}_{self.seed}"

    @property
    def sampling(self) -> str:
        """How its batches are drawn."""
        return "homogeneous" if self.arm == "alone" else ARMS[self.arm].sampling

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides its result."""
        return {
            "arm": self.arm,
            **({} if self.arm == "alone" else ARMS[self.arm].__dict__),
            "domains": list(self.domains),
            "most": most_of(self.domains),
            "seed": self.seed,
            "lr": self.lr,
            "batch_size": BATCH,
            "epochs": None if self.steps else self.epochs,
            "steps": self.steps,
        }


def most_of(domains: Sequence[str]) -> dict[str, dict[str, int]]:
    """What `MOST` says of some domains."""
    return {part: {n: most for n, most in rows.items() if n in domains} for part, rows in MOST.items()}


def order_of(seed: int) -> tuple[str, ...]:
    """The domains in the order of the sequential arm: turned by one with each seed, so all come last once."""
    turn = seed % len(DOMAINS)
    return DOMAINS[turn:] + DOMAINS[:turn]


def core_runs(rate: float, seeds: Sequence[int] = SEEDS) -> Iterator[Run]:
    """All arms with the residual network that are compared, seed by seed."""
    for seed in seeds:
        for arm in ("shared", "mixed", "domain", "group"):
            yield Run(arm, seed, rate)
        yield from alone_runs(rate, (seed,))


def alone_runs(rate: float, seeds: Sequence[int] = SEEDS) -> Iterator[Run]:
    """A network for each domain."""
    return (Run("alone", seed, rate, (domain,)) for seed in seeds for domain in DOMAINS)


def vit_runs(rate: float, seeds: Sequence[int] = SEEDS) -> Iterator[Run]:
    """The transformer, as published."""
    return (Run("vit", seed, rate) for seed in seeds)


def control_runs(rate: float, seeds: Sequence[int] = SEEDS) -> Iterator[Run]:
    """One domain after another, and idle heads that get a gradient of zero."""
    for seed in seeds:
        yield Run("sequential", seed, rate, order_of(seed))
        yield Run("zeroed", seed, rate)


def long_runs(rate: float, steps: int, seeds: Sequence[int] = SEEDS) -> Iterator[Run]:
    """Networks for the small domains alone, with as many steps as all domains had together."""
    return (Run("alone", seed, rate, (domain,), steps=steps) for seed in seeds for domain in SMALL)


@cache
def pictures(name: str, part: str) -> Split:
    """A part of a domain, evenly thinned to `MOST` rows."""
    split = data.load(name, part)
    most = MOST[part].get(name, len(split))
    return split[np.unique(np.linspace(0, len(split) - 1, min(most, len(split))).astype(int))]


def pairs(domains: Sequence[str]) -> Mapping[str, Split | tuple[Split, Split | None]]:
    """Training and validation pictures by name."""
    return {name: (pictures(name, "train"), pictures(name, "val")) for name in domains}
