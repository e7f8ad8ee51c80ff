"""Study 02: does augmentation help on breast ultrasound, how much of it, and with how many images?

    TEACHKIT_DATA=/path/to/data make study 02

BreastMNIST, 546 training, 78 validation and 156 test images of 28×28 pixels. Five parts
(``ARGS="--parts main"`` runs one), each cell resumable:

- sweep: one learning rate for all arms, chosen on validation AUC with a seed that no other part uses;
- main: plain, augmented, mixed: equal input size and steps, ten seeds, paired, on all test images and on
  those without a near copy among the training images;
- published: the comparison as the published module ran it, its two faults apart and together, and as meant;
- curves: test AUC against the strength of the augmentation; plain and augmented on ever fewer training
  images, at equal steps;
- large: the published arms at the published size of 224 pixels.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from _grid import ROOT, Grid, markdown_table, write_section
from _tables import difference_table, score_table

from teachkit import data, metrics, training, vision
from teachkit.data import Split
from teachkit.errors import UnfairComparisonError

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


@dataclass(frozen=True)
class Sets:
    """The three official splits, and which test images have no near copy among the training images."""

    train: Split
    val: Split
    test: Split
    far: np.ndarray


def load() -> Sets:
    """BreastMNIST at 28×28, audited."""
    train, val, test = (data.load(DATA, split, 28) for split in ("train", "val", "test"))
    return Sets(train, val, test, ~data.audit_splits(DATA).twins())


def scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """The task's four scores, and the sensitivity for cancer, which is class 0 here."""
    return metrics.scores(labels, probabilities, "binary") | {
        "sensitivity": metrics.sensitivity(labels[:, 0] == MALIGNANT, probabilities[:, MALIGNANT])
    }


def train_one(
    sets: Sets, augment: vision.Augment | None, seed: int, settings: dict[str, Any], images: int | None = None
) -> dict[str, Any]:
    """Build under `seed`, fit, score on validation, on the test images, and on those without twins."""
    with training.seeded(seed):
        model = NETWORK()
    train = sets.train if images is None else sets.train.sample(images, seed)
    history = training.fit(model, train, seed=seed, augment=augment, **settings)
    found = training.predict(model, sets.test)
    views = training.predict(model, sets.test, views=AUGMENT)
    return {
        "steps": history.steps,
        "loss": history.epochs[-1]["loss"],
        "val": scores(sets.val.labels, training.predict(model, sets.val)),
        "test": scores(sets.test.labels, found),
        "without twins": scores(sets.test.labels[sets.far], found[sets.far]),
        "with eight views": scores(sets.test.labels, views),
    }


