"""How far the best of many equal models rises on few test pictures; scores are drawn, nothing is trained."""

from functools import partial
from typing import Any

import numpy as np
from _grid import Grid
from scipy.special import ndtr, ndtri

from teachkit import metrics

AUC = 0.88  # of every model, on endless pictures
MODELS = (1, 5, 10, 50)
PICTURES = {156: 114, 624: 390}  # positive ones among the test pictures of BreastMNIST and PneumoniaMNIST
ALIKE = (0.0, 0.5, 0.8)  # correlation of two models' scores of one picture, beyond its class
REPEATS = 200
KEPT = ("auc", "balacc")
GAP = float(np.sqrt(2) * ndtri(AUC))  # between the classes, in standard deviations


def run_luck(grid: Grid) -> None:
    """All sizes of test sets, and all degrees to which the models agree."""
    for name, settings in luck_cells():
        grid.run(name, settings, partial(rises, settings["pictures"], settings["alike"]))


def luck_cells() -> list[tuple[str, dict[str, Any]]]:
    """Names and settings."""
    return [
        (
            f"luck_{pictures}_{alike:g}",
            {"pictures": pictures, "alike": alike, "auc": AUC, "models": list(MODELS), "repeats": REPEATS},
        )
        for pictures in PICTURES
        for alike in ALIKE
    ]


def true_scores() -> dict[str, float]:
    """What every model would score on endless pictures."""
    return {"auc": AUC, "balacc": float(ndtr(GAP / 2))}


def rises(pictures: int, alike: float, repeats: int = REPEATS) -> dict[str, Any]:
    """Best score among the first k models minus the true one: mean, and where 95 % of test sets lie."""
    rng = np.random.default_rng([8, pictures, round(100 * alike)])
    labels = (np.arange(pictures) < PICTURES[pictures]).astype(int)
    drawn = np.array([one_test_set(labels, alike, rng) for _ in range(repeats)])  # [repeats, models, scores]
    values: dict[str, Any] = {}
    for place, name in enumerate(KEPT):
        above = drawn[:, :, place] - true_scores()[name]
        values[name] = {}
        for models in MODELS:
            best = above[:, :models].max(axis=1)
            low, high = np.quantile(best, [0.025, 0.975])
            values[name][str(models)] = [round(float(number), 6) for number in (best.mean(), low, high)]
    return values


def one_test_set(labels: np.ndarray, alike: float, rng: np.random.Generator) -> np.ndarray:
    """Scores [models, 2] of the largest number of equal models on one draw of test pictures.

    A picture's score is normal with standard deviation 1 around 0 or `GAP`; models share a part of it.
    """
    shared = rng.normal(size=len(labels))
    own = rng.normal(size=(max(MODELS), len(labels)))
    said = ndtr(GAP * labels + np.sqrt(alike) * shared + np.sqrt(1 - alike) * own - GAP / 2)
    told = [metrics.scores(labels, each, "binary") for each in said]
    return np.array([[each[name] for name in KEPT] for each in told])
