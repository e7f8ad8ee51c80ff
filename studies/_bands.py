"""Ranges for notebooks/course.toml: cheap parts of a lesson, repeated with many seeds at its class size."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _grid import Grid, markdown_table
from scipy import stats
from sklearn.ensemble import RandomForestClassifier

from teachkit import metrics
from teachkit.data import Split

SEEDS = range(40)
CLASS_ROWS = {"train": 1000, "val": 300, "test": 624}  # lesson.settings.class in notebooks/course.toml
FALSE_ALARM = 0.001


def run_frame_bands(
    grid: Grid, splits: dict[str, Split], frame: Callable[[np.ndarray, int], np.ndarray]
) -> None:
    """AUC of the forest that sees the outer 3 pixels, as lesson 01 fits it at class size."""
    settings = {"rows": CLASS_ROWS, "model": "random forest, 200 trees, leaves of 2", "seeds": len(SEEDS)}

    def run() -> dict[str, Any]:
        few = {name: split.sample(CLASS_ROWS[name], seed=0) for name, split in splits.items()}
        x = {name: frame(np.asarray(split.images), 3) for name, split in few.items()}
        y = {name: split.labels[:, 0] for name, split in few.items()}
        found: dict[str, list[float]] = {"val": [], "test": []}
        for seed in SEEDS:
            forest = RandomForestClassifier(200, min_samples_leaf=2, random_state=seed).fit(
                x["train"], y["train"]
            )
            for name, scores in found.items():
                scores.append(metrics.auc(y[name], forest.predict_proba(x[name])[:, 1]))
        return {f"frame_auc_{name}": scores for name, scores in found.items()}

    grid.run("bands_frame", settings, run)


def band(values: Sequence[float], false_alarm: float = FALSE_ALARM) -> tuple[float, float]:
    """Limits that one further run leaves with probability `false_alarm`: ``mean ± t s sqrt(1 + 1/n)``."""
    sample = np.asarray(values)
    spread = sample.std(ddof=1) * np.sqrt(1 + 1 / len(sample))
    reach = stats.t.ppf(1 - false_alarm / 2, len(sample) - 1) * spread
    return float(sample.mean() - reach), float(sample.mean() + reach)


def band_table(grid: Grid) -> str:
    """Each number with its mean, standard deviation and band."""
    rows = []
    for cell in grid.values(["bands_frame"]):
        for name, values in cell.items():
            low, high = band(values)
            spread = f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"
            rows.append([f"`{name}`", str(len(values)), spread, f"{low:.3f} to {high:.3f}"])
    if not rows:
        return "Not computed yet."
    return markdown_table(["number", "seeds", "mean ± standard deviation", "band"], rows)
