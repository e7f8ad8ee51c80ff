"""What starts were worth: scores, differences seed by seed, and their figures."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from joblib import delayed
from numpy.typing import NDArray
from torch import nn

from teachkit.data import Split
from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.hyperinit.architectures import Architecture
from teachkit.hyperinit.downstream import Scores, draw_sample, probe, tune
from teachkit.hyperinit.maps import draw_maps
from teachkit.metrics import Interval, paired_difference, t_interval
from teachkit.plots.picture import Picture
from teachkit.plots.starts import label_counts, start_differences, start_scores
from teachkit.training.progress import finished_runs

WAYS = {"probe": "linear probe", "tuned": "fine-tuned"}
PAIRS = (
    ("trained", "Kaiming"),
    ("untrained", "Kaiming"),
    ("trained", "untrained"),
    ("trained", "shuffled"),
    ("self-supervised", "trained"),
)
PUBLISHED_RATE = 0.01  # "in all training procedures", Shang et al. 2022, section 3
ONE_DRAW = "'trained' and 'shuffled' are one pre-training: seeds vary labels, last layer and order."

Tested = dict[int, Scores]  # epoch to scores


@dataclass(frozen=True, eq=False)
class Costs:
    """Seconds for one network: to read and predict it, and to pre-train it by itself; nan if not done."""

    predict_seconds: float
    own_seconds: float


@dataclass(frozen=True, eq=False)
class Setup:
    """What all starts have in common."""

    architecture: Architecture
    name: str
    train: Split
    val: Split
    test: Split
    labels: int
    epochs: tuple[int, ...]
    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    batch_size: int
    jobs: int
    cluster: str | None = None

    @property
    def title(self) -> str:
        return f"{self.test.title}, {self.name}"

    @property
    def note(self) -> str:
        """What a caption has to say."""
        return (
            f"{self.labels} labelled images a class, {len(self.seeds)} seeds; small dots: seeds; "
            f"bars: 95 % t intervals over seeds.\n{ONE_DRAW}"
        )

    @property
    def length(self) -> str:
        """Of fine-tuning, in words."""
        last = max(self.epochs)
        return f"{last} epoch" if last == 1 else f"{last} epochs"

    def tune(self, network: nn.Sequential, seed: int, split: Split, rate: float, **changed: Any) -> Tested:
        """Scores on `split` of a copy of `network`, fine-tuned at `rate`."""
        sample = draw_sample(self.train, changed.pop("labels", self.labels), seed)
        how = {"epochs": self.epochs, "batch_size": self.batch_size, "seed": seed, **changed}
        return tune(network, sample, {"scored": split}, lr=rate, **how)["scored"]

    def probe(self, network: nn.Sequential, seed: int) -> Scores:
        return probe(network, draw_sample(self.train, self.labels, seed), self.test)

    def run(self, tasks: Sequence[Any]) -> list[Any]:
        return finished_runs(tasks, self.jobs, self.cluster)


@dataclass(frozen=True, eq=False)
class Starts:
    """What starts were worth; all differences are taken seed by seed.

    Attributes:
        setup: what they have in common.
        networks: arm to its network of each seed, before any training.
        rates: arm to the learning rate that validation chose.
        by_rate: mean AUC on validation images after the last epoch; rates in rows, arms in columns. 0.01, the
            published rate, is always among them.
        costs: seconds for one network.
    """

    setup: Setup
    networks: dict[str, list[nn.Sequential]] = field(repr=False)
    rates: dict[str, float]
    by_rate: pd.DataFrame = field(repr=False)
    costs: Costs
    probed: dict[str, list[Scores]] = field(repr=False)
    tuned: dict[tuple[str, float], list[Tested]] = field(repr=False)

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(self.networks)

    def values(
        self, arm: str, way: str, epoch: int | None = None, rate: float | None = None, score: str = "auc"
    ) -> NDArray[np.float64]:
        """A score on the test images, one for each seed.

        Args:
            arm: one of `arms`.
            way: "probe" or "tuned".
            epoch: of fine-tuning, one of the epochs that were asked for; the last one by default.
            rate: of fine-tuning: the arm's own by default, or 0.01.
            score: "auc", "acc", "balacc", "kappa", "kappa_linear" or "kappa_quadratic".

        Raises:
            UnknownNameError: for an arm or a way that is not there.
            SettingsError: for an epoch or a rate after which no test image was looked at.
        """
        self._known(arm, self.arms, "arms")
        self._known(way, WAYS, "ways")
        if way == "probe":
            return np.array([scores[score] for scores in self.probed[arm]])
        rate = self.rates[arm] if rate is None else rate
        epoch = max(self.setup.epochs) if epoch is None else epoch
        if (arm, rate) not in self.tuned or epoch not in self.setup.epochs:
            raise SettingsError(
                f"'{arm}' was not tested at the rate {rate:g} after epoch {epoch}.",
                f"Rates {self.rates[arm]:g} and {PUBLISHED_RATE:g} were, after epochs {self.setup.epochs}.",
                rate=rate,
                epoch=epoch,
            )
        return np.array([tested[epoch][score] for tested in self.tuned[arm, rate]])

    def interval(self, arm: str, way: str, epoch: int | None = None) -> Interval:
        """Mean AUC of an arm with its 95 % t interval over seeds."""
        return t_interval(self.values(arm, way, epoch))

    def difference(self, a: str, b: str, way: str, epoch: int | None = None) -> Interval:
        """Mean of a − b in AUC, seed by seed, with its 95 % t interval over seeds."""
        return paired_difference(self.values(a, way, epoch), self.values(b, way, epoch))

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The differences that answer a question, as far as both arms are there."""
        return tuple(pair for pair in PAIRS if set(pair) <= set(self.arms))

    @property
    def sentence(self) -> str:
        """All means after fine-tuning, and what the published comparison says with an interval."""
        means = ", ".join(f"{arm} {self.interval(arm, 'tuned').value:.3f}" for arm in self.arms)
        said = f"AUC after {self.setup.length}, each at its own rate: {means}."
        if PAIRS[0] not in self.pairs:
            return said
        found = self.difference(*PAIRS[0], "tuned")
        if not np.isfinite(found.low):
            return f"{said} One seed says nothing about trained − Kaiming."
        verdict = "zero is outside" if found.excludes_zero else "zero is inside, so this settles nothing"
        limits = f"[{found.low:+.3f}, {found.high:+.3f}]"
        return f"{said} Trained − Kaiming: {found.value:+.3f} {limits}; {verdict}."

    def plot(self, title: str = "") -> Picture:
        """Left the linear probe, right fine-tuning after each epoch."""
        return start_scores(
            {arm: self.values(arm, "probe") for arm in self.arms},
            {arm: [self.values(arm, "tuned", epoch) for epoch in self.setup.epochs] for arm in self.arms},
            self.setup.epochs,
            title=title or self.setup.title,
            note=self.setup.note,
        )

    def plot_differences(self, title: str = "") -> Picture:
        """Five differences in AUC with their intervals, for the probe and after fine-tuning.

        Raises:
            SettingsError: when no two arms are there to compare.
        """
        if not self.pairs:
            raise SettingsError(f"Nothing to compare among {self.arms}.", "Run compare with all five arms.")
        return start_differences(
            {
                label: {f"{a} − {b}": self.values(a, way) - self.values(b, way) for a, b in self.pairs}
                for way, label in WAYS.items()
            },
            title=title or self.setup.title,
            note=self.setup.note,
        )

    def by_labels(self, counts: Collection[int]) -> "ByLabels":
        """Fine-tune anew with other numbers of labelled images a class.

        Each arm keeps the learning rate that was chosen for the first number, and the number of epochs: more
        labels are more steps. Fewer labelled images are among the more.
        """
        last, order = max(self.setup.epochs), sorted(set(counts))
        for count in order:
            draw_sample(self.setup.train, count, 0)  # refuses too many before anything runs
        cells = [
            (count, arm, place)
            for count in order
            if count != self.setup.labels
            for arm in self.arms
            for place in range(len(self.setup.seeds))
        ]
        found = self.setup.run(
            [
                delayed(self.setup.tune)(
                    self.networks[arm][place],
                    self.setup.seeds[place],
                    self.setup.test,
                    self.rates[arm],
                    labels=count,
                    epochs=(last,),
                )
                for count, arm, place in cells
            ]
        )
        tested = dict(zip(cells, found, strict=True))
        values = {
            arm: np.array(
                [
                    self.values(arm, "tuned")
                    if count == self.setup.labels
                    else [tested[count, arm, place][last]["auc"] for place in range(len(self.setup.seeds))]
                    for count in order
                ]
            ).T
            for arm in self.arms
        }
        return ByLabels(tuple(order), values, self.setup)

    def draw_maps(
        self, arms: Sequence[str] = ("Kaiming", "trained"), epochs: Sequence[int] = (1, 3, 5), rows: int = 4
    ) -> Picture:
        """Class activation maps of random test images after some epochs; see `maps.draw_maps`.

        One seed, the first; each arm at its own rate.
        """
        for arm in arms:
            self._known(arm, self.arms, "arms")
        starts = {arm: (self.networks[arm][0], self.rates[arm]) for arm in arms}
        setup, seed = self.setup, self.setup.seeds[0]
        sample = draw_sample(setup.train, setup.labels, seed)
        shown = setup.test.sample(rows, seed=seed)
        return draw_maps(starts, sample, shown, epochs, seed, setup.batch_size, f"{setup.title}, seed {seed}")

    @staticmethod
    def _known(name: str, known: Collection[str], kind: str) -> None:
        if name not in known:
            raise UnknownNameError(f"No '{name}' here.", nearest(name, known, kind), name=name)


@dataclass(frozen=True, eq=False)
class ByLabels:
    """AUC after fine-tuning against the number of labelled images a class.

    Attributes:
        counts: in rising order.
        values: arm to AUC [seeds, counts].
    """

    counts: tuple[int, ...]
    values: dict[str, NDArray[np.float64]]
    setup: Setup = field(repr=False)

    def differences(self, a: str, b: str) -> list[float]:
        """Mean of a − b in AUC for each number of labels."""
        return [float(gap) for gap in (self.values[a] - self.values[b]).mean(0)]

    def interval(self, a: str, b: str, count: int) -> Interval:
        """The difference at one number of labels, with its 95 % t interval over seeds."""
        place = self.counts.index(count)
        return paired_difference(self.values[a][:, place], self.values[b][:, place])

    def plot(self, title: str = "") -> Picture:
        """Left all arms, right the published difference with its intervals."""
        pair = PAIRS[0] if set(PAIRS[0]) <= set(self.values) else None
        return label_counts(
            self.counts,
            self.values,
            pair,
            title=title or self.setup.title,
            note=f"{len(self.setup.seeds)} seeds, {self.setup.length}, each arm at the rate "
            f"chosen for {self.setup.labels} labels a class; bars: 95 % t intervals over seeds.",
        )
