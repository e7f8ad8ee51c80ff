"""Study 03: what does a U-Net gain from depth, normalisation and the choice of loss?

    TEACHKIT_DATA=/path/to/data make study 03

Nuclei (BBBC038): 48 training, 16 validation and 16 test pictures. Four parts (``ARGS="--parts main"`` runs
one), each cell resumable:

- baseline: no network: everything called background, and Otsu's threshold in each picture;
- sweep: one learning rate for all arms, chosen on validation Dice with a seed that no other part uses;
- main: arms that differ from one base arm in depth, normalisation or loss; equal steps, paired by seed;
- flips: the test score as published, with test pictures passed through random flips.
"""

from dataclasses import asdict
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from _grid import Grid, command, write_section
from _pictures import background, otsu, predict, scores
from _segmentation_arms import (
    ABLATIONS,
    BASE,
    CROP,
    DATA,
    FLIPS,
    LATER,
    PER_PICTURE,
    RATES,
    SEEDS,
    SETTINGS,
    SWEEP_ARMS,
    SWEEP_SEED,
    arms,
    cell_name,
    sweep_dice,
)
from _segmentation_tables import section
from _sweeps import chosen_rate

from teachkit import data, training, vision
from teachkit.data import Split


def load(split: str) -> Split:
    """Whole pictures, with a number for each nucleus."""
    return data.load(DATA, split)


def make_loss(name: str, shares: dict[str, float]) -> training.PixelLoss:
    """The loss of an arm; "weighted" takes its weights from the classes' shares of the training crops."""
    if name == "weighted":
        return training.PixelLoss.weighted(shares)
    return training.PixelLoss(name)


def train_one(arm: dict[str, Any], seed: int, lr: float) -> tuple[vision.UNet, dict[str, Any]]:
    """A U-Net fitted to random crops of the training pictures; the seed decides crops, weights and order."""
    crops = load("train").semantic().crops(CROP, PER_PICTURE, seed=seed)
    torch.manual_seed(seed)
    model = vision.UNet(3, 2, depth=arm["depth"], base_width=arm["base_width"], norm=arm["norm"])
    loss = make_loss(arm["loss"], crops.class_shares())
    history = training.fit(model, crops, seed=seed, lr=lr, loss=loss, **SETTINGS)
    return model, {
        "steps": history.steps,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "loss": asdict(loss),
        "epochs": history.epochs,
    }


def run_one(arm: dict[str, Any], seed: int, lr: float, split: str) -> dict[str, Any]:
    """Train and score on whole pictures of one split."""
    model, found = train_one(arm, seed, lr)
    pictures = load(split)
    return found | {split: scores(pictures, predict(model, pictures))}


def _settings(arm: dict[str, Any], seed: int, lr: float, split: str) -> dict[str, Any]:
    return {"data": DATA, "crop": CROP, "crops_per_picture": PER_PICTURE, "split": split} | {
        "seed": seed,
        "lr": lr,
        **arm,
        **SETTINGS,
    }


def run_baseline(grid: Grid) -> None:
    """What needs no network."""
    grid.run("baseline_background", {"data": DATA}, lambda: {"test": _without_network(background)})
    grid.run("baseline_otsu", {"data": DATA}, lambda: {"test": _without_network(otsu)})
    grid.run("baseline_truth", {"data": DATA}, lambda: {"test": _true_masks()})


def _without_network(rule: Any) -> dict[str, float]:
    pictures = load("test")
    return scores(pictures, [rule(picture) for picture in pictures.images or []])


def _true_masks() -> dict[str, float]:
    """The true classes as a prediction: what is lost where nuclei touch."""
    pictures = load("test")
    return scores(pictures, [np.asarray(mask > 0, dtype=np.int64) for mask in pictures.masks or []])


def run_sweep(grid: Grid) -> None:
    """The base arm, and the one without normalisation; only validation scores are ever looked at."""
    grid.run_all(
        (
            f"sweep_{name}_{lr:g}",
            _settings(arms()[name], SWEEP_SEED, lr, "val"),
            partial(run_one, arms()[name], SWEEP_SEED, lr, "val"),
        )
        for lr in RATES
        for name in SWEEP_ARMS
    )


def run_main(grid: Grid) -> None:
    """Seed by seed, so that what is there can always be compared in pairs."""
    lr = chosen_rate(sweep_dice(grid))
    later = {
        cell_name(change) for rows in ABLATIONS.values() for title, change in rows.items() if title in LATER
    }
    grid.run_all(
        (
            f"main_{name}_{seed}",
            _settings(arm, seed, lr, "test"),
            partial(run_one, arm, seed, lr, "test"),
        )
        for wave in (False, True)
        for seed, (name, arm) in product(SEEDS, arms().items())
        if (name in later) == wave
    )


def run_flips(grid: Grid) -> None:
    """One trained network, its test score taken again and again with randomly flipped test pictures."""
    lr = chosen_rate(sweep_dice(grid))
    settings = _settings(BASE, SEEDS[0], lr, "test") | {"passes": FLIPS}
    grid.run("flips", settings, partial(flipped_scores, lr))


def flipped_scores(lr: float) -> dict[str, Any]:
    """Pixel accuracy and Dice on the test pictures as they are, and in passes with random flips."""
    model, _ = train_one(BASE, SEEDS[0], lr)
    pictures = load("test")
    rng = np.random.default_rng(SEEDS[0])
    passes = []
    for _ in range(FLIPS):
        axes = [tuple(np.flatnonzero(rng.integers(0, 2, 2)).tolist()) for _ in range(len(pictures))]
        flipped = [np.flip(image, axis) for image, axis in zip(pictures.images or [], axes, strict=True)]
        masks = [np.flip(mask, axis) for mask, axis in zip(pictures.masks or [], axes, strict=True)]
        changed = pictures.replace(images=flipped, masks=masks)
        passes.append(scores(changed, predict(model, changed)))
    twice = [scores(pictures, predict(model, pictures)) for _ in range(2)]
    return {"passes": passes, "plain": twice[0], "plain_again": twice[1]}


def write_tables(grid: Grid) -> None:
    """Write the section of this study from whatever cells are there."""
    write_section("03", section(grid))


PARTS = {"baseline": run_baseline, "sweep": run_sweep, "flips": run_flips, "main": run_main}


if __name__ == "__main__":
    command("03", PARTS, write_tables)
