"""Study 03: what does a U-Net gain from depth, normalisation and the choice of loss?

    TEACHKIT_DATA=/path/to/data make study 03

Nuclei (BBBC038): 48 training, 16 validation and 16 test pictures. Four parts (``ARGS="--parts main"`` runs
one), each cell resumable:

- baseline: no network: everything called background, and Otsu's threshold in each picture;
- sweep: one learning rate for all arms, chosen on validation Dice with a seed that no other part uses;
- main: arms that differ from one base arm in depth, normalisation or loss; equal steps, paired by seed;
- flips: the test score as published, with test pictures passed through random flips.
"""

import argparse
from dataclasses import asdict
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from _grid import ROOT, Grid, markdown_table, write_section
from _pictures import background, otsu, predict, scores
from _tables import difference_table, score_table

from teachkit import data, training, vision
from teachkit.data import Split
from teachkit.errors import UnfairComparisonError

DATA = "nuclei"
SEEDS = tuple(range(5))
RATES = (1e-3, 3e-3, 1e-2)
SWEEP_SEED = 100
CROP, PER_PICTURE = 64, 32
# One setting for every arm of the main part; only the learning rate is left to the sweep.
SETTINGS: dict[str, Any] = {"steps": 96, "batch_size": 16, "optimizer": "adamw", "schedule": "cosine"}
BASE: dict[str, Any] = {"depth": 3, "base_width": 16, "norm": "batch", "loss": "cross-entropy"}
# Each arm of an ablation is the base arm but for one setting.
ABLATIONS: dict[str, dict[str, dict[str, Any]]] = {
    "depth": {"depth 1": {"depth": 1}, "depth 2": {"depth": 2}, "depth 3": {}, "depth 4": {"depth": 4}},
    "norm": {
        "none": {"norm": None},
        "batch": {},
        "group": {"norm": "group"},
        "instance": {"norm": "instance"},
    },
    "loss": {
        "cross-entropy": {},
        "weighted cross-entropy": {"loss": "weighted"},
        "Dice": {"loss": "dice"},
        "cross-entropy + Dice": {"loss": "cross-entropy+dice"},
        "focal": {"loss": "focal"},
    },
}
NOTES = {
    "depth": "From depth 3 on, one answer may depend on more than a crop of 64 pixels shows.",
    "norm": "All arms share one learning rate; see below how much each of two arms depends on it.",
    "loss": "Weights are inverse to the shares of the two classes; the focal loss has gamma 2.",
}
LATER = ("group", "cross-entropy + Dice")  # computed after all other arms have all their seeds
HEADINGS = {"depth": "How deep?", "norm": "Which normalisation?", "loss": "Which loss?"}
SCORES = ("acc", "dice", "iou", "boundary_f")
MORE_SCORES = ("dice_picture", "object_f1")
FLIPS = 8


def cell_name(change: dict[str, Any]) -> str:
    """Of the arm that differs from the base arm in `change`."""
    return "_".join(["base", *(f"{name}-{value}".replace("+", "-") for name, value in change.items())])


def arms() -> dict[str, dict[str, Any]]:
    """Every arm once, by the name of its cells."""
    return {cell_name(change): BASE | change for rows in ABLATIONS.values() for change in rows.values()}


def load(split: str) -> Split:
    """Whole pictures, with a number for each nucleus."""
    return data.load(DATA, split)


def make_loss(name: str, shares: dict[str, float]) -> training.PixelLoss:
    """The loss of an arm; "weighted" takes its weights from the classes' shares of the training crops."""
    if name == "weighted":
        return training.PixelLoss.weighted(shares)
    return training.PixelLoss(name)


def train_one(arm: dict[str, Any], seed: int, lr: float) -> tuple[vision.UNet, dict[str, Any]]:
    """A U-Net fitted to random crops of the training pictures; the seed decides crops, weights and order."""
    crops = load("train").semantic().crops(CROP, PER_PICTURE, seed=seed)
    torch.manual_seed(seed)
    model = vision.UNet(3, 2, depth=arm["depth"], base_width=arm["base_width"], norm=arm["norm"])
    loss = make_loss(arm["loss"], crops.class_shares())
    history = training.fit(model, crops, seed=seed, lr=lr, loss=loss, **SETTINGS)
    return model, {
        "steps": history.steps,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "loss": asdict(loss),
        "epochs": history.epochs,
    }


def run_one(arm: dict[str, Any], seed: int, lr: float, split: str) -> dict[str, Any]:
    """Train and score on whole pictures of one split."""
    model, found = train_one(arm, seed, lr)
    pictures = load(split)
    return found | {split: scores(pictures, predict(model, pictures))}


def _settings(arm: dict[str, Any], seed: int, lr: float, split: str) -> dict[str, Any]:
    return {"data": DATA, "crop": CROP, "crops_per_picture": PER_PICTURE, "split": split} | {
        "seed": seed,
        "lr": lr,
        **arm,
        **SETTINGS,
    }


