"""Together or apart, by whose statistics? The same domains in several arms, seed by seed.

individual    one network for each domain, which sees its pictures as often
shared        one network, one domain a batch, one running average: the thesis
recalibrated  the same, asked with each domain's own statistics
domain        BatchNorm of its own for each domain
group         GroupNorm
mixed         all domains in every batch, one running average
sequential    one domain after the other
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from joblib import delayed
from torch import nn

from teachkit import data
from teachkit.data.splits import Split
from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.mmpt.comparison import Comparison, Trained, look_at
from teachkit.mmpt.domains import Domain, Domains, described, opened
from teachkit.mmpt.normalisation import STATISTICS
from teachkit.mmpt.plan import Recipe
from teachkit.mmpt.pretraining import pretrain
from teachkit.training.naming import digest
from teachkit.training.progress import finished_runs

Splits = dict[str, tuple[Split, Split | None]]
Settings = Mapping[str, Any]

ARMS: dict[str, dict[str, Any]] = {
    "individual": {"together": False, "norm": "shared", "sampling": "homogeneous"},
    "shared": {"norm": "shared", "sampling": "homogeneous"},
    "recalibrated": {"norm": "recalibrated", "sampling": "homogeneous"},
    "domain": {"norm": "domain", "sampling": "homogeneous"},
    "group": {"norm": "group", "sampling": "homogeneous"},
    "mixed": {"norm": "shared", "sampling": "mixed"},
    "sequential": {"norm": "shared", "sampling": "sequential"},
}
OWN = {"seed", "checkpoint", "on_epoch", "progress"}  # set by the comparison
USUAL = ("individual", "shared", "recalibrated", "domain", "group", "mixed")


@dataclass(frozen=True)
class Way:
    """How an arm is trained and asked.

    Attributes:
        settings: of `pretrain`.
        together: one network for all domains, or one for each.
        statistics: whose BatchNorm uses when it is asked; None for what its norm says.
    """

    backbone: str | nn.Module
    settings: dict[str, Any] = field(default_factory=dict)
    together: bool = True
    statistics: str | None = None

    @classmethod
    def of(cls, given: Settings, common: Settings) -> "Way":
        """The way of an arm, with the settings that all arms share.

        Raises:
            UnknownNameError: for other statistics, or settings that make no sense.
            SettingsError: for settings that the comparison sets itself.
        """
        told = {**common, **given}
        if own := sorted(told.keys() & OWN):
            raise SettingsError(
                f"{own[0]}= is no setting of an arm.", "Use seeds= and first_seed=.", name=own[0]
            )
        together, statistics = told.pop("together", True), told.pop("statistics", None)
        backbone = told.pop("backbone")
        if statistics is not None and statistics not in STATISTICS:
            raise UnknownNameError(
                f"No statistics '{statistics}'.", nearest(statistics, STATISTICS, "statistics"),
                name=statistics,
            )  # fmt: skip
        recipe = _recipe(told)
        if recipe.norm == "domain" and statistics == "everyone":
            raise SettingsError(
                'With norm="domain" no layer knows the statistics of everyone.', 'Use "domain" or "batch".'
            )
        if recipe.norm == "recalibrated" and recipe.select == "last":
            # Nothing is chosen by them, so new statistics after each pass change no weight: this is the
            # network of "shared", asked otherwise.
            told["norm"], statistics = "shared", statistics or "domain"
        return cls(backbone, told, together, statistics)

    @property
    def training(self) -> str:
        """Ways of one training share it."""
        body = self.backbone if isinstance(self.backbone, str) else id(self.backbone)
        return digest({**self.settings, "together": self.together, "backbone": body})


def compare(
    domains: Domains,
    arms: Sequence[str] | Mapping[str, Settings] = USUAL,
    backbone: str | nn.Module = "small_resnet",
    *,
    epochs: int | None = None,
    steps: int | None = None,
    seeds: int = 3,
    first_seed: int = 0,
    size: int = 28,
    test: Mapping[str, Split] | None = None,
    select: str = "last",
    jobs: int | None = 1,
    cluster: str | None = None,
    **settings: Any,
) -> Comparison:
    """Train the domains in several arms, and score all of them on the same test pictures.

    Within a seed all arms have the same initial weights, rates and number of passes; a step of one domain is
    as large as one of several. A single network for each domain has as many steps as its domain has in the
    common one. Arms that are trained alike are trained once.

    Args:
        domains: names of sets, or names and (train, val) of your own, as for `pretrain`.
        arms: names of `ARMS`, or name to settings of `pretrain`; also "backbone", "together" (False trains
            one network for each domain) and "statistics" ("everyone", "domain", "batch": used when asked).
            {**mmpt.ARMS["mixed"], "alpha": 0.5} changes an arm.
        backbone: as for `pretrain`. A module keeps its initial weights, whatever the seed.
        epochs: passes; or
        steps: optimiser steps of the common network.
        seeds: how many; `first_seed` is the first. Two or more give intervals.
        size: edge of the pictures of sets that are loaded by name.
        test: domain to its test split; by default that of the sets by name.
        select: as for `pretrain`. "last" gives all arms the same number of steps.
        jobs: runs at the same time; None leaves it to joblib.
        cluster: address of a scheduler of dask.distributed, whose workers share the runs instead.
        settings: more of `pretrain`, for all arms.

    Returns:
        Scores, tables, intervals and figures.

    Raises:
        SettingsError, UnknownNameError, FormatError: for what cannot be trained or scored; nothing runs then.
    """
    splits = opened(domains, size)
    specs = described(splits)
    tests = _tests(splits, specs, test, size)
    common = {
        "backbone": backbone, "epochs": epochs, "steps": steps, "select": select, "size": size,
        "channels": 3 if any(train.channels == 3 for train, _ in splits.values()) else None, **settings,
    }  # fmt: skip
    ways = _ways(arms, common)
    if seeds < 1 or not ways:
        raise SettingsError(f"{len(ways)} arms, {seeds} seeds.", "Give at least one of each.")
    numbers = tuple(range(first_seed, first_seed + seeds))
    asked: dict[str, list[Way]] = {}
    for way in ways.values():
        asked.setdefault(way.training, []).append(way)
    cells = [(training, seed) for training in asked for seed in numbers]
    tasks = [
        delayed(train_one)(
            splits, tests, asked[training][0], [way.statistics for way in asked[training]], seed,
            keep=seed == first_seed,
        )
        for training, seed in cells
    ]  # fmt: skip
    found: dict[tuple[str, int], Trained] = dict(zip(cells, finished_runs(tasks, jobs, cluster), strict=True))
    runs = {name: [found[way.training, seed] for seed in numbers] for name, way in ways.items()}
    return Comparison(
        specs, numbers, runs, {name: way.statistics for name, way in ways.items()}, dict(tests), _said(ways)
    )


def train_one(
    splits: Splits,
    tests: Mapping[str, Split],
    way: Way,
    statistics: Iterable[str | None],
    seed: int,
    keep: bool = True,
) -> Trained:
    """One training with one seed, and what it answers by each of the statistics."""
    if way.together:
        models = [pretrain(splits, way.backbone, seed=seed, progress=False, **way.settings)]
    else:
        models = [
            pretrain({name: splits[name]}, way.backbone, seed=seed, progress=False, **given)
            for name, given in _alone(splits, way).items()
        ]
    return look_at(models, splits, tests, statistics, keep)


def _alone(splits: Splits, way: Way) -> dict[str, dict[str, Any]]:
    """Settings of the network of each domain: as many steps as the domain has in the common network."""
    recipe = _recipe(way.settings)
    if recipe.steps is None:
        return dict.fromkeys(splits, way.settings)
    batches = np.array(recipe.sampler([len(train) for train, _ in splits.values()], 1).batches_of)
    shares = np.maximum(np.rint(recipe.steps * batches / batches.sum()), 1).astype(int)
    return {name: {**way.settings, "steps": int(n)} for name, n in zip(splits, shares, strict=True)}


def _recipe(settings: Settings) -> Recipe:
    told = {name: value for name, value in settings.items() if name in Recipe.__dataclass_fields__}
    return Recipe.named(settings.get("preset", "native"), told)


def _ways(arms: Sequence[str] | Mapping[str, Settings], common: Settings) -> dict[str, Way]:
    if isinstance(arms, str):
        raise SettingsError(f"arms is {arms!r}.", f'Give a list of names: ["{arms}"].', arms=arms)
    if isinstance(arms, Mapping):
        return {name: Way.of(given, common) for name, given in arms.items()}
    for name in arms:
        if name not in ARMS:
            raise UnknownNameError(f"No arm '{name}'.", nearest(name, ARMS, "arms"), name=name)
    return {name: Way.of(ARMS[name], common) for name in arms}


def _tests(
    splits: Splits, specs: tuple[Domain, ...], test: Mapping[str, Split] | None, size: int
) -> dict[str, Split]:
    if test is None:
        test = {spec.name: data.load(spec.set, "test", size) for spec in specs}
    absent = [name for name in splits if name not in test]
    if absent:
        raise SettingsError(
            f"There is no test split of '{absent[0]}'.", "Give test={name: split}.", absent=tuple(absent)
        )
    for spec in specs:
        spec.check(test[spec.name])
    return {name: test[name] for name in splits}


def _said(ways: Mapping[str, Way]) -> dict[str, object]:
    """What all arms share, for titles."""
    recipe = _recipe(next(iter(ways.values())).settings)
    return {"epochs": recipe.epochs, "steps": recipe.steps, "batch_size": recipe.batch_size, "lr": recipe.lr}
