"""The section of study 07 in docs/results.md: what one hyper-initializer gives, and what it does not."""

from collections.abc import Iterable, Sequence

import numpy as np
from _estimates import shown
from _grid import Grid, markdown_table
from _hyperinit_arms import DEVELOPMENT, FAMILIES, OUTSIDE, PROOF, SEEDS, Recipe, curve_recipes
from _hyperinit_arms import isolate_recipes as recipes
from _hyperinit_choice import (
    CHOICE_SEEDS,
    DRAWS,
    LABELS,
    NETWORKS,
    PUBLISHED,
    Choice,
    mean_auc,
    plain_name,
    probe_name,
)
from _hyperinit_down_tables import down_sections
from _hyperinit_exam import exam_name, mean_cells
from _hyperinit_found import Found
from _hyperinit_found import difference as gap
from _hyperinit_later_tables import later_sections
from _hyperinit_summary import summary
from _hyperinit_text import about

from teachkit.hyperinit import references

MISSING = "Not computed yet."


def section(grid: Grid) -> str:
    """The whole section, from whatever cells are there."""
    found = Found(grid)
    parts = [
        "## 07 Hyper-initialization",
        about(found),
        "### In short",
        summary(found) or MISSING,
        "### The mean image",
        mean_image(found),
        "### Unseen networks, never trained",
        unseen(found),
        "### Task, families, steps: the choice on validation",
        isolated(found),
        "### More steps",
        curve(found),
        *down_sections(found),
        *later_sections(found),
    ]
    return "\n\n".join(part for part in parts if part)


def mean_image(found: Found) -> str:
    """What the mean training picture alone knows about turns."""
    rows = []
    for name, settings in mean_cells():
        if (values := found.values(name)) is None:
            continue
        classes = values["by_class"].values()
        numbers = (values["accuracy"], values["axis"], min(classes), max(classes))
        rows.append([settings["data"], str(values["pictures"]), *(f"{number:.3f}" for number in numbers)])
    if not rows:
        return MISSING
    header = ["set", "test pictures", "turn found", "axis found", "lowest class", "highest class"]
    return "\n\n".join(
        [
            "No network. Each test picture is turned by 0, 90, 180 and 270 degrees, and the turn is named in "
            "which the mean training picture fits it best. A guess finds 0.250 of the turns and 0.500 of the "
            "axes. `ihc_*` and `fundus_*` are crops of one slide and of one photograph (n = 1).",
            markdown_table(header, rows),
        ]
    )


def unseen(found: Found) -> str:
    """The exam of predicted networks, before and after pre-training."""
    names = list(references())
    rows = []
    for data, families in [*((name, "three") for name in PROOF), (DEVELOPMENT, "six")]:
        cells = [
            values
            for seed in SEEDS
            if (values := found.values(exam_name(Recipe(data, "rotation", families, 1_000, seed))))
        ]
        for when in ("untrained", "trained"):
            if not cells or (when == "untrained" and families == "six"):
                continue
            inside = [name for name in names if name != OUTSIDE]
            rows.append(
                [
                    f"{data}, {families} families, {when}",
                    *(_mean(cell[when][name]["accuracy"] for cell in cells) for name in names),
                    *(
                        _mean(cell[when][name][what] for cell in cells for name in inside)
                        for what in ("loss", "axis", "direction")
                    ),
                    str(len(cells)),
                ]
            )
    if not rows:
        return MISSING
    header = ["set, families, hyper-initializer", *names, "loss", "axis", "turn given the axis", "runs"]
    return "\n\n".join(
        [
            "Accuracy for quarter turns (a guess: 0.250) of networks that were never drawn and never "
            "trained. All their weights, last layer included, are predicted. BatchNorm takes the statistics "
            f"of each batch of test pictures. Rotation, 1,000 steps. `{OUTSIDE}` belongs to a family that "
            "was not drawn. Loss (a guess: 1.386), axis (0.5) and turn given the axis (0.5) are means over "
            "the other four.",
            markdown_table(header, rows),
        ]
    )