def _cell(augment: vision.Augment | None, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    return (
        {"data": DATA, "size": 28, "seed": seed, "network": asdict(NETWORK)}
        | settings
        | {"augment": augment and asdict(augment)}
    )


def run_sweep(grid: Grid, sets: Sets) -> None:
    """One run per arm and learning rate; only the validation scores are ever looked at."""
    for lr in RATES:
        for arm, augment in ARMS.items():
            settings = MAIN | {"lr": lr}
            grid.run(
                f"sweep_{arm}_{lr:g}",
                _cell(augment, SWEEP_SEED, settings),
                partial(train_one, sets, augment, SWEEP_SEED, settings),
            )


def sweep_auc(grid: Grid) -> dict[float, dict[str, float]]:
    """Validation AUC by learning rate and arm."""
    return {
        lr: {arm: next(grid.values([f"sweep_{arm}_{lr:g}"]))["val"]["auc"] for arm in ARMS} for lr in RATES
    }


def chosen_rate(table: dict[float, dict[str, float]]) -> float:
    """The learning rate with the best validation AUC on average over the arms; the smaller one at a tie."""
    return max(sorted(table), key=lambda lr: float(np.mean(list(table[lr].values()))))


def run_main(grid: Grid, sets: Sets) -> None:
    """Seed by seed, so that what is there can always be compared in pairs."""
    settings = MAIN | {"lr": chosen_rate(sweep_auc(grid))}
    for seed in SEEDS:
        for arm, augment in ARMS.items():
            grid.run(
                f"main_{arm}_{seed}",
                _cell(augment, seed, settings),
                partial(train_one, sets, augment, seed, settings),
            )


def run_published(grid: Grid, sets: Sets, arms: Mapping[str, Published] = PUBLISHED_ARMS) -> None:
    """The published comparison with its faults, one at a time, and without."""
    for seed in PUBLISHED_SEEDS:
        for arm, asked in arms.items():
            settings = PUBLISHED | {
                "lr": chosen_rate(sweep_auc(grid)),
                "steps": PUBLISHED["steps"] * asked.longer,
            }
            grid.run(
                f"published_{arm}_{seed}",
                _cell(asked.augment, seed, settings),
                partial(train_one, sets, asked.augment, seed, settings),
            )


def run_curves(grid: Grid, sets: Sets) -> None:
    """Strengths that the main part does not hold yet, and fewer training images, drawn anew for each seed."""
    settings = MAIN | {"lr": chosen_rate(sweep_auc(grid))}
    for seed in SEEDS:
        for strength in STRENGTHS:
            if (name := strength_cell(strength, seed)).startswith("strength"):
                augment = AUGMENT.at(strength)
                grid.run(
                    name, _cell(augment, seed, settings), partial(train_one, sets, augment, seed, settings)
                )
        for images, arm in product(SIZES, ("plain", "augmented")):
            grid.run(
                f"size_{images}_{arm}_{seed}",
                _cell(ARMS[arm], seed, settings) | {"images": images},
                partial(train_one, sets, ARMS[arm], seed, settings, images),
            )


def strength_cell(strength: float, seed: int) -> str:
    """Name of a cell of the strength curve; 0 and 1 are arms of the main part."""
    known = {0.0: "main_plain", 1.0: "main_augmented"}
    return f"{known.get(strength, f'strength_{strength:g}')}_{seed}"


def cells(grid: Grid, names: Sequence[str]) -> list[dict[str, Any]]:
    """Values of the cells that are there, up to the first that is missing: pairs stay pairs."""
    found = []
    for name in names:
        if (cell := grid.read(name)) is None:
            break
        found.append(cell["values"])
    return found


def write_tables(grid: Grid) -> None:
    """Write the section of this study from whatever cells are there."""
    parts = [
        "## 02 Augmentation",
        _about(grid),
        "### Plain, augmented, mixed",
        _main_tables(grid),
        "### The published comparison, with its faults and without",
        _published_tables(grid),
        "### How strong?",
        _strength_tables(grid),
        "### How many images?",
        _size_tables(grid),
        "### Test-time augmentation",
        _view_tables(grid),
        "### The learning rate, chosen on validation",
        _sweep_table(grid),
    ]
    write_section("02", "\n\n".join(parts))


def _about(grid: Grid) -> str:
    return (
        "BreastMNIST at 28×28, official splits: 546 training, 78 validation and 156 test images; 114 of the "
        "test images are benign or normal (class 1), 42 malignant (class 0). Sensitivity is that for "
        'malignant at a score of 0.5. "Without twins": the 97 test images that correlate at most 0.95 with '
        f"every training image. Network: {NETWORK.title}, one input channel, random start. Augmentation at "
        f"strength 1: flip left and right, rotate up to {AUGMENT.rotate:g}°, shift up to "
        f"{AUGMENT.shift:.0%}, zoom up to {AUGMENT.zoom:.0%}, brightness and contrast "
        f"±{AUGMENT.brightness:.0%}. Get it again with `TEACHKIT_DATA=/path/to/data make study 02`; one JSON "
        "file per run in `studies/results/02`.\n\n"
        f"Versions: {grid.versions_used()}."
    )


def _recipe(grid: Grid, rows: dict[str, list[dict[str, Any]]]) -> str:
    steps = {cell["steps"] for found in rows.values() for cell in found}
    if len(steps) != 1:
        raise UnfairComparisonError(
            f"The arms took {sorted(steps)} steps.", "Delete the cells and run them again."
        )
    return (
        f"Every arm: {steps.pop()} steps of {MAIN['batch_size']} images, AdamW, learning rate "
        f"{chosen_rate(sweep_auc(grid)):g} falling along a cosine, last weights."
    )


def _rows(grid: Grid, prefix: str, titles: dict[str, str], seeds: Sequence[int]) -> dict[str, Any]:
    found = {
        title: cells(grid, [f"{prefix}_{arm}_{seed}" for seed in seeds]) for arm, title in titles.items()
    }
    return found if all(found.values()) else {}


def _main_tables(grid: Grid) -> str:
    if not (rows := _rows(grid, "main", TITLES, SEEDS)):
        return "Not computed yet."
    both = [("test", "auc"), ("without twins", "auc")]
    return "\n\n".join(
        [
            _recipe(grid, rows)
            + " Same seed: same first weights and same data order. The two groups of test "
            "images differ in prevalence, so compare AUC between them, not accuracy.",
            score_table(rows, [("test", score) for score in SCORES]),
            score_table(rows, [("without twins", score) for score in SCORES]),
            "Paired differences, seed by seed:",
            difference_table(rows, [*both, ("test", "balacc"), ("test", "sensitivity")]),
        ]
    )


def _published_tables(grid: Grid) -> str:
    rows = {
        title: cells(grid, [f"published_{arm}_{seed}" for seed in PUBLISHED_SEEDS])
        for arm, title in PUBLISHED_TITLES.items()
    }
    if not all(rows[PUBLISHED_TITLES[arm]] for arm in PUBLISHED_ARMS):
        return "Not computed yet."
    title = PUBLISHED_TITLES
    pairs = [
        (title[a], title[b])
        for a, b in (
            ("augmented_224", "plain"),
            ("augmented_224", "augmented_as_meant"),
            ("augmented_112", "augmented_as_meant"),
            ("augmented_as_meant", "plain"),
            ("mixed_224", "plain"),
            ("mixed_224", "mixed_small"),
            ("mixed_112", "mixed_small"),
            ("mixed_small", "mixed_as_meant"),
            ("mixed_as_meant", "plain"),
            ("plain_longer", "plain"),
        )
    ]
    columns = [("test", "auc"), ("test", "acc"), ("test", "balacc")]
    return "\n\n".join(
        [
            "The published script trained a ResNet-18 for ten passes of SGD, batches of 16. Its augmented "
            "images had 224×224 pixels, those without augmentation and all test images 28×28. Its mixed arm "
            "took a plain and an augmented batch in turn, and so twice the steps. Here the two faults run in "
            f"our network, with AdamW, batches of 16 and {PUBLISHED['steps']} steps (three passes), "
            f"{2 * PUBLISHED['steps']} where it says twice; in mixed arms each batch is augmented with "
            "probability one half.",
            score_table(rows, columns),
            difference_table(rows, columns, pairs),
        ]
    )


def _strength_tables(grid: Grid) -> str:
    rows = {f"{s:g}": cells(grid, [strength_cell(s, seed) for seed in SEEDS]) for s in STRENGTHS}
    if not all(rows.values()):
        return "Not computed yet."
    columns = [("test", "auc"), ("without twins", "auc"), ("val", "auc")]
    pairs = [(name, "0") for name in rows if name != "0"]
    return "\n\n".join(
        [
            _recipe(grid, rows)
            + " Strength multiplies every limit; 0 is the plain arm, 1 the augmented one.",
            score_table(rows, columns, "strength"),
            difference_table(rows, columns, pairs),
        ]
    )


def _size_tables(grid: Grid) -> str:
    rows: dict[str, list[dict[str, Any]]] = {}
    for images in (*SIZES, 546):
        for arm in ("plain", "augmented"):
            stem = f"main_{arm}" if images == 546 else f"size_{images}_{arm}"
            rows[f"{images} images, {arm}"] = cells(grid, [f"{stem}_{seed}" for seed in SEEDS])
    if not all(rows.values()):
        return "Not computed yet."
    columns = [("test", "auc"), ("without twins", "auc"), ("test", "balacc")]
    names = list(rows)
    return "\n\n".join(
        [
            _recipe(grid, rows)
            + " Fewer images are therefore seen more often. Each seed draws its own ones.",
            score_table(rows, columns, "trained on"),
            difference_table(rows, columns, list(zip(names[1::2], names[::2], strict=True))),
        ]
    )


def _view_tables(grid: Grid) -> str:
    if not (rows := _rows(grid, "main", TITLES, SEEDS)):
        return "Not computed yet."
    gained = {
        name: [
            {"gain": {score: run["with eight views"][score] - run["test"][score] for score in SCORES}}
            for run in found
        ]
        for name, found in rows.items()
    }
    return "\n\n".join(
        [
            "The runs of the first table, asked again: the mean of the probabilities of a test image as it "
            "is and of eight random changes of it, at strength 1. Gain: with views minus without, by run.",
            score_table(rows, [("with eight views", score) for score in ("auc", "balacc")]),
            score_table(gained, [("gain", score) for score in ("auc", "balacc")]),
        ]
    )


def _sweep_table(grid: Grid) -> str:
    if len(list(grid.values([f"sweep_{arm}_{lr:g}" for arm in ARMS for lr in RATES]))) < len(ARMS) * len(
        RATES
    ):
        return "Not computed yet."
    table = sweep_auc(grid)
    rows = [
        [f"{lr:g}", *(f"{auc:.3f}" for auc in arms.values()), f"{np.mean(list(arms.values())):.3f}"]
        for lr, arms in table.items()
    ]
    return (
        f"Seed {SWEEP_SEED} (used nowhere else), validation AUC. The rate with the best mean, "
        f"{chosen_rate(table):g}, serves all arms: one rate each would be a second difference.\n\n"
        + markdown_table(["learning rate", *TITLES.values(), "mean"], rows)
    )


PARTS: dict[str, Callable[[Grid, Sets], None]] = {
    "sweep": run_sweep,
    "main": run_main,
    "published": run_published,
    "curves": run_curves,
    "large": partial(run_published, arms=LARGE_ARMS),
}


def main() -> None:
    """Compute what is missing; write the tables after each part."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS), help="default: all")
    parser.add_argument("--tables", action="store_true", help="compute nothing, only write the tables")
    asked = parser.parse_args()
    grid = Grid(ROOT / "studies" / "results" / "02")
    for part in [] if asked.tables else asked.parts:
        PARTS[part](grid, load())
        write_tables(grid)
    write_tables(grid)


if __name__ == "__main__":
    main()