def run_baseline(grid: Grid) -> None:
    """What needs no network."""
    grid.run("baseline_background", {"data": DATA}, lambda: {"test": _without_network(background)})
    grid.run("baseline_otsu", {"data": DATA}, lambda: {"test": _without_network(otsu)})
    grid.run("baseline_truth", {"data": DATA}, lambda: {"test": _true_masks()})


def _without_network(rule: Any) -> dict[str, float]:
    pictures = load("test")
    return scores(pictures, [rule(picture) for picture in pictures.images or []])


def _true_masks() -> dict[str, float]:
    """The true classes as a prediction: what is lost where nuclei touch."""
    pictures = load("test")
    return scores(pictures, [np.asarray(mask > 0, dtype=np.int64) for mask in pictures.masks or []])


def run_sweep(grid: Grid) -> None:
    """The base arm, and the one without normalisation; only validation scores are ever looked at."""
    for lr in RATES:
        for name in SWEEP_ARMS:
            arm = arms()[name]
            grid.run(
                f"sweep_{name}_{lr:g}",
                _settings(arm, SWEEP_SEED, lr, "val"),
                partial(run_one, arm, SWEEP_SEED, lr, "val"),
            )


SWEEP_ARMS = {cell_name({}): "base arm", cell_name({"norm": None}): "without normalisation"}


def sweep_dice(grid: Grid) -> dict[float, dict[str, float]]:
    """Validation Dice by learning rate and arm; rates whose cells are missing are left out."""
    found = {
        lr: {
            name: cell["val"]["dice_picture"]
            for name in SWEEP_ARMS
            for cell in grid.values([f"sweep_{name}_{lr:g}"])
        }
        for lr in RATES
    }
    return {lr: row for lr, row in found.items() if len(row) == len(SWEEP_ARMS)}


def chosen_rate(table: dict[float, dict[str, float]]) -> float:
    """The learning rate with the best validation Dice on average over the arms; the smaller one at a tie."""
    return max(sorted(table), key=lambda lr: float(np.mean(list(table[lr].values()))))


def run_main(grid: Grid) -> None:
    """Seed by seed, so that what is there can always be compared in pairs."""
    lr = chosen_rate(sweep_dice(grid))
    later = {
        cell_name(change) for rows in ABLATIONS.values() for title, change in rows.items() if title in LATER
    }
    for wave in (False, True):
        for seed, (name, arm) in product(SEEDS, arms().items()):
            if (name in later) == wave:
                settings = _settings(arm, seed, lr, "test")
                grid.run(f"main_{name}_{seed}", settings, partial(run_one, arm, seed, lr, "test"))


def run_flips(grid: Grid) -> None:
    """One trained network, its test score taken again and again with randomly flipped test pictures."""
    lr = chosen_rate(sweep_dice(grid))
    settings = _settings(BASE, SEEDS[0], lr, "test") | {"passes": FLIPS}
    grid.run("flips", settings, partial(flipped_scores, lr))


def flipped_scores(lr: float) -> dict[str, Any]:
    """Pixel accuracy and Dice on the test pictures as they are, and in passes with random flips."""
    model, _ = train_one(BASE, SEEDS[0], lr)
    pictures = load("test")
    rng = np.random.default_rng(SEEDS[0])
    passes = []
    for _ in range(FLIPS):
        axes = [tuple(np.flatnonzero(rng.integers(0, 2, 2)).tolist()) for _ in range(len(pictures))]
        flipped = [np.flip(image, axis) for image, axis in zip(pictures.images or [], axes, strict=True)]
        masks = [np.flip(mask, axis) for mask, axis in zip(pictures.masks or [], axes, strict=True)]
        changed = pictures.replace(images=flipped, masks=masks)
        passes.append(scores(changed, predict(model, changed)))
    twice = [scores(pictures, predict(model, pictures)) for _ in range(2)]
    return {"passes": passes, "plain": twice[0], "plain_again": twice[1]}


def write_tables(grid: Grid) -> None:
    """Write the section of this study from whatever cells are there."""
    parts = ["## 03 Segmentation", _about(grid), "### Without a network", _baseline_table(grid)]
    for factor in ABLATIONS:
        parts += [f"### {HEADINGS[factor]}", _ablation(grid, factor)]
    parts += ["### The learning rate, chosen on validation", _sweep_table(grid)]
    parts += ["### A test score that changes by itself", _flips_table(grid)]
    write_section("03", "\n\n".join(part for part in parts if part))


def _about(grid: Grid) -> str:
    names = [f"main_{name}_{seed}" for name in arms() for seed in SEEDS]
    done = len(list(grid.values(names)))
    state = "" if done == len(names) else f" {done} of {len(names)} runs of the main part are done so far."
    return (
        "Nuclei (BBBC038): 48 training, 16 validation and 16 test pictures of 256 to 1,388 pixels. A U-Net "
        f"with {BASE['base_width']} channels at the finest level learns from {PER_PICTURE} random crops of "
        f"{CROP}×{CROP} from each training picture; it is tested on whole pictures. Base arm: depth 3, batch "
        "normalisation, cross-entropy; each other arm changes one of the three. Get it again with "
        "`TEACHKIT_DATA=/path/to/data make study 03`; one JSON file per run in `studies/results/03`."
        f"{state}\n\n"
        "Dice, IoU and boundary F (tolerance 2 pixels) are those of the class nucleus, over the pixels of "
        "all test pictures together; Dice a picture is the mean over the 16 pictures. Object F1 matches the "
        "connected pieces of the prediction (16 pixels and more) with the true nuclei, at an IoU above one "
        "half. Intervals are over seeds, which stand for crops, weights and data order, not for other "
        "pictures.\n\n"
        f"Versions: {grid.versions_used()}."
    )


