"""Pre-training for study 07: a cell keeps the course of a run, a folder outside git keeps its weights."""

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _grid import ROOT, Grid
from _hyperinit_arms import FAMILIES, INPUTS, INTENSITY, LR, NETS, Recipe

from teachkit import data
from teachkit.data.splits import Split
from teachkit.hyperinit import HyperInitializer, Stream
from teachkit.hyperinit.history import History
from teachkit.hyperinit.pretext import Pretext, SimCLR, pretext_named

WEIGHTS = ROOT / "build" / "studies" / "07"
KEPT = 25  # losses are kept as means over so many steps


def trained(grid: Grid, recipe: Recipe) -> HyperInitializer:
    """The hyper-initializer of a recipe: from its file, or trained now."""
    path = weights_of(recipe)
    if not path.exists() and grid.read(recipe.name) is not None:
        pretrain(recipe)  # the cell is there and its weights are not, as after a fresh clone
    grid.run(recipe.name, recipe.settings, lambda: pretrain(recipe))
    return HyperInitializer.load(path)


def untrained(seed: int) -> HyperInitializer:
    """The same network before any training."""
    return HyperInitializer(seed=seed)


def weights_of(recipe: Recipe) -> Path:
    """Where its weights lie; other settings are another file."""
    text = json.dumps(recipe.settings, sort_keys=True)
    return WEIGHTS / f"{recipe.name}_{hashlib.sha256(text.encode()).hexdigest()[:8]}.pt"


def pretrain(recipe: Recipe) -> dict[str, Any]:
    """Train, save the weights, and return the course; goes on from a checkpoint of the same run."""
    torch.set_num_threads(1)
    path = weights_of(recipe)
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = path.with_suffix(".ckpt")
    initializer = HyperInitializer(seed=recipe.seed)
    history = initializer.pretrain(
        pictures(recipe.data, "train"),
        steps=recipe.steps,
        nets=NETS,
        images_per_net=INPUTS[recipe.pretext],
        pretext=task(recipe.pretext),
        stream=Stream(families=FAMILIES[recipe.families], seed=recipe.seed, size=recipe.collection),
        val=pictures(recipe.data, "val"),
        every=max(recipe.steps // 4, 125),
        device="cpu",
        lr=LR,
        seed=recipe.seed,
        checkpoint=checkpoint,
    )
    initializer.save(path)
    checkpoint.unlink()
    return course(history)


def task(name: str) -> Pretext:
    """With the settings of this study."""
    return SimCLR(intensity=INTENSITY) if name == "simclr" else pretext_named(name)


def course(history: History) -> dict[str, Any]:
    """What a cell keeps of a run."""
    return {
        "losses": thinned(history.losses),
        "accuracies": thinned(history.accuracies),
        "unseen": history.unseen,
        "skipped": history.skipped,
        "inputs": history.inputs,
        "train_seconds": round(history.seconds, 1),
    }


def thinned(values: Sequence[float]) -> list[float]:
    """Means over `KEPT` steps; steps without any usable network do not count."""
    return [
        round(float(np.nanmean(values[first : first + KEPT])), 4) for first in range(0, len(values), KEPT)
    ]


@lru_cache(maxsize=8)
def pictures(name: str, part: str) -> Split:
    """A part of a set; kept, because many cells need it one after the other."""
    return data.load(name, part)
