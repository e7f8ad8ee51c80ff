"""The section of study 03 in docs/results.md."""

from typing import Any

import numpy as np
from _grid import Grid, markdown_table
from _segmentation_arms import (
    ABLATIONS,
    BASE,
    CROP,
    FLIPS,
    MORE_SCORES,
    PER_PICTURE,
    SCORES,
    SEEDS,
    SETTINGS,
    SWEEP_ARMS,
    SWEEP_SEED,
    arms,
    cell_name,
    sweep_dice,
)
from _sweeps import chosen_rate, sweep_table
from _tables import difference_table, score_table

from teachkit import vision
from teachkit.errors import UnfairComparisonError

HEADINGS = {"depth": "How deep?", "norm": "Which normalisation?", "loss": "Which loss?"}
NOTES = {
    "depth": "From depth 3 on, one answer may depend on more than a crop of 64 pixels shows.",
    "norm": "All arms share one learning rate; see below how much each of two arms depends on it. A run with "
    "Dice 0 has found no pixel with a probability above one half; the training loss says whether it was on "
    "the way.",
    "loss": "Weights are inverse to the shares of the two classes; the focal loss has gamma 2.",
}


def section(grid: Grid) -> str:
    """The whole section, from whatever cells are there."""
    parts = ["## 03 Segmentation", _about(grid), "### Without a network", _baseline_table(grid)]
    for factor in ABLATIONS:
        parts += [f"### {HEADINGS[factor]}", _ablation(grid, factor)]
    parts += ["### The learning rate, chosen on validation", _sweep_table(grid)]
    parts += ["### A test score that changes by itself", _flips_table(grid)]
    return "\n\n".join(part for part in parts if part)


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
        _losses(rows) if factor == "norm" else "",
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


def _losses(rows: dict[str, list[dict[str, Any]]]) -> str:
    """Training loss of each arm, whose first pass is the only one; and how many masks stayed empty."""
    found = [
        f"{title} {np.mean([cell['epochs'][0]['loss'] for cell in cells]):.3f} "
        f"({sum(cell['test']['dice'] == 0 for cell in cells)} of {len(cells)} runs with Dice 0)"
        for title, cells in rows.items()
    ]
    return f"Training loss, mean over the pass and the seeds: {', '.join(found)}."


def _sees(change: dict[str, Any]) -> int:
    return vision.UNet(3, 2, depth=(BASE | change)["depth"], base_width=1).receptive_field()


def _sweep_table(grid: Grid) -> str:
    return sweep_table(
        sweep_dice(grid),
        SWEEP_ARMS.values(),
        f"Seed {SWEEP_SEED} (used nowhere else), validation Dice of the class nucleus, mean over pictures",
        "serves all arms",
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
