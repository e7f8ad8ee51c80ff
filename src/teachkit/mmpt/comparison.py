"""Several arms on the same domains: scores of every seed, paired differences, intervals."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from teachkit.data.splits import Split
from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.metrics import Interval, paired_difference, t_interval
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.model import MMPT
from teachkit.plots.picture import Picture

SCORES = {
    "auc": "AUC", "balacc": "balanced accuracy", "kappa": "kappa", "acc": "accuracy", "loss": "loss",
    "val_auc": "validation AUC",
}  # fmt: skip
MEAN = "mean"


@dataclass(frozen=True, eq=False)
class Trained:
    """One training with one seed, and what it answers.

    Attributes:
        scores: statistics it was asked with to domain to scores of the test split, and the AUC of validation.
        answers: statistics to domain to probabilities [N, C] of the test split.
        steps: of all its networks together.
        rows: pictures learned from, repeats counted.
        seconds: spent on training batches.
        models: one network, or one for each domain; none where nobody keeps them.
    """

    scores: dict[str | None, dict[str, dict[str, float]]]
    answers: dict[str | None, dict[str, NDArray[np.float32]]]
    steps: int
    rows: int
    seconds: float
    models: tuple[MMPT, ...] = ()


def look_at(
    models: Sequence[MMPT],
    splits: Mapping[str, tuple[Split, Split | None]],
    tests: Mapping[str, Split],
    statistics: Iterable[str | None],
    keep: bool,
) -> Trained:
    """Ask one network, or one for each domain in order, by each of `statistics`."""
    scores: dict[str | None, dict[str, dict[str, float]]] = {}
    answers: dict[str | None, dict[str, NDArray[np.float32]]] = {}
    for rule in dict.fromkeys(statistics):
        scores[rule], answers[rule] = {}, {}
        for place, (name, (_, val)) in enumerate(splits.items()):
            model = models[place if len(models) > 1 else 0]
            told = model.answer(tests[name], domain=name, statistics=rule)
            scores[rule][name], answers[rule][name] = told.scores(), told.probabilities
            if val is not None:
                scores[rule][name]["val_auc"] = model.evaluate(val, domain=name, statistics=rule)["auc"]
    histories = [model.history for model in models]
    for model in models:
        model.net.cpu()
    return Trained(
        scores,
        answers,
        sum(history.steps for history in histories),
        sum(sum(history.seen) for history in histories),
        sum(history.train_seconds for history in histories),
        tuple(models) if keep else (),
    )


@dataclass(frozen=True, eq=False)
class Comparison:
    """The runs of several arms, paired by seed.

    Attributes:
        domains: in their order.
        seeds: in the order of all lists below.
        runs: arm to its runs, one a seed.
        statistics: arm to whose statistics it was asked with; None for what its norm says.
        tests: domain to its test split.
        settings: what all arms share.
    """

    domains: tuple[Domain, ...]
    seeds: tuple[int, ...]
    runs: dict[str, list[Trained]] = field(repr=False)
    statistics: dict[str, str | None] = field(repr=False)
    tests: dict[str, Split] = field(repr=False)
    settings: dict[str, object]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row for each arm, seed and domain: scores of the test split, and the AUC of validation."""
        rows = [
            {"arm": arm, "seed": seed, "domain": domain.name, **run.scores[self.statistics[arm]][domain.name]}
            for arm, runs in self.runs.items()
            for seed, run in zip(self.seeds, runs, strict=True)
            for domain in self.domains
        ]
        return pd.DataFrame(rows)

    def values(self, arm: str, score: str = "auc", domain: str = MEAN) -> NDArray[np.float64]:
        """One score of an arm, seed by seed; "mean" is that over the domains, each of which counts alike."""
        known = {domain.name: domain.title for domain in self.domains}
        self._known(arm, self.runs, "arms")
        self._known(score, [name for name in SCORES if name in self.scores], "scores")
        self._known(domain, (*known, MEAN), "domains")
        rows = self.scores[self.scores["arm"] == arm]
        wide = rows.pivot(index="seed", columns="domain", values=score).loc[list(self.seeds)]
        found = wide[list(known)].mean(axis=1, skipna=False) if domain == MEAN else wide[domain]
        return np.asarray(found, dtype=np.float64)

    def interval(self, arm: str, score: str = "auc", domain: str = MEAN) -> Interval:
        """Mean over seeds with its 95 % t interval. Seeds share pictures: it says nothing of new ones."""
        return t_interval(self.values(arm, score, domain))

    def difference(self, arm: str, other: str, score: str = "auc", domain: str = MEAN) -> Interval:
        """``arm - other``, paired by seed, with its 95 % t interval."""
        return paired_difference(self.values(arm, score, domain), self.values(other, score, domain))

    @property
    def table(self) -> pd.DataFrame:
        """Arms by domains and their mean: test AUC, mean over seeds."""
        return self.table_of("auc")

    def table_of(self, score: str) -> pd.DataFrame:
        """Like `table`, for "balacc", "kappa", "acc", "loss" or "val_auc"."""
        rows = [[self.values(arm, score, name).mean() for name in self._columns] for arm in self.runs]
        return pd.DataFrame(rows, index=pd.Index(self.runs, name="arm"), columns=self._columns)

    @property
    def costs(self) -> pd.DataFrame:
        """Arms by optimiser steps, pictures learned from, and seconds; mean over seeds.

        Arms that were trained alike share a run, and so its seconds.
        """
        rows = [
            [np.mean([getattr(run, what) for run in runs]) for what in ("steps", "rows", "seconds")]
            for runs in self.runs.values()
        ]
        return pd.DataFrame(
            rows, index=pd.Index(self.runs, name="arm"), columns=["steps", "images", "seconds"]
        )

    def model(self, arm: str, domain: str | None = None) -> MMPT:
        """The network of the first seed; of the domain, where an arm has one for each.

        Raises:
            SettingsError: when the arm has one for each domain and none is named.
        """
        self._known(arm, self.runs, "arms")
        models = self.runs[arm][0].models
        if len(models) == 1:
            return models[0]
        if domain is None:
            raise SettingsError(f"'{arm}' has {len(models)} networks.", "Say which one: domain=...", arm=arm)
        names = [domain.name for domain in self.domains]
        self._known(domain, names, "domains")
        return models[names.index(domain)]

    def predictions(self, arm: str, seed: int | None = None) -> dict[str, NDArray[np.float32]]:
        """Name of each set to probabilities [N, C] of its test split, as `big.write_predictions` takes them.

        Args:
            arm: which.
            seed: of the run; the first by default.

        Raises:
            SettingsError: when two domains are of one set.
        """
        self._known(arm, self.runs, "arms")
        if seed is not None and seed not in self.seeds:
            raise SettingsError(f"There is no run with seed {seed}.", f"Seeds are {self.seeds}.", seed=seed)
        run = self.runs[arm][0 if seed is None else self.seeds.index(seed)]
        found = {domain.set: run.answers[self.statistics[arm]][domain.name] for domain in self.domains}
        if len(found) < len(self.domains):
            raise SettingsError("Two domains are of one set.", "Write their predictions one by one.")
        return found

    @property
    def sentence(self) -> str:
        """The mean AUC of every arm, and how all differ from the first."""
        arms, count = list(self.runs), len(self.seeds)
        means = ", ".join(f"{arm} {self.interval(arm).value:.3f}" for arm in arms)
        said = f"Mean test AUC over {len(self.domains)} domains, {_count(count, 'seed')}: {means}."
        if count < 2:
            return f"{said} One seed gives no interval."
        gaps = [f"{arm} {_limits(self.difference(arm, arms[0]))}" for arm in arms[1:]]
        return f"{said} Minus {arms[0]}: {', '.join(gaps)}." if gaps else said

    def plot(self, score: str = "auc", title: str = "") -> Picture:
        """Every seed as a dot, mean and interval of each arm: a panel for each domain, and for the mean."""
        from teachkit.plots.domain_scores import scores_by_domain

        return scores_by_domain(
            {arm: self._by_title({name: self.values(arm, score, name) for name in self._columns})
             for arm in self.runs},
            label=self._label(score),
            title=title or self.title,
            note=self._note,
            highest=None if score == "loss" else 1.0,
        )  # fmt: skip

    def plot_differences(
        self, pairs: Mapping[str, tuple[str, str]] | None = None, score: str = "auc", title: str = ""
    ) -> Picture:
        """First minus second arm of each pair, seed by seed, for each domain and the mean.

        Args:
            pairs: name of a row to two arms; by default every other arm minus the first.
            score: as in `values`.
            title: of the figure.

        Raises:
            SettingsError: when there is no pair.
        """
        from teachkit.plots.domain_scores import scores_by_domain

        first, *others = self.runs
        pairs = {f"{arm} − {first}": (arm, first) for arm in others} if pairs is None else pairs
        if not pairs:
            raise SettingsError("There is one arm.", "Compare at least two.")
        gaps = {row: self._gaps(*pair, score) for row, pair in pairs.items()}
        return scores_by_domain(
            gaps,
            label=f"difference in {self._label(score)}",
            title=title or self.title,
            note=f"{self._note}. Right of 0: the first is higher",
            zero=True,
        )

    @property
    def title(self) -> str:
        """Number of domains, and how long each arm was trained."""
        length = (
            f"{self.settings['epochs']} passes"
            if self.settings["epochs"]
            else f"{self.settings['steps']} steps"
        )
        return f"{len(self.domains)} domains, {length}, batches of {self.settings['batch_size']}"

    @property
    def _note(self) -> str:
        paired = (
            "; bars: 95 % t intervals over seeds" if len(self.seeds) > 1 else "; one seed has no interval"
        )
        return f"{_count(len(self.seeds), 'seed')}{paired}, on the same test images"

    @property
    def _columns(self) -> tuple[str, ...]:
        return (*(domain.name for domain in self.domains), MEAN)

    def _gaps(self, arm: str, other: str, score: str) -> dict[str, NDArray[np.float64]]:
        found = {n: self.values(arm, score, n) - self.values(other, score, n) for n in self._columns}
        return self._by_title(found)

    def _by_title(self, values: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        """Domains by their printed titles, with the number of test images."""
        found = {f"{d.title}\n{len(self.tests[d.name]):,} images": values[d.name] for d in self.domains}
        return {**found, "mean of domains": values[MEAN]} if len(found) == len(self.domains) else dict(values)

    def _label(self, score: str) -> str:
        return SCORES[score] if score.startswith("val_") else f"test {SCORES[score]}"

    @staticmethod
    def _known(name: str, known: Collection[str], kind: str) -> None:
        if name not in known:
            raise UnknownNameError(f"No '{name}' here.", nearest(name, known, kind), name=name)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _limits(gap: Interval) -> str:
    return f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
