"""Study 07, downstream: networks from seven starts on a task with few labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from _grid import Grid
from _hyperinit_arms import CURVE_STEPS, DEVELOPMENT, FINAL, Recipe
from _hyperinit_training import pictures, trained, untrained
from torch import nn

from teachkit.errors import SettingsError
from teachkit.hyperinit import references
from teachkit.hyperinit.downstream import Scores, draw_sample, probe, tune
from teachkit.hyperinit.starting import kaiming_start, predicted_start, self_supervise, shuffled_start
from teachkit.hyperinit.starting import transferred_start as transferred

DATA = (*FINAL, DEVELOPMENT)
NETWORKS = ("resnet14", "vgg6", "mobilenet2")
QUICK = ("kaiming", "untrained", "published", "chosen", "shuffled")
OWN = ("own_rotation", "own_chosen")  # most of the time goes into these
LONG = "long"  # one long pre-training on the development set, for the sets with grey pictures
LONG_DATA = ("breastmnist", DEVELOPMENT)
DRAWS = tuple(range(6))
FEW_DRAWS = DRAWS[:3]  # where a run is long
PRETRAININGS = 1  # draw d takes the hyper-initializer of seed d % PRETRAININGS
LABELS = 20
OTHER_LABELS = (5, 60)  # the rarest class of RetinaMNIST has 66 training images
FEW_STARTS = ("kaiming", "untrained", "published", "chosen")
RATES = (0.01, 0.03, 0.1, 0.3)
EPOCHS = (1, 3, 5)
OWN_STEPS = 200
KEPT = ("auc", "kappa", "kappa_linear", "kappa_quadratic")


@dataclass(frozen=True)
class Cell:
    """One network from one start on one draw of labelled pictures.

    Attributes:
        pretext, families, steps: of the pre-training behind the start; None, None, None where there is none.
        rates: at which it is fine-tuned.
    """

    data: str
    network: str
    start: str
    draw: int
    pretext: str | None
    families: str | None
    steps: int | None
    labels: int = LABELS
    rates: tuple[float, ...] = RATES

    @property
    def name(self) -> str:
        labels = "" if self.labels == LABELS else f"_{self.labels}labels"
        return f"down_{self.data}_{self.network}_{self.start}{labels}_{self.draw}"

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides its result."""
        return {
            **asdict(self),
            "hyper_seed": self.draw % PRETRAININGS if self.families else None,
            "epochs": EPOCHS,
            "optimizer": "sgd, momentum 0.9, cosine, batches of 16",
        }

    @property
    def recipe(self) -> Recipe:
        """The hyper-initializer behind it; but for the long run, trained on pictures of the same set."""
        if self.pretext is None or self.families is None or self.steps is None:
            raise ValueError(f"No hyper-initializer stands behind '{self.start}'.")
        if self.start == LONG:
            return Recipe(DEVELOPMENT, self.pretext, self.families, self.steps, 0)
        return Recipe(self.data, self.pretext, self.families, self.steps, self.draw % PRETRAININGS)


def behind(start: str, chosen: Mapping[str, Any]) -> tuple[str | None, str | None, int | None]:
    """Task, families and steps of the pre-training behind a start."""
    if start == "published":
        return "rotation", "three", 1_000
    if start in ("chosen", "shuffled"):
        return chosen["pretext"], chosen["families"], chosen["steps"]
    if start == LONG:
        return "simclr", "seven", max(CURVE_STEPS)
    if start.startswith("own_"):
        return ("rotation" if start == "own_rotation" else chosen["pretext"]), None, OWN_STEPS
    return None, None, None


def down_cells(
    chosen: Mapping[str, Any], networks: Sequence[str] = NETWORKS, draws: Sequence[int] = DRAWS
) -> Iterator[Cell]:
    """Draw by draw, so that a stopped study has the same draws of everything."""
    for draw, starts in product(draws, (QUICK, OWN)):
        if starts == OWN and draw not in FEW_DRAWS:
            continue
        for network, key, start in product(networks, DATA, starts):
            yield Cell(key, network, start, draw, *behind(start, chosen))


def long_cells() -> Iterator[Cell]:
    """Networks from the long pre-training; BreastMNIST is another kind of picture than it has seen."""
    for draw, network, key in product(DRAWS, NETWORKS, LONG_DATA):
        yield Cell(key, network, LONG, draw, *behind(LONG, {}))


