"""The tables of study 02, from whatever cells are there."""

from collections.abc import Sequence
from typing import Any

from _augmentation import (
    AUGMENT,
    MAIN,
    NETWORK,
    PUBLISHED,
    PUBLISHED_ARMS,
    PUBLISHED_SEEDS,
    PUBLISHED_TITLES,
    SCORES,
    SEEDS,
    SIZES,
    STRENGTHS,
    SWEEP_SEED,
    TITLES,
    all_cells,
    strength_cell,
    sweep_auc,
)
from _grid import Grid, write_section
from _sweeps import chosen_rate, sweep_table
from _tables import difference_table, score_table

from teachkit.errors import UnfairComparisonError


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
    names = all_cells()
    done = len(list(grid.values(names)))
    state = "" if done == len(names) else f" {done} of {len(names)} runs are done so far."
    return (
        "BreastMNIST at 28×28, official splits: 546 training, 78 validation and 156 test images; 114 of the "
        "test images are benign or normal (class 1), 42 malignant (class 0). Sensitivity is that for "
        'malignant at a score of 0.5. "Without twins": the 97 test images that correlate at most 0.95 with '
        f"every training image. Network: {NETWORK.title}, one input channel, random start. Augmentation at "
        f"strength 1: flip left and right, rotate up to {AUGMENT.rotate:g}°, shift up to "
        f"{AUGMENT.shift:.0%}, zoom up to {AUGMENT.zoom:.0%}, brightness and contrast "
        f"±{AUGMENT.brightness:.0%}. Get it again with `TEACHKIT_DATA=/path/to/data make study 02`; one JSON "
        "file per run in `studies/results/02`."
        f"{state}\n\n"
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
    return sweep_table(
        sweep_auc(grid),
        TITLES.values(),
        f"Seed {SWEEP_SEED} (used nowhere else), validation AUC",
        "serves all arms: one rate each would be a second difference",
    )
