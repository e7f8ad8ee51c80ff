"""Individually trained baselines: what mm-PT is compared with. A grid of cells, one network each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from teachkit import big, data
from teachkit.big.measuring import RANKED, TITLES
from teachkit.big.scoring import MEAN
from teachkit.big.suites import ENDING, Suite
from teachkit.data import Split
from teachkit.errors import SettingsError, TeachkitError
from teachkit.metrics import t_interval
from teachkit.mmpt.architectures import find_architectures
from teachkit.mmpt.cells import SCHEMES, Cell, Outcome, run_cell, suite_of
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.probes import Regime
from teachkit.mmpt.weights import IMAGENET, weights_file
from teachkit.training.naming import digest
from teachkit.training.progress import finished_runs

SEEDS = (9930641, 115149041, 252139603)  # of the published code
MIXED = "baselines"  # suite of a grid with sets that the benchmark does not have


@dataclass(frozen=True)
class Baselines:
    """Every architecture by every scheme on every set, with every seed; each cell trained on its set alone.

    Attributes:
        architectures: names; "all" stands for the ten of the thesis.
        schemes: of "end-to-end", "linear", "knn".
        datasets: names of sets with classes.
        out: folder of predictions and results; a repeated run takes from it what is there already.
        seeds: of everything random. kNN on trained weights has nothing random, and runs once.
        size: edge of the pictures.
        weights: "imagenet" for those registered under each architecture; a file, for one architecture; None
            for random numbers, of which nothing is a baseline.
        canvas: edge of the square that pictures are put into; None takes 224 for the ten, and pictures as
            they come for other bodies.
        features: folder of features; None means the cache.
    """

    architectures: Sequence[str]
    schemes: Sequence[str]
    datasets: Sequence[str]
    out: Path
    seeds: Sequence[int] = SEEDS
    size: int = 28
    weights: str | None = IMAGENET
    canvas: int | None = None
    regime: Regime = field(default_factory=Regime)
    features: Path | None = None

    def run(self, jobs: int | None = None, cluster: str | None = None, device: str = "auto") -> "Results":
        """Make all cells that are not in `out` yet; one that fails stops no other.

        Args:
            jobs: cells at the same time on this machine.
            cluster: address of a scheduler of dask.distributed, whose workers share the cells instead. They
                must see `out`, and the same data source. A cell of a worker that dies goes to another one.
            device: as for `training.fit`.

        Raises:
            SettingsError, UnknownNameError, DataError: for what cannot be run, before anything runs.
        """
        tests = {name: self._test(name) for name in self.datasets}
        cells = self.cells(tests)
        folder = self.out.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        features = None if self.features is None else self.features.resolve()
        tasks = [joblib.delayed(_attempt)(cell, folder / "cells", features, device) for cell in cells]
        found: list[Outcome | str] = finished_runs(tasks, jobs, cluster)
        done = [one for one in found if isinstance(one, Outcome)]
        lost = [one for one in done if not one.predictions.is_file()]
        if lost:
            raise SettingsError(
                f"The workers wrote {len(lost)} cells to folders of their own: {lost[0].predictions.parent}.",
                "Choose an --out that all machines see.",
            )
        failed = {
            cell.stem: one for cell, one in zip(cells, found, strict=True) if not isinstance(one, Outcome)
        }
        return Results(tuple(done), failed, _joined(done, tests, folder, self.size))

    def cells(self, tests: Mapping[str, Split]) -> list[Cell]:
        """What there is to do, in the order of seeds, so that a stopped run is complete for the first ones.

        Raises:
            SettingsError, UnknownNameError, DataError: as `run`; weights are brought here, once.
        """
        chosen = find_architectures(list(self.architectures))
        schemes, seeds = list(dict.fromkeys(self.schemes)), list(dict.fromkeys(self.seeds))
        if not (chosen and schemes and seeds and tests) or min(seeds) < 0:
            raise SettingsError(
                f"{len(chosen)} architectures, {len(schemes)} schemes, {len(tests)} sets, seeds {seeds}.",
                "Name at least one of each; a seed is 0 or more.",
            )
        if self.weights not in (None, IMAGENET) and len(chosen) > 1:
            raise SettingsError(
                f"The weights {self.weights} cannot fit {len(chosen)} architectures.",
                "Name one architecture.",
            )
        for one in chosen:
            weights_file(one.model, self.weights)
        found = []
        for seed, one, scheme, name in product(seeds, chosen, schemes, tests):
            if scheme == "knn" and self.weights is not None and seed != seeds[0]:
                continue
            canvas = one.canvas if self.canvas is None else self.canvas
            cell = Cell(
                one, scheme, name, self.size, seed, self.weights, canvas, digest(tests[name]), self.regime
            )
            found.append(cell)
        return found

    def _test(self, name: str) -> Split:
        """The test split of a set that has classes."""
        split = data.load(name, "test", self.size)
        Domain.of(name, split).check(split)
        return split


@dataclass(frozen=True)
class Results:
    """What a grid found.

    Attributes:
        outcomes: of all cells that went well.
        failed: name of a cell to what was wrong.
        files: a prediction file for each architecture, scheme and seed, with all sets that went well.
    """

    outcomes: tuple[Outcome, ...]
    failed: Mapping[str, str]
    files: tuple[Path, ...]

    @property
    def scores(self) -> pd.DataFrame:
        """One row per cell and ranked score, with its value and what the cell is."""
        rows = [
            (
                one.cell.weights is not None, one.cell.architecture.title, one.cell.start,
                SCHEMES[one.cell.scheme], one.cell.dataset, one.cell.seed, score, one.scores[score],
            )
            for one in self.outcomes
            for score in RANKED
        ]  # fmt: skip
        names = ["baseline", "architecture", "start", "scheme", "set", "seed", "score", "value"]
        return pd.DataFrame(rows, columns=names)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Title to table. Random bodies have one of their own, which is called no baseline.

        A row for each architecture, scheme and set, and one for the mean over sets, each counting alike. The
        columns are mean, low and high of each ranked score over seeds, with 95 % t intervals.
        """
        titles = {True: "Individually trained baselines", False: "Untrained bodies (no baselines)"}
        found = {}
        for trained, title in titles.items():
            rows = self.scores[self.scores["baseline"] == trained]
            if len(rows):
                sizes = sorted({one.cell.size for one in self.outcomes})
                found[f"{title}, size {', '.join(map(str, sizes))}"] = _table(rows)
        return found


