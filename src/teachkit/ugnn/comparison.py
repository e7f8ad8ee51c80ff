"""The same networks, the same clusters, several ways to train: what changes, and how sure that is."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from joblib import delayed
from numpy.typing import NDArray
from torch import nn

from teachkit import metrics
from teachkit.data.splits import Split
from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.metrics import Interval, paired_difference, t_interval
from teachkit.training.batches import Batches
from teachkit.training.progress import finished_runs
from teachkit.training.seeds import seeded
from teachkit.ugnn.clustering import Clusters
from teachkit.ugnn.fitting import Schedule, fit, predict
from teachkit.ugnn.ways import Way

if TYPE_CHECKING:
    import pandas as pd

    from teachkit.plots import Picture

SCORES = {"f1": "weighted F1", "auc": "AUC", "balacc": "balanced accuracy"}
MEAN = "mean"

Networks = Callable[[], Mapping[str, nn.Module]]


def train_one(
    networks: Networks,
    clusters: Clusters,
    way: Way | Mapping[str, Any] | str,
    *,
    epochs: int,
    lr: float,
    batch_size: int = 64,
    schedule: Schedule = "cosine",
    loss_weights: Sequence[float] | None = None,
    seed: int = 0,
) -> "Run":
    """One way on one fold. Arguments as in `compare` and `fit`.

    The seed and the fold decide initial weights and the order of images, so ways share all of it.
    """
    chosen = Way.of(way)
    seed = seed + clusters.fold
    with seeded(seed):
        made = networks()
        if len(made) != len(clusters):
            raise SettingsError(
                f"There are {len(made)} networks and {len(clusters)} clusters.",
                "Give each network one cluster: ugnn.clusters(..., models=...).",
            )
        example, _ = Batches.of(clusters.train[0], torch.device("cpu")).gather(np.arange(1))
        model = chosen.build([copy.deepcopy(network) for network in made.values()], example, seed)
        losses = fit(
            model,
            clusters,
            epochs=epochs,
            lr=chosen.lr or lr,
            batch_size=batch_size,
            schedule=schedule,
            loss_weights=loss_weights,
            pooled=chosen.pooled,
            seed=seed,
        )
    return Run(tuple(made), model, losses)


def compare(
    networks: Networks,
    folds: Sequence[Clusters],
    ways: Mapping[str, Way | Mapping[str, Any] | str],
    *,
    epochs: int,
    lr: float,
    batch_size: int = 64,
    schedule: Schedule = "cosine",
    seed: int = 0,
    jobs: int | None = None,
    cluster: str | None = None,
) -> "Comparison":
    """Train the same networks in several ways, fold by fold, and test all on the mixture.

    Within a fold all ways have the same initial weights, batches, number of steps, optimiser and schedule.

    Args:
        networks: makes new networks with random weights, by name; network k trains on cluster k.
        folds: of `clusters`; two or more give intervals.
        ways: name to a `Way`, to its kind, or to a dict of its settings.
        epochs: passes over the clusters.
        lr: learning rate of all ways that have none of their own.
        batch_size: of the largest cluster.
        schedule: of the learning rate, for all ways.
        seed: of initial weights and order; the number of the fold is added.
        jobs: runs at the same time; None leaves it to joblib.
        cluster: address of a scheduler of dask.distributed, whose workers share the runs instead.
    """
    chosen = {name: Way.of(way) for name, way in ways.items()}
    if not chosen or not folds:
        raise SettingsError("There is nothing to compare.", "Give at least one way and one fold.")
    tasks = [
        delayed(train_one)(
            networks, fold, way, epochs=epochs, lr=lr, batch_size=batch_size, schedule=schedule, seed=seed
        )
        for way, fold in product(chosen.values(), folds)
    ]
    found: list[Run] = finished_runs(tasks, jobs, cluster)
    count = len(folds)
    runs = {name: found[i * count : (i + 1) * count] for i, name in enumerate(chosen)}
    return Comparison(chosen, tuple(folds), runs)


@dataclass(frozen=True, eq=False)
class Run:
    """Networks after training.

    Attributes:
        names: of the networks.
        model: `UGNN` or `Alone`, in eval mode.
        losses: cross-entropy [steps, networks].
    """

    names: tuple[str, ...]
    model: nn.Module
    losses: NDArray[np.float32]

    def predict(self, split: Split) -> list[NDArray[np.float32]]:
        """Probabilities [N, classes] of each network."""
        return predict(self.model, split)

    def scores(self, split: Split) -> dict[str, dict[str, float]]:
        """Weighted F1, AUC and balanced accuracy of each network on a split.

        The AUC of several classes is the mean over classes of "this class against the rest".
        """
        truth, task = split.labels[:, 0], split.info.task
        return {
            name: _scores(truth, found, task)
            for name, found in zip(self.names, self.predict(split), strict=True)
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """The runs of several ways, paired by fold.

    Attributes:
        ways: name to settings.
        folds: their clusters.
        runs: name to its runs, one a fold.
    """

    ways: dict[str, Way]
    folds: tuple[Clusters, ...]
    runs: dict[str, list[Run]]

    @cached_property
    def scores(self) -> "pd.DataFrame":
        """One row per way, network and fold: the scores on the test mixture."""
        import pandas as pd

        rows = [
            (way, name, clusters.fold, *(scores[score] for score in SCORES))
            for way, runs in self.runs.items()
            for clusters, run in zip(self.folds, runs, strict=True)
            for name, scores in run.scores(clusters.test).items()
        ]
        return pd.DataFrame(rows, columns=["way", "model", "fold", *SCORES])

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the networks."""
        return next(iter(self.runs.values()))[0].names

    def values(self, way: str, score: str = "f1", model: str = MEAN) -> NDArray[np.float64]:
        """One score of a way on the test mixture, fold by fold; "mean" is that over the networks."""
        for what, given, known in (
            ("ways", way, self.runs),
            ("scores", score, SCORES),
            ("networks", model, (*self.models, MEAN)),
        ):
            if given not in known:
                raise UnknownNameError(f"There is no '{given}'.", nearest(given, known, what), name=given)
        rows = self.scores[self.scores["way"] == way]
        wide = rows.pivot(index="fold", columns="model", values=score).loc[[fold.fold for fold in self.folds]]
        found = wide[list(self.models)].mean(axis=1) if model == MEAN else wide[model]
        return np.asarray(found, dtype=np.float64)

    def interval(self, way: str, score: str = "f1", model: str = MEAN) -> Interval:
        """Mean over folds with its 95 % t interval."""
        return t_interval(self.values(way, score, model))

    def difference(self, way: str, other: str, score: str = "f1", model: str = MEAN) -> Interval:
        """``way - other``, paired by fold, with its 95 % t interval.

        Folds share training images and the test images are the same, so the interval is too narrow for a
        claim about new images; it says how much clusters and initial weights matter.
        """
        return paired_difference(self.values(way, score, model), self.values(other, score, model))

    @property
    def table(self) -> "pd.DataFrame":
        """Ways by networks and their mean: weighted F1 on the test mixture, mean over folds."""
        return self.table_of("f1")

    def table_of(self, score: str) -> "pd.DataFrame":
        """Like `table`, for "f1", "auc" or "balacc"."""
        import pandas as pd

        columns = list(self._columns)
        rows = [[self.values(way, score, name).mean() for name in columns] for way in self.runs]
        return pd.DataFrame(rows, index=pd.Index(self.runs, name="way"), columns=columns)

    def run(self, way: str, fold: int = 0) -> Run:
        """The run of a way on one of the folds, counted from 0."""
        if way not in self.runs:
            raise UnknownNameError(f"There is no '{way}'.", nearest(way, self.runs, "ways"), name=way)
        return self.runs[way][fold]

    def plot(self, score: str = "f1", title: str = "") -> "Picture":
        """Every fold as a dot, with the mean and its interval, for each network and way."""
        from teachkit.plots.ways import ways_to_train

        values = {way: {name: self.values(way, score, name) for name in self._columns} for way in self.runs}
        first = self.folds[0]
        return ways_to_train(
            values,
            label=SCORES[score],
            title=title or f"{first.test.title}: all clusters mixed; trained on clusters by {first.by}",
            note=f"{len(self.folds)} folds; bars: 95 % t intervals over folds",
        )

    def plot_differences(
        self, pairs: Mapping[str, tuple[str, str]], score: str = "f1", title: str = ""
    ) -> "Picture":
        """First minus second way of each pair, fold by fold, for each network and their mean.

        Args:
            pairs: name of a row to the two ways.
            score: "f1", "auc" or "balacc".
            title: of the figure.
        """
        from teachkit.plots.ways import ways_to_train

        gaps = {
            row: {name: self.values(a, score, name) - self.values(b, score, name) for name in self._columns}
            for row, (a, b) in pairs.items()
        }
        first = self.folds[0]
        return ways_to_train(
            gaps,
            label=f"difference in {SCORES[score]}",
            title=title or f"{first.test.title}: all clusters mixed; trained on clusters by {first.by}",
            note=f"{len(self.folds)} folds, paired; bars: 95 % t intervals over folds; right of 0: the first",
            zero=True,
        )

    def joined(self, other: "Comparison") -> "Comparison":
        """The ways of both; those of `other` come last.

        Raises:
            SettingsError: when the folds are not the same objects, or a way has the same name in both.
        """
        if list(map(id, self.folds)) != list(map(id, other.folds)):
            raise SettingsError(
                f"{len(self.folds)} folds and {len(other.folds)} other ones cannot be paired.",
                "Compare all ways on one list of folds.",
            )
        if twice := self.ways.keys() & other.ways.keys():
            raise SettingsError(
                f"Both comparisons have '{sorted(twice)[0]}'.", "Give the second another name."
            )
        return Comparison(self.ways | other.ways, self.folds, self.runs | other.runs)

    @property
    def _columns(self) -> tuple[str, ...]:
        return (*self.models, MEAN)


def _scores(truth: NDArray[np.int64], probabilities: NDArray[np.float32], task: str) -> dict[str, float]:
    """Weighted F1, and two of the scores that `metrics.scores` gives for the task."""
    others = metrics.scores(truth, probabilities, task)
    f1 = metrics.weighted_f1(truth, probabilities.argmax(1))
    return {"f1": f1, "auc": others["auc"], "balacc": others["balacc"]}