def run_long(grid: Grid) -> None:
    """On the development set, and on a set of another kind of pictures."""
    _run(grid, long_cells())


def run_down(grid: Grid, chosen: Mapping[str, Any]) -> None:
    """All starts with 20 labels a class; then other numbers of labels, for one network."""
    _run(grid, down_cells(chosen))
    rates = {
        (key, start): rate_of(grid, chosen, key, NETWORKS[0], start) for key in DATA for start in FEW_STARTS
    }
    _run(grid, label_cells(chosen, rates))


def rate_of(grid: Grid, chosen: Mapping[str, Any], key: str, network: str, start: str) -> float:
    """The rate with the best mean AUC on validation pictures over the draws; test scores are not read.

    Raises:
        SettingsError: not all draws are there: nobody should choose from a part of them.
    """
    made = behind(start, chosen)
    cells = [Cell(key, network, start, draw, *made) for draw in DRAWS]
    found = [values["by_rate"] for values in grid.values([cell.name for cell in cells])]
    if len(found) < len(cells):
        raise SettingsError("Not all draws are there.", "Run the part 'down' first.", start=start)
    return max(RATES, key=lambda rate: float(np.nan_to_num(np.mean([row[f"{rate:g}"] for row in found]))))


def _run(grid: Grid, cells: Iterable[Cell]) -> None:
    grid.run_all((cell.name, cell.settings, partial(run_cell, cell, grid)) for cell in cells)


def label_cells(
    chosen: Mapping[str, Any], rates: Mapping[tuple[str, str], float], draws: Sequence[int] = DRAWS
) -> Iterator[Cell]:
    """Fewer and more labels for one network, at the rate that validation chose for 20 labels a class.

    Args:
        rates: set and start to a rate.
    """
    for draw, key, labels, start in product(draws, DATA, OTHER_LABELS, FEW_STARTS):
        made = behind(start, chosen)
        yield Cell(key, NETWORKS[0], start, draw, *made, labels=labels, rates=(rates[key, start],))


def run_cell(cell: Cell, grid: Grid) -> dict[str, Any]:
    """Probe and fine-tuning on the test pictures; at every rate also the AUC on validation pictures.

    Test pictures are scored at all rates. Which of them counts is decided by validation, in the tables.
    """
    torch.set_num_threads(1)
    train, val, test = (pictures(cell.data, part) for part in ("train", "val", "test"))
    network, seconds = begin(cell, grid)
    sample = draw_sample(train, cell.labels, cell.draw)
    values: dict[str, Any] = {"own_seconds": seconds, "probe": kept(probe(network, sample, test))}
    values["by_rate"], values["test"] = {}, {}
    for rate in cell.rates:
        scored = tune(network, sample, {"val": val, "test": test}, lr=rate, epochs=EPOCHS, seed=cell.draw)
        values["by_rate"][f"{rate:g}"] = round(scored["val"][max(EPOCHS)]["auc"], 5)
        values["test"][f"{rate:g}"] = {str(epoch): kept(scores) for epoch, scores in scored["test"].items()}
    return values


def begin(cell: Cell, grid: Grid) -> tuple[nn.Sequential, float | None]:
    """The network of a cell before any training, and seconds of its own pre-training where there was one."""
    train = pictures(cell.data, "train")
    shape = (references()[cell.network], train.channels, len(train.info.classes), cell.draw)
    if cell.start == "kaiming":
        return kaiming_start(*shape), None
    if cell.start == "untrained":
        return predicted_start(*shape, untrained(cell.draw)), None
    if cell.start.startswith("own_"):
        pretext, steps = cell.pretext or "", cell.steps or 0
        own = self_supervise(shape[0], train, steps=steps, pretext=pretext, seed=cell.draw)
        return transferred(*shape, own.numbers), round(own.seconds, 2)
    network = predicted_start(*shape, trained(grid, cell.recipe))
    return shuffled_start(network, cell.draw) if cell.start == "shuffled" else network, None


def kept(scores: Scores) -> dict[str, float]:
    """The scores that tables show, to five digits."""
    return {name: round(scores[name], 5) for name in KEPT}
