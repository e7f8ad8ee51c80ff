"""The plan of study 06: sets of clusters, ways of training, learning rates, and the names of its cells."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, NamedTuple

FOLDS = tuple(range(5))
RATES = (0.001, 0.005, 0.05)
BATCH_SIZE = 64
SCORES = ("f1", "auc", "balacc")
Way = dict[str, Any]  # fields of ugnn.Way


@dataclass(frozen=True)
class Setting:
    """One data set, how it is cut into three clusters, and how often each image is seen."""

    title: str
    data: str
    by: Literal["kmeans", "random", "thickness"]
    epochs: int
    classes: int = 2


SETS = {
    "breast_kmeans": Setting("Breast, k-means", "breastmnist", "kmeans", 60),
    "breast_random": Setting("Breast, random", "breastmnist", "random", 60),
    "pneumonia_kmeans": Setting("Pneumonia, k-means", "pneumoniamnist", "kmeans", 8),
    "pneumonia_random": Setting("Pneumonia, random", "pneumoniamnist", "random", 8),
    "digits_thickness": Setting("Digits, thickness", "mnist_t10k", "thickness", 8, classes=10),
}
RANDOM_AND_KMEANS = {
    "Breast": ("breast_random", "breast_kmeans"),
    "Pneumonia": ("pneumonia_random", "pneumonia_kmeans"),
}
NETWORKS = ("deep CNN", "CNN", "MLP")
WITH_GNN = ("CNN", "MLP", "GNN")
COPIES = ("CNN 1", "CNN 2", "CNN 3")
RELATED = ("1 hidden layer", "2 hidden layers", "3 hidden layers")
UNIONS = {"reference": NETWORKS, "gnn": WITH_GNN, "copies": COPIES, "related": RELATED}
LONGER = 10  # times the epochs, in the part of that name

KINDS, RULES = ("solo", "joint"), ("fixed", "compounding")
GROUPS: tuple[str | int, ...] = ("edge", "kernel", 1000)


def arm_name(kind: str, rule: str, groups: str | int) -> str:
    """Of a way of training that changes numbers, as cells and tables call it."""
    return f"{kind}_{rule}_{groups}"


PLAIN: Way = {"kind": "plain"}
CORE: dict[str, Way] = {"plain": PLAIN} | {
    arm_name(kind, rule, groups): {"kind": kind, "rule": rule, "groups": groups}
    for kind, rule, groups in product(KINDS, RULES, GROUPS)
}
# At the learning rate that validation chose for the plain arm: other numbers of groups, and ways that share.
POOLED: Way = {"kind": "pooled"}
SHARING: dict[str, Way] = {
    "pooled": POOLED,
    "joint_role": {"kind": "joint", "groups": "role"},
    **{f"{kind}_generator": {"kind": kind, "sharing": "generator"} for kind in KINDS},
    **{f"{kind}_generator-only": {"kind": kind, "sharing": "generator only"} for kind in KINDS},
    **{arm_name(kind, "fixed", g): {"kind": kind, "groups": g} for g in (100, 10_000) for kind in KINDS},
}
ALIKE: dict[str, Way] = {
    "plain": PLAIN,
    "pooled": POOLED,
    "solo_fixed_kernel": CORE["solo_fixed_kernel"],
    "joint_stem": {"kind": "joint", "groups": "stem"},
    "joint_role": SHARING["joint_role"],
}
WAYS = CORE | SHARING | ALIKE
GNN = ("plain", "solo_fixed_edge", "joint_fixed_edge")
LONG = ("plain", "joint_fixed_edge", "joint_compounding_edge", "joint_compounding_kernel")
LONG_SETS = ("breast_kmeans", "pneumonia_kmeans")
LONG_RELATED = ("plain", "joint_role", "pooled", "solo_fixed_kernel")
LONG_RELATED_SETS = ("pneumonia_kmeans", "digits_thickness", "breast_kmeans")


class Cell(NamedTuple):
    """One run: three networks, one fold, one way, one learning rate."""

    set: str
    arm: str
    lr: float
    fold: int
    union: str = "reference"  # a name of UNIONS
    longer: int = 1

    @property
    def name(self) -> str:
        union = "" if self.union == "reference" else f"_{self.union}"
        longer = "" if self.longer == 1 else f"_x{self.longer}"
        return f"{self.set}{union}_{self.arm}_{self.lr:g}{longer}_{self.fold}"

    @property
    def way(self) -> Way:
        return WAYS[self.arm]

    @property
    def networks(self) -> tuple[str, ...]:
        return UNIONS[self.union]

    @property
    def epochs(self) -> int:
        return SETS[self.set].epochs * self.longer

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides its result."""
        setting = SETS[self.set]
        return {
            "data": setting.data, "by": setting.by, "fold": self.fold, "folds": len(FOLDS),
            "networks": self.networks, "way": self.way, "lr": self.lr, "epochs": self.epochs,
            "batch_size": BATCH_SIZE, "optimizer": "adamw", "schedule": "cosine",
        }  # fmt: skip


def core_cells(arms: tuple[str, ...] = tuple(CORE)) -> Iterator[Cell]:
    """Fold by fold, so that what is there can always be compared in pairs."""
    for fold, key, lr, arm in product(FOLDS, SETS, RATES, arms):
        yield Cell(key, arm, lr, fold)


def later_cells(arms: Iterable[str], rates: Mapping[str, float], union: str = "reference") -> Iterator[Cell]:
    """One learning rate a set."""
    for fold, key, arm in product(FOLDS, SETS, tuple(arms)):
        yield Cell(key, arm, rates[key], fold, union)


def long_cells(rates: Mapping[tuple[str, str], float]) -> Iterator[Cell]:
    """One learning rate for each set and way."""
    for fold, key, arm in product(FOLDS, LONG_SETS, LONG):
        yield Cell(key, arm, rates[key, arm], fold, longer=LONGER)


def long_related_cells(rates: Mapping[str, float]) -> Iterator[Cell]:
    """Related networks, at the rates of the shorter runs."""
    for fold, key, arm in product(FOLDS, LONG_RELATED_SETS, LONG_RELATED):
        yield Cell(key, arm, rates[key], fold, "related", LONGER)
