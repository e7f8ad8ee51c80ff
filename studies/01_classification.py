"""Study 01: does ImageNet help on chest films, and what else tells pneumonia apart?

    TEACHKIT_DATA=/path/to/data make study 01

PneumoniaMNIST, all 4,708 training images. Five parts (``ARGS="--parts main"`` runs one), each cell resumable:

- bands: the frame demonstration at class size, 40 seeds, for notebooks/course.toml;
- shallow: logistic regression on pixels, and a random forest that sees nothing but the frame of the image;
- sweep: one learning rate for all arms, chosen on validation AUC with a seed that no other part uses;
- main: random initialisation, frozen ImageNet features, fine-tuning: equal steps, five seeds, paired;
- published: the comparison as the published module ran it, its two faults included, and as it was meant.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from _bands import band_table, run_frame_bands
from _grid import Grid, command, write_section
from _sweeps import Sweep, chosen_rate, sweep_scores, sweep_table
from _tables import difference_table, score_table
from torch import nn

from teachkit import data, metrics, training, vision
from teachkit.data import Split
from teachkit.errors import UnfairComparisonError

DATA = "pneumoniamnist"
SEEDS = tuple(range(5))
SHALLOW_SEEDS = tuple(range(20))
RATES = (3e-4, 1e-3, 3e-3)
SWEEP_SEED = 100
BACKBONE = "efficientnet_lite0"
# One setting for every arm of the main part; only the learning rate is left to the sweep.
MAIN: dict[str, Any] = {"epochs": 1, "batch_size": 32, "optimizer": "adamw", "schedule": "cosine"}
# As published (batches of 128, SGD with momentum, images of 28 pixels; 32 is the least we take), but two
# passes instead of five: the faults are in the start and in what moves, not in the length.
PUBLISHED: dict[str, Any] = {"epochs": 2, "batch_size": 128, "optimizer": "sgd, momentum 0.9", "lr": 1e-3}


@dataclass(frozen=True)
class ParametersFrozen:
    """Feature extraction as published: parameters get no gradient, but BatchNorm stays in training mode."""

    backbone: str = BACKBONE
    input_size: int = 32
    weights: str = "imagenet"

    def __call__(self) -> nn.Module:
        model = vision.Classifier(self.backbone, weights="imagenet", input_size=self.input_size)()
        model.backbone.requires_grad_(False)
        return model


def _arms(input_size: int) -> dict[str, vision.Classifier]:
    recipe = partial(vision.Classifier, BACKBONE, input_size=input_size)
    return {
        "random": recipe(weights=None),
        "frozen": recipe(weights="imagenet", trainable="head"),
        "finetuned": recipe(weights="imagenet"),
    }


ARMS = _arms(112)
# The published script asked for a random start and got ImageNet's weights: its first arm equals its third.
PUBLISHED_ARMS: dict[str, Any] = {
    "scratch_as_published": _arms(32)["finetuned"],
    "scratch_as_meant": _arms(32)["random"],
    "frozen_as_published": ParametersFrozen(),
    "frozen_as_meant": _arms(32)["frozen"],
    "finetuned": _arms(32)["finetuned"],
}

MAIN_TITLES = {
    "random": "random initialisation",
    "frozen": "frozen ImageNet features",
    "finetuned": "fine-tuned",
}
SHALLOW_TITLES = {
    "logistic": "logistic regression, all pixels",
    "logistic_bootstrap": "logistic regression, bootstraps",
    "frame_3": "random forest, frame of 3 pixels",
    "frame_1": "random forest, frame of 1 pixel",
}
PUBLISHED_TITLES = {
    "scratch_as_published": '"scratch" as published (ImageNet weights)',
    "scratch_as_meant": "scratch as meant (random weights)",
    "frozen_as_published": '"frozen" as published (BatchNorm drifts)',
    "frozen_as_meant": "frozen as meant",
    "finetuned": "fine-tuned",
}


def load() -> dict[str, Split]:
    """The three official splits at 28×28."""
    return {split: data.load(DATA, split, 28) for split in ("train", "val", "test")}


def scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """The task's four scores, sensitivity, specificity and calibration error of the positive class."""
    positive = probabilities[:, 1]
    return metrics.scores(labels, probabilities, "binary") | {
        "sensitivity": metrics.sensitivity(labels, positive),
        "specificity": metrics.specificity(labels, positive),
        "calibration_error": metrics.calibration_error(labels.reshape(-1), positive),
    }