def _table(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds and its interval, by architecture, scheme and set; then of the mean over sets."""
    who, sets = ["architecture", "start", "scheme"], list(dict.fromkeys(scores["set"]))
    values = scores.set_index([*who, "set", "score", "seed"])["value"].sort_index()
    rows = {}
    for key in dict.fromkeys(zip(*(scores[name] for name in who), strict=True)):
        cube = values.loc[key].unstack("seed")
        whole = pd.MultiIndex.from_product([sets, RANKED])
        # A cell that is missing is nan, and so is every mean that needs it.
        grid = cube.reindex(whole).to_numpy().reshape(len(sets), len(RANKED), -1)
        for name, found in zip([*sets, MEAN], [*grid, grid.mean(axis=0)], strict=True):
            if name != MEAN or len(sets) > 1:
                rows[(*key, name)] = np.concatenate([t_interval(of_score) for of_score in found])
    columns = pd.MultiIndex.from_product([[TITLES[score] for score in RANKED], ["mean", "low", "high"]])
    index = pd.MultiIndex.from_tuples(rows, names=[*who, "set"])
    return pd.DataFrame(list(rows.values()), index=index, columns=columns)


def _joined(
    outcomes: Sequence[Outcome], tests: Mapping[str, Split], folder: Path, size: int
) -> tuple[Path, ...]:
    """One prediction file for each architecture, scheme and seed, as `teachkit big score` takes it."""
    suites = {suite_of(name, test, size) for name, test in tests.items()}
    suite: str | Path = "big"
    if suites != {("big", size)}:
        sizes = tuple(sorted({one for _, one in suites}))
        mixed = Suite.of(MIXED, tests.values())
        suite = Suite(MIXED, mixed.version, mixed.sets, sizes).save(folder / f"{MIXED}{ENDING}")
        size = sizes[0]
    groups: dict[str, dict[str, Outcome]] = {}
    for one in outcomes:
        groups.setdefault(f"{one.cell.who}-seed{one.cell.seed}", {})[one.cell.dataset] = one
    files = []
    for name, members in groups.items():
        held = {dataset: one.probabilities() for dataset, one in members.items()}
        files.append(big.write_predictions(folder / f"{name}.csv", held, suite=suite, size=size))
    return tuple(files)


def _attempt(cell: Cell, folder: Path, features: Path | None, device: str) -> Outcome | str:
    """The outcome, or why there is none."""
    try:
        return run_cell(cell, folder, features, device)
    except TeachkitError as error:
        return str(error)
