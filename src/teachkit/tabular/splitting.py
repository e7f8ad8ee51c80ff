"""Many random splits of one table, and a fresh model for each."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit
from tqdm.auto import tqdm

from teachkit import metrics
from teachkit.errors import FormatError, SettingsError
from teachkit.metrics.arrays import finite, same_length
from teachkit.plots.picture import is_headless
from teachkit.tabular.repeats import Repeats


def repeat_splits(
    models: Mapping[str, Any],
    X: pd.DataFrame | ArrayLike,
    y: ArrayLike,
    *,
    repeats: int = 100,
    test_share: float = 1 / 3,
    seed: int = 0,
    unit: str = "µm",
    jobs: int | None = None,
) -> Repeats:
    """Fit every model on many random splits of the rows, and score it on the rows left out.

    A model is cloned before each fit, so nothing that it learned from one split can reach the next. All
    models see the same splits, so their errors can be compared split by split.

    Args:
        models: name to an unfitted scikit-learn estimator; it stays unfitted.
        X: ``[N, columns]``.
        y: ``[N]`` or ``[N, 1]``, in `unit`.
        repeats: number of splits.
        test_share: share of the rows left out in each, rounded up.
        seed: of the splits.
        unit: of `y`, for tables and figures.
        jobs: splits at the same time; None leaves it to joblib.

    Raises:
        FormatError: X and y of different length, or values of y that are not finite.
        SettingsError: no model, no split, or a share that leaves no rows on one side.
    """
    target = finite(y, "y").reshape(-1)
    table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
    if len(table) != len(target):
        raise FormatError(
            f"X has {len(table)} rows, y has {len(target)}.", "Give one number for each row.", rows=len(table)
        )
    if not models or repeats < 1:
        raise SettingsError(
            f"{len(models)} models on {repeats} splits leave nothing to do.", "Give at least one of each."
        )
    if not 0 < test_share < 1 or not 2 <= (held_out := int(np.ceil(test_share * len(target)))) < len(target):
        raise SettingsError(
            f"A test share of {test_share:g} of {len(target)} rows is not possible.",
            "Leave at least two rows for the test and one for training.",
            test_share=test_share,
        )
    splits = ShuffleSplit(repeats, test_size=held_out, random_state=seed).split(table)
    runs = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_one_split)(models, table, target, train, test) for train, test in splits
    )
    # One model alone is quick, and the leak detective would make the bar flicker.
    bar = tqdm(runs, "splits", repeats, leave=False, disable=is_headless() or len(models) == 1)
    found: list[dict[str, dict[str, float]]] = list(bar)
    rows = [
        (name, split, metric, value)
        for split, scores in enumerate(found)
        for name, by_metric in scores.items()
        for metric, value in by_metric.items()
    ]
    errors = pd.DataFrame(rows, columns=["model", "split", "metric", "value"])
    return Repeats(errors, len(target) - held_out, held_out, unit)


def _one_split(
    models: Mapping[str, Any],
    table: pd.DataFrame,
    target: NDArray[np.float64],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
) -> dict[str, dict[str, float]]:
    """Scores on the test rows, by model and metric."""
    found = {}
    for name, model in models.items():
        fitted = clone(model).fit(table.iloc[train], target[train])
        predicted = np.asarray(fitted.predict(table.iloc[test])).reshape(-1)
        same_length(target[test], predicted)
        found[name] = metrics.scores(target[test], predicted, "regression")
    return found
