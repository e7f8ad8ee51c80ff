"""One baseline: an architecture, a scheme, a set, a seed. Its scores and predictions are kept on disk."""

import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachkit import __version__, big, data
from teachkit.data import Split, fetch
from teachkit.data.registry import DEFAULT_SIZE
from teachkit.errors import UnknownNameError, nearest
from teachkit.mmpt.architectures import Architecture
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.features import KIND, Body
from teachkit.mmpt.pretraining import pretrain
from teachkit.mmpt.probes import Course, Regime, linear_probe, nearest_neighbours
from teachkit.mmpt.weights import IMAGENET
from teachkit.paths import atomic
from teachkit.training.naming import Settings, digest

SCHEMES = {"end-to-end": "end to end", "linear": "linear probe", "knn": "nearest neighbours"}
UNTRAINED = "untrained body"


@dataclass(frozen=True)
class Cell:
    """What one baseline is made of.

    Attributes:
        scheme: "end-to-end", "linear" or "knn".
        size: edge of the pictures of the set.
        seed: of everything random.
        weights: "imagenet", a file, or None for random numbers: then this is no baseline.
        canvas: edge of the square that pictures are put into; 0 takes them as they come.
        data: digest of the test split: results of other data of the same name are others.
    """

    architecture: Architecture
    scheme: str
    dataset: str
    size: int
    seed: int
    weights: str | None
    canvas: int
    data: str = ""
    regime: Regime = field(default_factory=Regime)

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise UnknownNameError(
                f"No scheme is called '{self.scheme}'.",
                nearest(self.scheme, SCHEMES, "schemes"),
                name=self.scheme,
            )

    @property
    def start(self) -> str:
        """What the body starts from, in words."""
        if self.weights is None:
            return UNTRAINED
        return "pre-trained body" if self.weights == IMAGENET else f"body from {Path(self.weights).name}"

    @property
    def who(self) -> str:
        """Who answers, without set and seed; a file name."""
        start = "untrained-body-" if self.weights is None else ""
        return re.sub(r"[^\w.-]", "_", f"{start}{self.architecture.name}-{self.scheme}-{self.size}")

    @cached_property
    def stem(self) -> str:
        """Names its files; another setting gives another name."""
        return f"{self.who}-{self.dataset}-seed{self.seed}-{digest(self.settings())}"

    def settings(self) -> Settings:
        """All that decides the result, apart from the machine."""
        weights: object = self.weights
        if self.weights not in (None, IMAGENET):
            weights = fetch.known_digest(Path(str(self.weights)), f"{KIND}:")
        return {
            "model": self.architecture.model,
            "scheme": self.scheme,
            "dataset": self.dataset,
            "size": self.size,
            "seed": self.seed,
            "weights": weights,
            "canvas": self.canvas,
            "data": self.data,
            **self.regime.settings(),
        }


@dataclass(frozen=True)
class Outcome:
    """What a cell found.

    Attributes:
        scores: of the test split by the rules of the benchmark; those that are undefined are nan.
        predictions: file with the probabilities of the test split.
        suite, size: under which `teachkit big score` takes that file.
        seconds: it took.
    """

    cell: Cell
    scores: dict[str, float]
    predictions: Path
    suite: str
    size: int
    seconds: float

    def probabilities(self) -> NDArray[np.float64]:
        """[rows, classes], as written."""
        return big.read_predictions(self.predictions, suite=self.suite, size=self.size).sets[
            self.cell.dataset
        ]


