"""One learning rate for all arms: chosen on validation, with a seed that nothing else uses."""

from collections.abc import Iterable, Mapping

import numpy as np
from _grid import Grid, markdown_table

from teachkit.errors import SettingsError

Sweep = dict[float, dict[str, float]]


def sweep_scores(grid: Grid, rates: Iterable[float], arms: Iterable[str], score: str) -> Sweep:
    """The validation score by learning rate and arm; empty until all are there.

    Nobody should choose from half a sweep.
    """
    names = list(arms)
    found = {
        lr: {arm: cell["val"][score] for arm in names for cell in grid.values([f"sweep_{arm}_{lr:g}"])}
        for lr in rates
    }
    return found if all(len(row) == len(names) for row in found.values()) else {}


def chosen_rate(sweep: Sweep) -> float:
    """The learning rate with the best score on average over the arms; the smaller one at a tie.

    Raises:
        SettingsError: the sweep is not complete.
    """
    if not sweep:
        raise SettingsError("The sweep is not complete.", "Run the part 'sweep' of this study first.")
    return max(sorted(sweep), key=lambda lr: _mean(sweep[lr]))


def sweep_table(sweep: Sweep, titles: Iterable[str], about: str, why: str) -> str:
    """The scores of all rates and arms, after a sentence that names the chosen rate.

    Args:
        sweep: of `sweep_scores`.
        titles: of the arms, in order.
        about: seed and score, for example "Seed 100 (used nowhere else), validation AUC".
        why: what the chosen rate is for, for example "serves all arms".
    """
    if not sweep:
        return "Not computed yet."
    rows = [
        [f"{lr:g}", *(f"{value:.3f}" for value in arms.values()), f"{_mean(arms):.3f}"]
        for lr, arms in sweep.items()
    ]
    return f"{about}. The rate with the best mean, {chosen_rate(sweep):g}, {why}.\n\n" + markdown_table(
        ["learning rate", *titles, "mean"], rows
    )


def _mean(scores: Mapping[str, float]) -> float:
    return float(np.mean(list(scores.values())))