def _baseline_table(grid: Grid) -> str:
    titles = {
        "baseline_background": "everything is background",
        "baseline_otsu": "Otsu's threshold",
        "baseline_truth": "the true mask",
    }
    rows = {title: list(grid.values([name])) for name, title in titles.items()}
    if not all(rows.values()):
        return "Not computed yet."
    truth = rows[titles["baseline_truth"]][0]["test"]
    return (
        f"The {truth['true_objects']} test nuclei form {truth['objects']} connected pieces: some touch. "
        "So the object F1 of a perfect mask of classes stays below 1.\n\n"
        + score_table(rows, [("test", s) for s in (*SCORES, *MORE_SCORES)], "rule")
    )


def _ablation(grid: Grid, factor: str) -> str:
    found = {
        title: list(grid.values([f"main_{cell_name(change)}_{seed}" for seed in SEEDS]))
        for title, change in ABLATIONS[factor].items()
    }
    rows = {title: cells for title, cells in found.items() if cells}
    if not found[base := next(title for title, change in ABLATIONS[factor].items() if not change)]:
        return "Not computed yet."
    steps = {cell["steps"] for cells in rows.values() for cell in cells}
    if len(steps) != 1:
        raise UnfairComparisonError(
            f"The arms took {sorted(steps)} steps.", "Delete the cells and run them again."
        )
    pairs = [(title, base) for title in rows if title != base]
    columns = [("test", s) for s in (*SCORES, *MORE_SCORES)]
    parts = [
        f"Every arm: {steps.pop()} steps of {SETTINGS['batch_size']} crops, AdamW, learning rate "
        f"{chosen_rate(sweep_dice(grid)):g} falling along a cosine, last weights.",
        NOTES[factor],
        _sizes(rows) if factor == "depth" else "",
        score_table(rows, columns),
        f"Paired differences to the base arm ({base}), seed by seed:",
        difference_table(rows, columns, pairs),
    ]
    return "\n\n".join(part for part in parts if part)


def _sizes(rows: dict[str, list[dict[str, Any]]]) -> str:
    header = ["arm", "parameters", "one answer sees at most"]
    return markdown_table(
        header,
        [
            [title, f"{cells[0]['parameters']:,}", f"{_sees(ABLATIONS['depth'][title])} pixels"]
            for title, cells in rows.items()
        ],
    )


def _sees(change: dict[str, Any]) -> int:
    return vision.UNet(3, 2, depth=(BASE | change)["depth"], base_width=1).receptive_field()


def _sweep_table(grid: Grid) -> str:
    table = sweep_dice(grid)
    if len(table) < len(RATES):
        return "Not computed yet."
    rows = [
        [f"{lr:g}", *(f"{dice:.3f}" for dice in arms.values()), f"{np.mean(list(arms.values())):.3f}"]
        for lr, arms in table.items()
    ]
    return (
        f"Seed {SWEEP_SEED} (used nowhere else), validation Dice of the class nucleus, mean over "
        f"pictures. The rate with the best mean, {chosen_rate(table):g}, serves all arms.\n\n"
        + markdown_table(["learning rate", *SWEEP_ARMS.values(), "mean"], rows)
    )


def _flips_table(grid: Grid) -> str:
    for cell in grid.values(["flips"]):
        rows = []
        for score, title in (("acc", "pixel accuracy"), ("dice", "Dice")):
            values = [one[score] for one in cell["passes"]]
            rows.append(
                [
                    title,
                    f"{cell['plain'][score]:.4f}",
                    f"{cell['plain_again'][score]:.4f}",
                    f"{min(values):.4f} to {max(values):.4f}",
                ]
            )
        return (
            "The published script sends test pictures through the random flips of training. One trained "
            f"network (base arm, seed {SEEDS[0]}) then has another score at every pass; without flips two "
            "passes agree.\n\n"
            + markdown_table(["score", "as they are", "again", f"{FLIPS} passes with random flips"], rows)
        )
    return "Not computed yet."


PARTS = {"baseline": run_baseline, "sweep": run_sweep, "flips": run_flips, "main": run_main}


def main() -> None:
    """Compute what is missing; write the tables after each part."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS), help="default: all")
    parser.add_argument("--tables", action="store_true", help="compute nothing, only write the tables")
    asked = parser.parse_args()
    grid = Grid(ROOT / "studies" / "results" / "03")
    for part in [] if asked.tables else asked.parts:
        PARTS[part](grid)
        write_tables(grid)
    write_tables(grid)


if __name__ == "__main__":
    main()