def run_cell(cell: Cell, folder: Path, features: Path | None = None, device: str = "auto") -> Outcome:
    """Make one baseline, or read what was kept of it in `folder`.

    Args:
        folder: of predictions (CSV) and results (JSON).
        features: folder of features, None for the cache.
        device: as for `training.fit`.

    Raises:
        TeachkitError: as `data.load`, `pretrain` and the probes.
    """
    kept = read_cell(cell, folder)
    if kept is not None:
        return kept
    began = time.perf_counter()
    train, val, test = (data.load(cell.dataset, part, cell.size) for part in data.SPLITS)
    if cell.scheme == "end-to-end":
        found, course = _end_to_end(cell, train, val, test, device)
    else:
        found, course = _from_features(cell, train, val, test, features, device)
    suite, size = suite_of(cell.dataset, test, cell.size)
    file = folder / f"{cell.stem}.csv"
    own = () if suite == "big" else (test,)
    big.write_predictions(file, {cell.dataset: found}, suite=suite, splits=own, size=size)
    scored = big.score(file, size=size, suite=suite, truth={cell.dataset: test.labels}).sets[cell.dataset]
    seconds = time.perf_counter() - began
    record = {
        "what": f"{cell.architecture.title}, {cell.start}, {SCHEMES[cell.scheme]}",
        "baseline": cell.weights is not None,
        "settings": cell.settings(),
        "set": test.title,
        "source": test.info.source,
        "scores": {name: float(value) if np.isfinite(value) else None for name, value in scored.items()},
        "course": None if course is None else vars(course),
        "predictions": {"file": file.name, "suite": suite, "size": size, KIND: fetch.digest(file, KIND)},
        "seconds": seconds,
        "teachkit": __version__,
    }
    with atomic(folder / f"{cell.stem}.json") as temporary:  # the last file: with it, the cell is complete
        temporary.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Outcome(cell, dict(scored), file, suite, size, seconds)


def read_cell(cell: Cell, folder: Path) -> Outcome | None:
    """What was kept of a cell; None when it is not there, or no longer whole: then it is made again."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        record: dict[str, Any] = json.loads((folder / f"{cell.stem}.json").read_text(encoding="utf-8"))
        told = record["predictions"]
        file = folder / told["file"]
        if fetch.digest(file, KIND) == told[KIND]:
            scores = {
                name: float("nan") if value is None else value for name, value in record["scores"].items()
            }
            return Outcome(cell, scores, file, told["suite"], told["size"], record["seconds"])
    return None


def suite_of(name: str, test: Split, size: int) -> tuple[str, int]:
    """Suite and picture size under which predictions for `test` are scored.

    It is "big" for a whole test split of that benchmark, else a suite of this set alone, called as the set.
    """
    whole = big.find_suite("big")
    if name in whole and size in whole.sizes and whole[name].rows == len(test):
        return "big", size
    return name, test.size or DEFAULT_SIZE


def _end_to_end(
    cell: Cell, train: Split, val: Split, test: Split, device: str
) -> tuple[NDArray[np.float32], Course | None]:
    """Train body and last layer on one set: mm-PT of a single domain, with the settings of the thesis."""
    regime = cell.regime
    model = pretrain(
        {cell.dataset: (train, val)},
        cell.architecture.model,
        preset="thesis",
        epochs=regime.epochs,
        patience=regime.patience,
        lr=regime.lr,
        batch_size=regime.batch_size,
        canvas=cell.canvas,
        weights=cell.weights,
        seed=cell.seed,
        device=device,
    )
    kept = model.history.best_epoch
    losses = {int(entry["epoch"]): entry["val_loss"] for entry in model.history.epochs}
    course = Course(len(losses), kept, float(losses[kept]))
    return model.predict(test, domain=cell.dataset, statistics="everyone", device=device), course


def _from_features(
    cell: Cell, train: Split, val: Split, test: Split, folder: Path | None, device: str
) -> tuple[NDArray[np.float32], Course | None]:
    """Answers of a body that is not trained any further."""
    body = Body(cell.architecture.model, cell.weights, cell.canvas, cell.seed)
    domain = Domain.of(cell.dataset, train)
    x, asked = (body.features(split, folder=folder, device=device) for split in (train, test))
    if cell.scheme == "knn":
        return nearest_neighbours(x, train.labels, asked, domain, cell.regime.neighbours), None
    val_x = body.features(val, folder=folder, device=device)
    return linear_probe((x, train.labels), (val_x, val.labels), asked, domain, cell.regime, cell.seed, device)