def isolated(found: Found) -> str:
    """Validation AUC of probes after each pre-training, beside starts without one."""
    plain = {
        start: [cell for seed in CHOICE_SEEDS if (cell := found.values(plain_name(start, seed)))]
        for start in ("kaiming", "untrained")
    }
    rows = [
        [title, "–", *_probe_columns(cells), _against(cells, plain["kaiming"])]
        for title, cells in (("Kaiming", plain["kaiming"]), ("untrained", plain["untrained"]))
        if cells
    ]
    asked = dict.fromkeys(Choice(r.pretext, r.families, r.steps) for r in recipes())
    for choice in asked:
        runs = [choice.recipe(DEVELOPMENT, seed) for seed in CHOICE_SEEDS]
        cells = [cell for run in runs if (cell := found.values(probe_name(run)))]
        courses = [cell for run in runs if (cell := found.values(run.name))]
        if cells and courses:
            mark = " **chosen**" if choice == found.choice else ""
            mark += " (as published)" if choice == PUBLISHED else ""
            rows.append(
                [
                    f"{choice.pretext}, {choice.families}, {choice.steps:,} steps{mark}",
                    _mean(course["losses"][-1] for course in courses),
                    *_probe_columns(cells),
                    _against(cells, plain["kaiming"]),
                ]
            )
    if not rows:
        return MISSING
    header = ["pre-training", "last loss", *NETWORKS, "mean", "mean − Kaiming, paired by draw"]
    families = "; ".join(f"{name}: {', '.join(members)}" for name, members in FAMILIES.items())
    return "\n\n".join(
        [
            f"PneumoniaMNIST, linear probe, {LABELS} labelled pictures a class, {DRAWS} draws of them, AUC "
            f"on **validation** pictures. The best mean goes on to the tests below. One hyper-initializer a "
            f"row ({_plural(len(CHOICE_SEEDS), 'seed')}): intervals say nothing of another pre-training. The "
            "losses of two tasks cannot be compared (a guess: 1.386 for rotation, 4.554 for SimCLR).",
            f"Families: {families}.",
            markdown_table(header, rows),
        ]
    )


def curve(found: Found) -> str:
    """The same probes after more and more steps."""
    rows = []
    kaiming = [cell for seed in CHOICE_SEEDS if (cell := found.values(plain_name("kaiming", seed)))]
    for recipe in curve_recipes():
        course, cell = found.values(recipe.name), found.values(probe_name(recipe))
        if course is not None and cell is not None:
            rows.append(
                [
                    f"{recipe.steps:,}",
                    f"{course['losses'][-1]:.3f}",
                    *_probe_columns([cell]),
                    _against([cell], kaiming),
                ]
            )
    if not rows:
        return MISSING
    header = ["steps", "last loss", *NETWORKS, "mean", "mean − Kaiming, paired by draw"]
    return "\n\n".join(
        [
            "SimCLR, seven families, one seed, each length with a schedule of its own; the same probes on "
            "validation pictures of PneumoniaMNIST. Nothing beyond the last row is claimed.",
            markdown_table(header, rows),
        ]
    )


def _probe_columns(cells: Sequence[dict]) -> list[str]:
    """AUC by network and over all."""
    each = [_mean(score for cell in cells for score in cell["auc"][name]) for name in NETWORKS]
    return [*each, _mean(map(mean_auc, cells))]


def _against(cells: Sequence[dict], kaiming: Sequence[dict]) -> str:
    """Mean over networks minus that of Kaiming, draw by draw."""
    if not kaiming or cells is kaiming:
        return "–"
    return shown(gap(by_draw(cells), by_draw(kaiming), DRAWS))


def by_draw(cells: Sequence[dict]) -> dict[int, float]:
    """Mean over networks and seeds, for each draw of labels."""
    rows = np.mean([[cell["auc"][name] for name in NETWORKS] for cell in cells], axis=(0, 1))
    return dict(enumerate(map(float, rows)))


def _mean(values: Iterable[float]) -> str:
    return f"{np.mean(list(values)):.3f}"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
