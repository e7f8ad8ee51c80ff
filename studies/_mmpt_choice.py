"""The learning rates of study 08, chosen on validation pictures with a seed that is used nowhere else."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from _grid import Grid
from _mmpt_arms import BATCH, DOMAINS, EPOCHS, MOST, Run
from _mmpt_runs import scores, trained

from teachkit.errors import SettingsError

RATES = (1e-3, 3e-3)
SEED = 100
# What is asked of each arm: one run of "shared" answers as everyone and, recalibrated, as each domain.
ASKED = {"shared": ("everyone", "domain"), "mixed": ("everyone",), "vit": ("everyone",)}
# Whose mean decides: the collapsed network would be judged by its statistics rather than by its weights.
RESIDUAL = (("shared", "domain"), ("mixed", "everyone"))
TRANSFORMER = (("vit", "everyone"),)


def run_choice(grid: Grid, arms: Sequence[str] = ("shared", "mixed")) -> None:
    """Every rate for some arms."""
    torch.set_num_threads(1)
    common = {
        "seed": SEED,
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "domains": list(DOMAINS),
        "most": {part: MOST[part] for part in ("train", "val")},
    }
    grid.run_all(
        (name_of(arm, rate), common | {"arm": arm, "lr": rate}, partial(asked, arm, rate))
        for rate in RATES
        for arm in arms
    )


def name_of(arm: str, rate: float) -> str:
    """Of the cell."""
    return f"choice_{arm}_{rate:g}"


def asked(arm: str, rate: float) -> dict[str, Any]:
    """Validation AUC by rule and domain."""
    model = trained(Run(arm, SEED, rate))
    told = {rule: scores(model, DOMAINS, "val", rule) for rule in ASKED[arm]}
    return {rule: {name: each["auc"] for name, each in found.items()} for rule, found in told.items()}


def mean_aucs(grid: Grid) -> Mapping[tuple[str, str], Mapping[float, float]]:
    """Mean validation AUC over domains, by arm and rule, then by rate; of the cells that are there."""
    return {
        (arm, rule): {
            rate: float(np.mean(list(cell["values"][rule].values())))
            for rate in RATES
            if (cell := grid.read(name_of(arm, rate))) is not None
        }
        for arm, rules in ASKED.items()
        for rule in rules
    }


def chosen(grid: Grid, places: Sequence[tuple[str, str]] = RESIDUAL) -> float:
    """The rate with the best mean over `places`, for all arms of that network.

    One rate for all arms: one each would be a second difference between them.

    Raises:
        SettingsError: as long as cells are missing.
    """
    found = mean_aucs(grid)
    if any(len(found[place]) < len(RATES) for place in places):
        raise SettingsError("Not all rates were tried yet.", "Run the part 'choice' or 'vit' first.")
    return max(RATES, key=lambda rate: float(np.mean([found[place][rate] for place in places])))
