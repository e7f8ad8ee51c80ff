"""The tables of study 04, from whatever cells are there."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from _bands import band
from _conformal_tables import coverage_tables
from _grid import Grid, markdown_table, with_interval

from teachkit.metrics import Interval, bootstrap_interval, t_interval
from teachkit.tabular import corrected_interval

MODELS = {
    "mean": "always the mean",
    "linear": "linear regression",
    "tree": "decision tree",
    "forest": "random forest",
    "torch_linear": "torch linear",
    "torch_mlp": "torch MLP",
}
VARIANTS = {
    "all": "all 30 columns",
    "top5_inside": "5 best, chosen inside the split",
    "top5_outside": "5 best, chosen from all rows",
    "no_size": "no radius, perimeter or area",
}
RECIPES = {
    "carried": "as published: weights go on from split to split",
    "fresh": "fresh weights for each split",
    "trained": "fresh weights, and trained: rate 0.1, 2,000 steps",
}
TRAIN_ROWS, TEST_ROWS = 379, 190  # of the 569 in each split
SEEDS = range(5)
RATES = (0.01, 0.03, 0.1, 0.3)
Cell = Mapping[str, Any]


def write_parts(grid: Grid) -> str:
    """The whole section."""
    parts = [
        "## 04 Regression",
        "Wisconsin table (569 rows, one a patient; scikit-learn's copy) and single nuclei from BBBC038. Get "
        "it again with `TEACHKIT_DATA=/path/to/data make study 04`; one JSON file per cell in "
        "`studies/results/04`.",
        f"Versions: {grid.versions_used()}.",
        "### Six models, 100 random splits",
        _errors(grid),
        "### What choosing columns on all rows does",
        _selection(grid),
        "### Is the networks' spread lower?",
        _spreads(grid),
        "### The published torch experiment, with its faults and without",
        _published(grid),
        "### Bands of the table half",
        _bands(grid),
        "### The area of a nucleus from its pixels",
        coverage_tables(grid),
    ]
    return "\n\n".join(part for part in parts if part)


def _cell(grid: Grid, name: str) -> Cell | None:
    return next(grid.values([name]), None)


def _errors(grid: Grid) -> str:
    rows, scores = [], []
    for key, title in MODELS.items():
        cells = {variant: _cell(grid, f"table_{variant}_{key}_0") for variant in VARIANTS}
        rows.append([title, *(_spread(cell["mae"]) if cell else "–" for cell in cells.values())])
        if cell := cells["all"]:
            scores.append(
                [title]
                + [_three(interval(cell[name])) for name in ("mae", "rmse")]
                + [f"{np.mean(cell['r2']):.4f}"]
            )
    if not scores:
        return "Not computed yet."
    return "\n\n".join(
        [
            "Mean absolute error on the test rows in µm (the source of the table states no unit; papers "
            "print µm): mean ± standard deviation over 100 splits, 379 training and 190 test rows, a fresh "
            "model for each. Learning rates of the networks were chosen on splits that serve nothing else:",
            _rates(grid),
            markdown_table(["model", *VARIANTS.values()], rows),
            "All 30 columns again, with R². Intervals are 95 % t intervals corrected for rows that splits "
            "share (Nadeau and Bengio 2003):",
            markdown_table(["model", "MAE, µm", "RMSE, µm", "R²"], scores),
        ]
    )


def _rates(grid: Grid) -> str:
    rows = []
    for lr in RATES:
        cells = [_cell(grid, f"rate_{name}_{lr:g}") for name in ("torch_linear", "torch_mlp")]
        rows.append([f"{lr:g}", *(f"{np.mean(cell['mae']):.4f}" if cell else "–" for cell in cells)])
    return markdown_table(["learning rate", "torch linear, MAE in µm", "torch MLP, MAE in µm"], rows)


def _selection(grid: Grid) -> str:
    rows, same = [], True
    for key, title in MODELS.items():
        cells = {variant: _cell(grid, f"table_{variant}_{key}_0") for variant in VARIANTS}
        inside, outside, every = cells["top5_inside"], cells["top5_outside"], cells["all"]
        if key == "mean" or inside is None or outside is None or every is None:
            continue
        same &= inside["mae"] == outside["mae"]
        rows.append(
            [title]
            + [_signed(np.subtract(a["mae"], b["mae"])) for a, b in ((outside, inside), (inside, every))]
        )
    noise = list(grid.values([f"noise_{seed}" for seed in SEEDS]))
    parts = []
    if rows:
        parts += [
            "Differences of mean absolute error in µm, split by split, corrected 95 % interval."
            + (" Here every split chooses the same five columns as all rows do:" if same else ""),
            markdown_table(["model", "chosen outside − inside", "5 best inside − all 30"], rows),
        ]
    if noise:
        lines = [
            [
                title,
                *(with_interval(t_interval([cell[key][score] for cell in noise])) for score in ("r2", "mae")),
            ]
            for key, title in (("inside", "chosen inside the split"), ("outside", "chosen from all rows"))
        ]
        parts += [
            f"On a table that knows nothing (100 rows, 1,000 columns and a target, all random; {len(noise)} "
            "tables, 100 splits each) the same mistake invents a result. Linear regression on the 5 best "
            "columns; R² of a useless model is 0 or below:",
            markdown_table(["5 best columns", "R², test", "MAE, test"], lines),
        ]
    return "\n\n".join(parts) or "Not computed yet."


def _spreads(grid: Grid) -> str:
    """Standard deviation over splits: per set of 100 splits, and as a ratio with a bootstrap interval."""
    first = {key: _cell(grid, f"table_all_{key}_0") for key in MODELS}
    linear, forest = first["linear"], first["forest"]
    if linear is None or forest is None:
        return "Not computed yet."
    rows = []
    for key, title in MODELS.items():
        cells = list(grid.values([f"table_all_{key}_{seed}" for seed in SEEDS]))
        if not cells or first[key] is None:
            continue
        spread = t_interval([float(np.std(cell["mae"], ddof=1)) for cell in cells])
        ratios = [
            "1" if key == name else _ratio(cells[0]["mae"], other["mae"])
            for name, other in (("linear", linear), ("forest", forest))
        ]
        rows.append([title, str(len(cells)), _three(spread), *ratios])
    return "\n\n".join(
        [
            "The published paper says that the network's standard deviation is substantially lower. Standard "
            "deviation of the mean absolute error over 100 splits (µm): mean over sets of splits with its t "
            "interval; ratios on the first set, 95 % bootstrap interval over its splits:",
            markdown_table(
                [
                    "model",
                    "sets",
                    "standard deviation",
                    "ratio to linear regression",
                    "ratio to random forest",
                ],
                rows,
            ),
        ]
    )


def _ratio(mine: Sequence[float], theirs: Sequence[float]) -> str:
    def ratio(a: np.ndarray, b: np.ndarray) -> float:
        return float(a.std(ddof=1) / b.std(ddof=1))

    value, low, high = bootstrap_interval(ratio, np.asarray(mine), np.asarray(theirs), resamples=2000)
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _published(grid: Grid) -> str:
    rows = []
    first = list(grid.values([f"published_carried_{seed}" for seed in SEEDS]))
    if first:
        for title, scale in (
            ("the list that is plotted, in its own units", 1.0),
            ("the same list in µm", None),
        ):
            lists = [np.asarray(cell["kept"]) * (scale or cell["range"]) for cell in first]
            rows.append([title, "101, of which 100 training", *_mean_and_spread(lists)])
    for key, title in RECIPES.items():
        cells = list(grid.values([f"published_{key}_{seed}" for seed in SEEDS]))
        if cells:
            rows.append([title, "100 test", *_mean_and_spread([np.asarray(cell["test"]) for cell in cells])])
    if not rows:
        return "Not computed yet."
    for key in ("linear", "mean"):
        cells = list(grid.values([f"table_all_{key}_{seed}" for seed in SEEDS]))
        if cells:
            spread = _mean_and_spread([np.asarray(cell["mae"]) for cell in cells])
            rows.append([f"{MODELS[key]}, for comparison", "100 test", *spread])
    text = (
        "One linear layer, 31 weights, gradient descent at rate 0.0001 for 100 steps a split. The published "
        "list holds the errors of the last split only, 100 of them on training rows, in units of the range "
        "of the target; its small spread is that of one training curve. "
    )
    if first:
        begin, end = (t_interval([cell["test"][place] for cell in first]) for place in (0, -1))
        text += (
            f"With weights that go on, every test row has been trained on: the test error falls from "
            f"{_three(begin)} µm in the first split to {_three(end)} µm in the last. "
        )
    text += f"Mean over seeds of splits and first weights ({len(first)}) with its t interval."
    return "\n\n".join(
        [
            text,
            markdown_table(["what is reported", "numbers in the list", "mean", "standard deviation"], rows),
        ]
    )


def _mean_and_spread(lists: Sequence[np.ndarray]) -> list[str]:
    return [
        _three(t_interval([float(found.mean()) for found in lists])),
        _three(t_interval([float(found.std(ddof=1)) for found in lists])),
    ]


def _bands(grid: Grid) -> str:
    cell = _cell(grid, "bands_table")
    if cell is None:
        return "Not computed yet."
    rows = []
    for name, values in cell.items():
        low, high = band(values)
        spread = f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"
        rows.append([f"`{name}`", str(len(values)), spread, f"{low:.4f} to {high:.4f}"])
    return (
        "Means over 100 splits, repeated with 40 seeds of the splits; a further seed leaves its band with "
        "probability 0.001.\n\n"
        + markdown_table(["number", "seeds", "mean ± standard deviation", "band"], rows)
    )


def interval(values: Sequence[float] | np.ndarray) -> Interval:
    return corrected_interval(values, TRAIN_ROWS, TEST_ROWS)


def _spread(values: Sequence[float]) -> str:
    return f"{_digits(float(np.mean(values)))} ± {_digits(float(np.std(values, ddof=1)), 2)}"


def _signed(gaps: np.ndarray) -> str:
    return with_interval(interval(gaps), signed=True)


def _three(found: Interval) -> str:
    value, low, high = found
    return _digits(value) if low != low else f"{_digits(value)} [{_digits(low)}, {_digits(high)}]"


def _digits(value: float, count: int = 3) -> str:
    """So many significant digits, zeros at the end too: errors here differ by factors of a hundred."""
    return f"{value:#.{count}g}".rstrip(".")