def train_one(
    recipe: Callable[[], nn.Module], seed: int, settings: dict[str, Any], splits: dict[str, Split]
) -> dict:
    """Build under `seed`, fit, score on validation and test; also what moved besides the head."""
    torch.manual_seed(seed)
    model = recipe()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    options = settings | {"optimizer": _optimizer(settings["optimizer"])}
    history = training.fit(model, splits["train"], splits["val"], seed=seed, **options)
    after = model.state_dict()
    moved = [name for name, value in before.items() if not torch.equal(value, after[name].cpu())]
    found: dict[str, Any] = {
        "steps": history.steps,
        "epochs": history.epochs,
        "moved_besides_head": sum(not name.startswith("head.") for name in moved),
    }
    for split in ("val", "test"):
        found[split] = scores(splits[split].labels, training.predict(model, splits[split]))
    return found


def _optimizer(name: str) -> Any:
    return partial(torch.optim.SGD, momentum=0.9) if name.startswith("sgd") else name


def shallow_names() -> dict[str, list[str]]:
    """Cells of the shallow part by row of the table."""
    return {
        "logistic": ["logistic_pixels"],
        "logistic_bootstrap": [f"logistic_bootstrap_{seed:02d}" for seed in SHALLOW_SEEDS],
        "frame_3": [f"frame_3px_{seed:02d}" for seed in SHALLOW_SEEDS],
        "frame_1": [f"frame_1px_{seed:02d}" for seed in SHALLOW_SEEDS],
    }


def frame(images: np.ndarray, width: int) -> np.ndarray:
    """The outer `width` pixels of grey images [N, H, W], as rows [N, pixels]."""
    inside = np.zeros(images.shape[1:], dtype=bool)
    inside[width:-width, width:-width] = True
    return images[:, ~inside]


def logistic(splits: dict[str, Split], seed: int | None) -> dict[str, Any]:
    """Logistic regression on all pixels; with a seed, on a bootstrap of the training images."""
    from sklearn.linear_model import LogisticRegression

    x = {name: np.asarray(split.images).reshape(len(split), -1) / 255 for name, split in splits.items()}
    y = splits["train"].labels.reshape(-1)
    rows = np.arange(len(y)) if seed is None else np.random.default_rng(seed).integers(len(y), size=len(y))
    model = LogisticRegression(max_iter=2000).fit(x["train"][rows], y[rows])
    return {s: scores(splits[s].labels, model.predict_proba(x[s])) for s in ("val", "test")}


def forest_on_frame(splits: dict[str, Split], width: int, seed: int) -> dict[str, Any]:
    """A random forest that never sees the chest."""
    from sklearn.ensemble import RandomForestClassifier

    x = {name: frame(np.asarray(split.images), width) for name, split in splits.items()}
    model = RandomForestClassifier(300, random_state=seed).fit(x["train"], splits["train"].labels.reshape(-1))
    return {s: scores(splits[s].labels, model.predict_proba(x[s])) for s in ("val", "test")}


