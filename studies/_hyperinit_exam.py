"""Before any downstream task: does the picture have an up, and do predicted networks find it?"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from _grid import Grid
from _hyperinit_arms import Recipe, proof_recipes
from _hyperinit_training import pictures, trained, untrained

from teachkit.data.splits import Split
from teachkit.hyperinit import HyperInitializer, references
from teachkit.hyperinit.meta_nets import meta_net
from teachkit.hyperinit.pictures import on_device
from teachkit.hyperinit.pretext import Rotation

MEAN_SETS = (
    "pneumoniamnist", "breastmnist", "retinamnist", "digits", "ihc_patches", "ihc_tissue",
    "fundus_vessels", "fundus_grades",
)  # fmt: skip
SHOWN, BATCH = 256, 64  # test pictures in all, and for BatchNorm's statistics at a time


def mean_cells() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and settings: one a set."""
    for name in MEAN_SETS:
        yield f"mean_{name}", {"data": name, "mean_of": "train", "turned": "test"}


def run_mean(grid: Grid) -> None:
    """The mean training picture as the only thing that is learned."""
    for name, settings in mean_cells():
        grid.run(name, settings, partial(mean_of, settings["data"]))


def mean_of(name: str) -> dict[str, Any]:
    """Scores of one set."""
    return mean_scores(pictures(name, "train"), pictures(name, "test"))


def mean_scores(train: Split, test: Split) -> dict[str, Any]:
    """Share of quarter turns that fit the mean training picture best, and of axes: upright or lying.

    Of each picture, and of the mean, the mean of each channel is taken off.
    """
    mean, images = _centred(train).mean(0), _centred(test)
    said = []
    for turns in range(4):
        turned = np.rot90(images, turns, (1, 2))
        fits = [(turned * np.rot90(mean, guess)).sum((1, 2, 3)) for guess in range(4)]
        said.append(np.argmax(fits, 0))
    right = np.array([row == turns for turns, row in enumerate(said)]).mean(0)
    axis = np.array([row % 2 == turns % 2 for turns, row in enumerate(said)]).mean(0)
    labels = test.labels[:, 0].astype(int)
    return {
        "pictures": len(test),
        "accuracy": float(right.mean()),
        "axis": float(axis.mean()),
        "by_class": {
            name: float(right[labels == k].mean())
            for k, name in enumerate(test.info.classes)
            if (labels == k).any()
        },
    }


def _centred(split: Split) -> np.ndarray:
    """Pictures [N, H, W, channels] in 0..1, each channel of each with a mean of 0."""
    images = np.asarray(split.images, dtype=np.float32) / 255
    images = images.reshape(*images.shape[:3], -1)
    return images - images.mean((1, 2), keepdims=True)


def exam_name(recipe: Recipe) -> str:
    """Of the cell that holds the exam of one hyper-initializer."""
    return recipe.name.replace("train_", "exam_", 1)


def run_proof(grid: Grid) -> None:
    """Networks that were never trained, on test pictures; before and after pre-training."""
    for recipe in proof_recipes():
        settings = {**recipe.settings, "asked": "test", "pictures": SHOWN}
        grid.run(exam_name(recipe), settings, partial(exam, grid, recipe))


def exam(grid: Grid, recipe: Recipe) -> dict[str, Any]:
    """Scores of the reference networks by an untrained and by the trained hyper-initializer."""
    torch.set_num_threads(1)
    test = pictures(recipe.data, "test")
    before = untrained(recipe.seed)
    before.grow_head(Rotation.outputs)
    return {
        "untrained": turn_scores(before, test),
        "trained": turn_scores(trained(grid, recipe), test),
    }


@torch.no_grad()
def turn_scores(initializer: HyperInitializer, split: Split) -> dict[str, dict[str, float]]:
    """Of each reference network with predicted numbers, all in four turns of each picture.

    Returns:
        loss, accuracy, axis (share of answers that know upright from lying), and direction: where the axis
        is right, how often the turn is right too (a guess: one half).
    """
    task, found = Rotation(zoom=(1, 1)), {}
    shown = on_device(split, torch.device("cpu"))[:SHOWN]
    for name, architecture in references().items():
        net = meta_net(architecture, shown.shape[1], task.outputs, read=initializer.graph)
        numbers = initializer.predict([net.graph], heads=task.outputs)[0]
        outputs, targets = [], []
        for part in shown.split(BATCH):
            inputs, truth = task(part, torch.Generator().manual_seed(0))
            outputs.append(net(numbers, inputs))
            targets.append(truth)
        logits, truth = torch.cat(outputs), torch.cat(targets)
        right = logits.argmax(1) == truth
        chances = logits.softmax(1)
        axis = (chances[:, :2] + chances[:, 2:]).argmax(1) == truth % 2
        found[name] = {
            "loss": float(task.loss(logits, truth)),
            "accuracy": float(right.float().mean()),
            "axis": float(axis.float().mean()),
            "direction": float((right & axis).sum() / axis.sum().clamp_min(1)),
        }
    return found
