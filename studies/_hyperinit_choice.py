"""Which pre-training goes on to the final sets: chosen by probes on validation pictures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _grid import Grid
from _hyperinit_arms import DEVELOPMENT, Recipe, isolate_recipes
from _hyperinit_training import pictures, trained, untrained

from teachkit.errors import SettingsError
from teachkit.hyperinit import HyperInitializer, references
from teachkit.hyperinit.downstream import draw_sample, probe
from teachkit.hyperinit.starting import kaiming_start, predicted_start
from teachkit.paths import atomic

NETWORKS = ("resnet14", "vgg6", "mobilenet2")
LABELS, DRAWS = 20, 5
CHOICE_SEEDS = (0,)
CHOICE_STEPS = (1_000,)  # fewer steps are measured too, but nobody would choose them


@dataclass(frozen=True)
class Choice:
    """Task, families and steps of a pre-training."""

    pretext: str
    families: str
    steps: int

    def recipe(self, data: str, seed: int) -> Recipe:
        return Recipe(data, self.pretext, self.families, self.steps, seed)


PUBLISHED = Choice("rotation", "three", 1_000)  # the published task, on families that its text names


def run_isolate(grid: Grid) -> None:
    """Probes of every hyper-initializer and of two starts without one; then the choice is written down."""
    for seed in CHOICE_SEEDS:
        for start in ("kaiming", "untrained"):
            grid.run(plain_name(start, seed), plain_settings(start, seed), partial(plain, start, seed))
        for recipe in isolate_recipes([seed]):
            probe_cell(grid, recipe)
    choose(grid)


def probe_cell(grid: Grid, recipe: Recipe) -> None:
    """Validation AUC of networks with the numbers of one hyper-initializer."""
    settings = {**recipe.settings, **_asked()}
    grid.run(
        probe_name(recipe),
        settings,
        lambda: {"auc": probes({draw: trained(grid, recipe) for draw in range(DRAWS)})},
    )


def plain(start: str, seed: int) -> dict[str, Any]:
    """The same probes of a start without pre-training, drawn anew with each draw of labels."""
    if start == "kaiming":
        return {"auc": probes(dict.fromkeys(range(DRAWS)), seed * DRAWS)}
    return {"auc": probes({draw: untrained(seed * DRAWS + draw) for draw in range(DRAWS)}, seed * DRAWS)}


def probes(initializers: Mapping[int, HyperInitializer | None], first: int = 0) -> dict[str, list[float]]:
    """Validation AUC by network and draw of labels.

    Args:
        initializers: by draw; None for random numbers after Kaiming.
        first: added to the draw for the seed of random numbers.
    """
    torch.set_num_threads(1)
    train, val = pictures(DEVELOPMENT, "train"), pictures(DEVELOPMENT, "val")
    known = references()
    found: dict[str, list[float]] = {name: [] for name in NETWORKS}
    for draw, initializer in initializers.items():
        sample = draw_sample(train, LABELS, draw)
        for name in NETWORKS:
            asked = known[name], sample.channels, sample.classes, first + draw
            network = kaiming_start(*asked) if initializer is None else predicted_start(*asked, initializer)
            found[name].append(round(probe(network, sample, val)["auc"], 5))
    return found


def choose(grid: Grid) -> Choice:
    """The best mean validation AUC over networks, draws and seeds of the choice; written beside the cells.

    Raises:
        SettingsError: not all probes are there: nobody should choose from a part of them.
    """
    means: dict[Choice, list[float]] = {}
    for recipe in isolate_recipes(CHOICE_SEEDS, CHOICE_STEPS):
        if (cell := grid.read(probe_name(recipe))) is None:
            raise SettingsError("Not all probes are there.", "Run the part 'isolate' first.")
        choice = Choice(recipe.pretext, recipe.families, recipe.steps)
        means.setdefault(choice, []).append(mean_auc(cell["values"]))
    best = max(means, key=lambda choice: float(np.mean(means[choice])))
    with atomic(choice_path(grid)) as temporary:
        temporary.write_text(json.dumps(best.__dict__, indent=1) + "\n")
    return best


def chosen(grid: Grid) -> Choice:
    """What was chosen.

    Raises:
        SettingsError: nothing yet.
    """
    if not choice_path(grid).exists():
        raise SettingsError("No pre-training was chosen yet.", "Run the part 'isolate' first.")
    return Choice(**json.loads(choice_path(grid).read_text()))


def choice_path(grid: Grid) -> Path:
    """Beside the folder of the cells, because it is no cell."""
    return grid.folder.parent / f"{grid.folder.name}_chosen.json"


def mean_auc(values: Mapping[str, Mapping[str, Sequence[float]]]) -> float:
    """Over networks and draws."""
    return float(np.mean([score for row in values["auc"].values() for score in row]))


def probe_name(recipe: Recipe) -> str:
    return recipe.name.replace("train_", "probe_", 1)


def plain_name(start: str, seed: int) -> str:
    return f"probe_{DEVELOPMENT}_{start}_{seed}"


def plain_settings(start: str, seed: int) -> dict[str, Any]:
    return {"data": DEVELOPMENT, "start": start, "seed": seed, **_asked()}


def _asked() -> dict[str, Any]:
    return {"asked": "val", "networks": NETWORKS, "labels": LABELS, "draws": DRAWS}