def run_shallow(grid: Grid, splits: dict[str, Split]) -> None:
    """Frame and pixels, without a network."""
    grid.run(
        "logistic_pixels",
        {"data": DATA, "model": "logistic regression, pixels / 255"},
        lambda: logistic(splits, None),
    )
    for seed in SHALLOW_SEEDS:
        settings = {
            "data": DATA,
            "model": "logistic regression, pixels / 255, bootstrap of training rows",
            "seed": seed,
        }
        grid.run(f"logistic_bootstrap_{seed:02d}", settings, partial(logistic, splits, seed))
        for width in (3, 1):
            settings = {"data": DATA, "model": "random forest, 300 trees", "frame_px": width, "seed": seed}
            grid.run(f"frame_{width}px_{seed:02d}", settings, partial(forest_on_frame, splits, width, seed))


def _cell(recipe: Any, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    # All arms take three channels; a setting that never varies is no part of what a cell is.
    fields = {name: value for name, value in asdict(recipe).items() if name != "channels"}
    kind = {"recipe": type(recipe).__name__}
    return {"data": DATA, "size": 28, "seed": seed} | kind | fields | settings


def run_sweep(grid: Grid, splits: dict[str, Split]) -> None:
    """One pass per arm and learning rate; only the validation scores are ever looked at."""
    grid.run_all(
        (
            f"sweep_{arm}_{lr:g}",
            _cell(recipe, SWEEP_SEED, MAIN | {"lr": lr}),
            partial(train_one, recipe, SWEEP_SEED, MAIN | {"lr": lr}, splits),
        )
        for lr in RATES
        for arm, recipe in ARMS.items()
    )


def sweep_auc(grid: Grid) -> Sweep:
    """Validation AUC by learning rate and arm."""
    return sweep_scores(grid, RATES, ARMS, "auc")


def run_main(grid: Grid, splits: dict[str, Split]) -> None:
    """Seed by seed, so that what is there can always be compared in pairs."""
    settings = MAIN | {"lr": chosen_rate(sweep_auc(grid))}
    grid.run_all(
        (
            f"main_{arm}_{seed}",
            _cell(recipe, seed, settings),
            partial(train_one, recipe, seed, settings, splits),
        )
        for seed in SEEDS
        for arm, recipe in ARMS.items()
    )


def run_published(grid: Grid, splits: dict[str, Split]) -> None:
    """The published comparison with its faults and without."""
    grid.run_all(
        (
            f"published_{arm}_{seed}",
            _cell(recipe, seed, PUBLISHED),
            partial(train_one, recipe, seed, PUBLISHED, splits),
        )
        for seed in SEEDS
        for arm, recipe in PUBLISHED_ARMS.items()
    )


def cells_of(grid: Grid, prefix: str, arms: Mapping[str, object]) -> dict[str, list[dict[str, Any]]]:
    """Values of the cells that are there, by arm and in the order of the seeds."""
    return {arm: list(grid.values([f"{prefix}_{arm}_{seed}" for seed in SEEDS])) for arm in arms}


def write_tables(grid: Grid) -> None:
    """Write the section of this study from whatever cells are there."""
    parts = ["## 01 Classification", _about(grid), "### Three arms", _main_tables(grid)]
    parts += ["### The learning rate, chosen on validation", _sweep_table(grid)]
    parts += ["### Without a network", _shallow_tables(grid)]
    parts += ["### Bands of the course file", band_table(grid)]
    parts += ["### The published comparison, with its faults and without", _published_tables(grid)]
    write_section("01", "\n\n".join(part for part in parts if part))


def _about(grid: Grid) -> str:
    names = [f"main_{arm}_{seed}" for arm in ARMS for seed in SEEDS]
    done = len(list(grid.values(names)))
    state = "" if done == len(names) else f" {done} of {len(names)} runs of the main part are done so far."
    return (
        f"PneumoniaMNIST at 28×28, official splits: 4,708 training, 524 validation and 624 test images. "
        f"Network: {ARMS['random'].title}. Get it again with `TEACHKIT_DATA=/path/to/data make study 01`; "
        f"one JSON file per run in `studies/results/01`.{state}\n\n"
        f"Versions: {grid.versions_used()}."
    )


def _main_tables(grid: Grid) -> str:
    rows = {MAIN_TITLES[arm]: cells for arm, cells in cells_of(grid, "main", ARMS).items()}
    if not all(rows.values()):
        return "Not computed yet."
    lr = chosen_rate(sweep_auc(grid))
    steps = {cell["steps"] for cells in rows.values() for cell in cells}
    if len(steps) != 1:
        raise UnfairComparisonError(
            f"The arms took {sorted(steps)} steps.", "Delete the cells and run them again."
        )
    moved = max(cell["moved_besides_head"] for cell in rows[MAIN_TITLES["frozen"]])
    return "\n\n".join(
        [
            f"Every arm: {steps.pop():,} steps of {MAIN['batch_size']} images (one pass over all of them), "
            f"AdamW, learning rate {lr:g} falling along a cosine, no augmentation, last weights. "
            "Same seed: same data order and same initial last layer. "
            f"Tensors of the frozen arm that moved, its last layer aside: {moved}.",
            score_table(rows, [("test", s) for s in ("auc", "acc", "balacc", "kappa")]),
            score_table(
                rows,
                [
                    ("val", "auc"),
                    ("test", "sensitivity"),
                    ("test", "specificity"),
                    ("test", "calibration_error"),
                ],
            ),
            "Paired differences, seed by seed:",
            difference_table(rows, [("test", s) for s in ("auc", "acc", "balacc", "kappa")]),
        ]
    )


def _sweep_table(grid: Grid) -> str:
    return sweep_table(
        sweep_auc(grid),
        [MAIN_TITLES[arm] for arm in ARMS],
        f"One pass, seed {SWEEP_SEED} (used nowhere else), validation AUC",
        "serves all arms: one rate each would be a second difference",
    )


def _shallow_tables(grid: Grid) -> str:
    names = shallow_names()
    rows = {SHALLOW_TITLES[key]: list(grid.values(cells)) for key, cells in names.items()}
    columns = [(split, score) for score in ("auc", "acc", "specificity") for split in ("val", "test")]
    return (
        "The frame is the outer rim of each image; the chest inside it is hidden. Logistic regression has no "
        "seed of its own; its second row repeats it on bootstraps of the training images.\n\n"
        + score_table(rows, columns, "model")
    )


def _published_tables(grid: Grid) -> str:
    cells = cells_of(grid, "published", PUBLISHED_ARMS)
    if not all(cells.values()):
        return "Not computed yet."
    rows = {PUBLISHED_TITLES[arm]: found for arm, found in cells.items()}
    moved = {arm: max(cell["moved_besides_head"] for cell in found) for arm, found in cells.items()}
    columns = [("test", s) for s in ("auc", "acc", "balacc")]
    title = PUBLISHED_TITLES
    pairs = [
        (title["scratch_as_published"], title["finetuned"]),
        (title["scratch_as_meant"], title["finetuned"]),
        (title["frozen_as_published"], title["frozen_as_meant"]),
    ]
    return "\n\n".join(
        [
            "The published script ran five passes, batches of 128 and SGD (rate 0.001, momentum 0.9) on a "
            "ResNet-18 and PathMNIST. Here two passes of that recipe run on our network and PneumoniaMNIST, "
            "input 32×32. "
            'Its "scratch" started from ImageNet weights, so under one seed it *is* fine-tuning. '
            'Its "frozen" arm left BatchNorm in training mode: '
            f"{moved['frozen_as_published']} tensors besides the last layer moved, "
            f"against {moved['frozen_as_meant']} in ours.",
            score_table(rows, columns),
            difference_table(rows, columns, pairs),
        ]
    )


def run_bands(grid: Grid, splits: dict[str, Split]) -> None:
    """What the course file promises about the frame demonstration at class size."""
    run_frame_bands(grid, splits, frame)


PARTS = {
    "shallow": run_shallow,
    "bands": run_bands,
    "sweep": run_sweep,
    "main": run_main,
    "published": run_published,
}


if __name__ == "__main__":
    command("01", PARTS, write_tables, load)
