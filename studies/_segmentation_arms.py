"""The arms of study 03: one base arm, and what each other one changes in it; the learning rate they share."""

from typing import Any

from _grid import Grid
from _sweeps import Sweep, sweep_scores

DATA = "nuclei"
SEEDS = tuple(range(5))
RATES = (1e-3, 3e-3, 1e-2)
SWEEP_SEED = 100
CROP, PER_PICTURE = 64, 32
# One setting for every arm of the main part; only the learning rate is left to the sweep.
SETTINGS: dict[str, Any] = {"steps": 96, "batch_size": 16, "optimizer": "adamw", "schedule": "cosine"}
BASE: dict[str, Any] = {"depth": 3, "base_width": 16, "norm": "batch", "loss": "cross-entropy"}
# Each arm of an ablation is the base arm but for one setting.
ABLATIONS: dict[str, dict[str, dict[str, Any]]] = {
    "depth": {"depth 1": {"depth": 1}, "depth 2": {"depth": 2}, "depth 3": {}, "depth 4": {"depth": 4}},
    "norm": {
        "none": {"norm": None},
        "batch": {},
        "group": {"norm": "group"},
        "instance": {"norm": "instance"},
    },
    "loss": {
        "cross-entropy": {},
        "weighted cross-entropy": {"loss": "weighted"},
        "Dice": {"loss": "dice"},
        "cross-entropy + Dice": {"loss": "cross-entropy+dice"},
        "focal": {"loss": "focal"},
    },
}
LATER = ("group", "cross-entropy + Dice")  # computed after all other arms have all their seeds
SCORES = ("acc", "dice", "iou", "boundary_f")
MORE_SCORES = ("dice_picture", "object_f1")
FLIPS = 8


def cell_name(change: dict[str, Any]) -> str:
    """Of the arm that differs from the base arm in `change`."""
    return "_".join(["base", *(f"{name}-{value}".replace("+", "-") for name, value in change.items())])


def arms() -> dict[str, dict[str, Any]]:
    """Every arm once, by the name of its cells."""
    return {cell_name(change): BASE | change for rows in ABLATIONS.values() for change in rows.values()}


SWEEP_ARMS = {cell_name({}): "base arm", cell_name({"norm": None}): "without normalisation"}


def sweep_dice(grid: Grid) -> Sweep:
    """Validation Dice by learning rate and arm."""
    return sweep_scores(grid, RATES, SWEEP_ARMS, "dice_picture")
