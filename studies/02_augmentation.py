"""Study 02: does augmentation help on breast ultrasound, how much of it, and with how many images?

    TEACHKIT_DATA=/path/to/data make study 02

BreastMNIST, 546 training, 78 validation and 156 test images of 28×28 pixels. Five parts
(``ARGS="--parts main"`` runs one), each cell resumable:

- sweep: one learning rate for all arms, chosen on validation AUC with a seed that no other part uses;
- main: plain, augmented, mixed: equal input size and steps, ten seeds, paired, on all test images and on
  those without a near copy among the training images;
- published: the comparison as the published module ran it, its two faults apart and together, and as meant;
- curves: test AUC against the strength of the augmentation; plain and augmented on ever fewer training
  images, at equal steps;
- large: the published arms at the published size of 224 pixels.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from _augmentation import (
    ARMS,
    AUGMENT,
    DATA,
    LARGE_ARMS,
    MAIN,
    MALIGNANT,
    NETWORK,
    PUBLISHED,
    PUBLISHED_ARMS,
    PUBLISHED_SEEDS,
    RATES,
    SEEDS,
    SIZES,
    STRENGTHS,
    SWEEP_SEED,
    Published,
    strength_cell,
    sweep_auc,
)
from _augmentation_tables import write_tables
from _grid import Grid, command
from _sweeps import chosen_rate

from teachkit import data, metrics, training, vision
from teachkit.data import Split


@dataclass(frozen=True)
class Sets:
    """The three official splits, and which test images have no near copy among the training images."""

    train: Split
    val: Split
    test: Split
    far: np.ndarray


def load() -> Sets:
    """BreastMNIST at 28×28, audited."""
    train, val, test = (data.load(DATA, split, 28) for split in ("train", "val", "test"))
    return Sets(train, val, test, ~data.audit_splits(DATA).twins())


def scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """The task's four scores, and the sensitivity for cancer, which is class 0 here."""
    return metrics.scores(labels, probabilities, "binary") | {
        "sensitivity": metrics.sensitivity(labels[:, 0] == MALIGNANT, probabilities[:, MALIGNANT])
    }


def train_one(
    sets: Sets, augment: vision.Augment | None, seed: int, settings: dict[str, Any], images: int | None = None
) -> dict[str, Any]:
    """Build under `seed`, fit, score on validation, on the test images, and on those without twins."""
    with training.seeded(seed):
        model = NETWORK()
    train = sets.train if images is None else sets.train.sample(images, seed)
    history = training.fit(model, train, seed=seed, augment=augment, **settings)
    found = training.predict(model, sets.test)
    views = training.predict(model, sets.test, views=AUGMENT)
    return {
        "steps": history.steps,
        "loss": history.epochs[-1]["loss"],
        "val": scores(sets.val.labels, training.predict(model, sets.val)),
        "test": scores(sets.test.labels, found),
        "without twins": scores(sets.test.labels[sets.far], found[sets.far]),
        "with eight views": scores(sets.test.labels, views),
    }


def _cell(augment: vision.Augment | None, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    return (
        {"data": DATA, "size": 28, "seed": seed, "network": asdict(NETWORK)}
        | settings
        | {"augment": augment and asdict(augment)}
    )


def run_sweep(grid: Grid, sets: Sets) -> None:
    """One run per arm and learning rate; only the validation scores are ever looked at."""
    grid.run_all(
        (
            f"sweep_{arm}_{lr:g}",
            _cell(augment, SWEEP_SEED, MAIN | {"lr": lr}),
            partial(train_one, sets, augment, SWEEP_SEED, MAIN | {"lr": lr}),
        )
        for lr in RATES
        for arm, augment in ARMS.items()
    )


def run_main(grid: Grid, sets: Sets) -> None:
    """Seed by seed, so that what is there can always be compared in pairs."""
    settings = MAIN | {"lr": chosen_rate(sweep_auc(grid))}
    grid.run_all(
        (
            f"main_{arm}_{seed}",
            _cell(augment, seed, settings),
            partial(train_one, sets, augment, seed, settings),
        )
        for seed in SEEDS
        for arm, augment in ARMS.items()
    )


def run_published(grid: Grid, sets: Sets, arms: Mapping[str, Published] = PUBLISHED_ARMS) -> None:
    """The published comparison with its faults, one at a time, and without."""
    rate = {"lr": chosen_rate(sweep_auc(grid))}
    settings = {
        arm: PUBLISHED | rate | {"steps": PUBLISHED["steps"] * asked.longer} for arm, asked in arms.items()
    }
    grid.run_all(
        (
            f"published_{arm}_{seed}",
            _cell(asked.augment, seed, settings[arm]),
            partial(train_one, sets, asked.augment, seed, settings[arm]),
        )
        for seed in PUBLISHED_SEEDS
        for arm, asked in arms.items()
    )


def run_curves(grid: Grid, sets: Sets) -> None:
    """Strengths that the main part does not hold yet, and fewer training images, drawn anew for each seed."""
    settings = MAIN | {"lr": chosen_rate(sweep_auc(grid))}
    cells = []
    for seed in SEEDS:
        for strength in STRENGTHS:
            if (name := strength_cell(strength, seed)).startswith("strength"):
                augment = AUGMENT.at(strength)
                run = partial(train_one, sets, augment, seed, settings)
                cells.append((name, _cell(augment, seed, settings), run))
        for images, arm in product(SIZES, ("plain", "augmented")):
            told = _cell(ARMS[arm], seed, settings) | {"images": images}
            run = partial(train_one, sets, ARMS[arm], seed, settings, images)
            cells.append((f"size_{images}_{arm}_{seed}", told, run))
    grid.run_all(cells)


PARTS: dict[str, Callable[[Grid, Sets], None]] = {
    "sweep": run_sweep,
    "main": run_main,
    "published": run_published,
    "curves": run_curves,
    "large": partial(run_published, arms=LARGE_ARMS),
}


if __name__ == "__main__":
    command("02", PARTS, write_tables, load)
