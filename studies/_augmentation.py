"""What study 02 runs: the set, the network, the arms of each part, and the names of their cells."""

from dataclasses import dataclass, replace
from typing import Any

from _grid import Grid
from _sweeps import Sweep, sweep_scores

from teachkit import vision

DATA = "breastmnist"
SEEDS = tuple(range(10))
PUBLISHED_SEEDS = tuple(range(3))
SWEEP_SEED = 100
RATES = (1e-3, 3e-3, 1e-2)
STRENGTHS = (0.0, 0.5, 1.0, 2.0, 3.0)
SIZES = (64, 160)
MALIGNANT = 0
NETWORK = vision.Classifier("small_resnet", weights=None, input_size=None, channels=1)
AUGMENT = vision.Augment()
# One setting for all parts but the published one; only the learning rate is left to the sweep.
MAIN: dict[str, Any] = {"steps": 340, "batch_size": 32, "optimizer": "adamw", "schedule": "cosine"}
# The published batches of 16, but three passes instead of ten, and our optimiser: its faults are in the size
# of the images and in the number of steps.
PUBLISHED: dict[str, Any] = MAIN | {"steps": 102, "batch_size": 16}
ARMS: dict[str, vision.Augment | None] = {
    "plain": None,
    "augmented": AUGMENT,
    "mixed": vision.Augment(share=0.5),
}


@dataclass(frozen=True)
class Published:
    """One arm of the published comparison: `longer` times the steps of `PUBLISHED`."""

    augment: vision.Augment | None
    longer: int = 1


HALF = vision.Augment(share=0.5, per="batch")
PUBLISHED_ARMS = {
    "plain": Published(None),
    "augmented_112": Published(replace(AUGMENT, size=112)),
    "augmented_as_meant": Published(AUGMENT),
    "mixed_112": Published(replace(HALF, size=112), longer=2),
    "mixed_small": Published(HALF, longer=2),
    "mixed_as_meant": Published(HALF),
    "plain_longer": Published(None, longer=2),
}
# Twenty times the cost of the others, so they come last.
LARGE_ARMS = {
    "augmented_224": Published(replace(AUGMENT, size=224)),
    "mixed_224": Published(replace(HALF, size=224), longer=2),
}

TITLES = {"plain": "plain", "augmented": "augmented", "mixed": "mixed (half of the images)"}
PUBLISHED_TITLES = {
    "plain": "plain, 28",
    "augmented_224": "augmented as published: 224",
    "augmented_112": "augmented, 112",
    "augmented_as_meant": "augmented as meant: 28",
    "mixed_224": "mixed as published: 28 and 224, twice the steps",
    "mixed_112": "mixed, 28 and 112, twice the steps",
    "mixed_small": "mixed, 28, twice the steps",
    "mixed_as_meant": "mixed as meant: 28, equal steps",
    "plain_longer": "plain, 28, twice the steps",
}
SCORES = ("auc", "acc", "balacc", "sensitivity")


def sweep_auc(grid: Grid) -> Sweep:
    """Validation AUC by learning rate and arm."""
    return sweep_scores(grid, RATES, ARMS, "auc")


def strength_cell(strength: float, seed: int) -> str:
    """Name of a cell of the strength curve; 0 and 1 are arms of the main part."""
    known = {0.0: "main_plain", 1.0: "main_augmented"}
    return f"{known.get(strength, f'strength_{strength:g}')}_{seed}"


def all_cells() -> list[str]:
    """Names of every cell of the finished study."""
    names = [f"sweep_{arm}_{lr:g}" for lr in RATES for arm in ARMS]
    names += [f"main_{arm}_{seed}" for seed in SEEDS for arm in ARMS]
    names += [f"published_{arm}_{seed}" for seed in PUBLISHED_SEEDS for arm in PUBLISHED_TITLES]
    curve = [strength_cell(strength, seed) for seed in SEEDS for strength in STRENGTHS]
    names += [name for name in curve if name not in names]
    return names + [
        f"size_{n}_{arm}_{seed}" for seed in SEEDS for n in SIZES for arm in ("plain", "augmented")
    ]
