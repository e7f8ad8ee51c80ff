"""Errors and prediction intervals of the image half of study 04, from the kept predictions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from _grid import Grid, markdown_table, with_interval
from numpy.typing import NDArray

from teachkit.metrics import Interval, conformal_margin, paired_difference, t_interval

MODELS = {
    "ruler": "Otsu and watershed, area of the blob",
    "linear": "linear regression on 13 features",
    "forest": "random forest on 13 features",
    "squared": "network, squared error",
    "absolute": "network, absolute error",
}
SEEDS, RATES = range(5), (1e-3, 3e-3, 1e-2)
COVERAGE, DRAWS = 0.9, 200
Cell = dict[str, Any]


def coverage_tables(grid: Grid) -> str:
    """Scores, then coverage of 90 % intervals overall, by size and by picture."""
    truth = next(grid.values(["images_truth"]), None)
    cells = {key: list(grid.values([f"images_{key}_{seed}" for seed in SEEDS])) for key in MODELS}
    cells = {key: found for key, found in cells.items() if found}
    if truth is None or not cells:
        return "Not computed yet."
    return "\n\n".join(
        [
            _about(truth),
            _rates(grid),
            _scores(truth, cells),
            "Paired differences of mean absolute error (px), seed by seed:",
            _differences(cells),
            "### Do 90 % intervals hold?",
            _promise(truth),
            _coverage(truth, cells),
            "The promise is for rows drawn alike. Here validation and test pictures are pooled, and half "
            f"of them calibrate, {DRAWS} times. Drawn nucleus by nucleus, both halves hold nuclei of the "
            "same pictures; drawn by picture, the test half holds new pictures, as in practice. Network with "
            "squared error, first seed:",
            _redrawn(truth, cells),
        ]
    )


def _about(truth: Cell) -> str:
    counts = [f"{len(truth['train']):,}"] + [f"{len(truth['labels'][name]):,}" for name in ("val", "test")]
    return (
        f"BBBC038, one crop of 64×64 pixels for each nucleus that lies whole in it: {counts[0]} for "
        f"training, {counts[1]} for validation and {counts[2]} for testing, from 48, 16 and 16 pictures. The "
        "label is the area in pixels; no scale in µm is known. Network: small residual network, crops "
        "brought to 32×32, 12 passes in batches of 32, AdamW, rate falling along a cosine; flips and "
        "changes of brightness, but no zoom, because a zoom changes the area."
    )


def _rates(grid: Grid) -> str:
    cells = {lr: next(grid.values([f"image_rate_{lr:g}"]), None) for lr in RATES}
    rows = [[f"{lr:g}", f"{cell['mae']:.0f}" if cell else "–"] for lr, cell in cells.items()]
    table = markdown_table(["learning rate", "MAE on validation, px"], rows)
    words = "The rate, chosen with squared error and seed 100 (used nowhere else), serves both losses:"
    return f"{words}\n\n{table}"


def _scores(truth: Cell, cells: Mapping[str, list[Cell]]) -> str:
    labels, middle = np.asarray(truth["labels"]["test"]), float(np.mean(truth["train"]))
    gaps = labels - middle
    rows = [
        [
            "always the mean of the training labels",
            "1",
            f"{np.abs(gaps).mean():.1f}",
            f"{np.sqrt((gaps**2).mean()):.1f}",
            f"{1 - (gaps**2).sum() / ((labels - labels.mean()) ** 2).sum():.3f}",
        ]
    ]
    for key, found in cells.items():
        runs = _distinct(found)
        mae, rmse, r2 = (t_interval([cell["test"][name] for cell in runs]) for name in ("mae", "rmse", "r2"))
        rows.append([MODELS[key], str(len(runs)), _one(mae), _one(rmse), with_interval(r2)])
    return markdown_table(["model", "runs", "MAE, px", "RMSE, px", "R²"], rows)


def _differences(cells: Mapping[str, list[Cell]]) -> str:
    rows = []
    for key, other in (("squared", "forest"), ("absolute", "squared"), ("forest", "ruler")):
        shared = min(len(cells.get(key, [])), len(cells.get(other, [])))
        if shared:
            a, b = ([cell["test"]["mae"] for cell in cells[name][:shared]] for name in (key, other))
            rows.append(
                [f"{MODELS[key]} − {MODELS[other]}", str(shared), _one(paired_difference(a, b), True)]
            )
    return markdown_table(["difference", "pairs", "MAE, px, test"], rows)


def _promise(truth: Cell) -> str:
    small = np.mean(np.asarray(truth["labels"]["test"]) <= np.median(truth["train"]))
    return (
        "Split conformal intervals, prediction ± one margin: the margin comes from the validation nuclei, "
        f"coverage from the test nuclei. Small: area up to the median of the training labels ({small:.0%} of "
        "the test nuclei). Worst picture: the smallest coverage among test pictures with at least 10 nuclei. "
        "Mean over seeds with its t interval."
    )


def _coverage(truth: Cell, cells: Mapping[str, list[Cell]]) -> str:
    rows = []
    for key, found in cells.items():
        each = [_covered(truth, cell) for cell in _distinct(found)]
        columns = [t_interval([one[place] for one in each]) for place in range(5)]
        rows.append([MODELS[key], _one(columns[0]), *(_share(column) for column in columns[1:])])
    return markdown_table(["model", "margin, px", "all", "small", "large", "worst picture"], rows)


def _covered(truth: Cell, cell: Cell) -> list[float]:
    gaps = {name: _gaps(truth, cell, name) for name in ("val", "test")}
    margin = conformal_margin(gaps["val"], COVERAGE)
    inside = gaps["test"] <= margin
    small = np.asarray(truth["labels"]["test"]) <= np.median(truth["train"])
    pictures = np.asarray(truth["pictures"]["test"])
    by_picture = [
        inside[pictures == one].mean() for one in np.unique(pictures) if (pictures == one).sum() >= 10
    ]
    return [
        margin,
        *(float(one.mean()) for one in (inside, inside[small], inside[~small])),
        float(min(by_picture)),
    ]


def _redrawn(truth: Cell, cells: Mapping[str, list[Cell]]) -> str:
    if "squared" not in cells:
        return "Not computed yet."
    gaps = np.concatenate([_gaps(truth, cells["squared"][0], name) for name in ("val", "test")])
    pictures = np.concatenate(
        [np.asarray(truth["pictures"][name]) + 1000 * place for place, name in enumerate(("val", "test"))]
    )
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {"nucleus by nucleus": [], "picture by picture": []}
    for _ in range(DRAWS):
        half = rng.permutation(len(gaps)) < len(gaps) // 2
        names = np.unique(pictures)
        chosen = np.isin(pictures, rng.permutation(names)[: len(names) // 2])
        for key, rows in (("nucleus by nucleus", half), ("picture by picture", chosen)):
            found[key].append(float((gaps[~rows] <= conformal_margin(gaps[rows], COVERAGE)).mean()))
    table = [
        [key, f"{np.mean(shares):.3f}", *(f"{np.quantile(shares, q):.3f}" for q in (0.05, 0.95))]
        for key, shares in found.items()
    ]
    return markdown_table(
        ["halves drawn", "mean coverage", "5 % of draws below", "5 % of draws above"], table
    )


def _gaps(truth: Cell, cell: Cell, name: str) -> NDArray[np.float64]:
    return np.abs(np.asarray(truth["labels"][name], float) - np.asarray(cell[name]["predictions"], float))


def _distinct(found: list[Cell]) -> list[Cell]:
    """One run of a model that has no seed of its own, whose repeats are all the same."""
    same = len({tuple(cell["test"]["predictions"]) for cell in found}) == 1
    return found[:1] if same else found


def _one(found: Interval, signed: bool = False) -> str:
    """One decimal, for pixels."""
    sign = "+" if signed else ""
    value, low, high = found
    return f"{value:{sign}.1f}" if low != low else f"{value:{sign}.1f} [{low:{sign}.1f}, {high:{sign}.1f}]"


def _share(found: Interval) -> str:
    """A share whose interval stays within 0..1."""
    value, low, high = found
    return f"{value:.3f}" if low != low else f"{value:.3f} [{max(low, 0):.3f}, {min(high, 1):.3f}]"
