"""The section of study 06 in docs/results.md: what the published claims survive."""

from functools import partial
from itertools import product

from _grid import Grid, markdown_table
from _ugnn_arms import (
    BATCH_SIZE,
    CORE,
    FOLDS,
    GROUPS,
    NETWORKS,
    RANDOM_AND_KMEANS,
    RATES,
    RULES,
    SCORES,
    SETS,
    arm_name,
    core_cells,
)
from _ugnn_compounding_tables import compounding_section
from _ugnn_found import Estimate, Found, difference, mean, minus, verdict
from _ugnn_layout import MISSING, Row, arm_title, by_set, groups_title, shown, verdicts
from _ugnn_sharing_tables import sharing_sections
from _ugnn_steps import equal_steps
from _ugnn_summary import summary

HEADINGS = {"f1": "Weighted F1", "auc": "AUC", "balacc": "Balanced accuracy"}
UNION = "joint_fixed_edge"  # the published method


def section(grid: Grid) -> str:
    """The whole section, from whatever cells are there."""
    found = Found(grid)
    parts = [
        "## 06 uGNN",
        _about(found),
        "### In short",
        summary(found) or MISSING,
        "### How good is each way?",
        _levels(found),
        "### Does training together change anything? Joint minus solo",
        _joint_solo(found),
        "### Is a uGNN better than plain training?",
        _against_plain(found),
        "### Model by model",
        _by_model(found),
        "### Numbers that compound against numbers that stay",
        compounding_section(found),
        "### Are random clusters easier?",
        _random_clusters(found),
        *sharing_sections(found),
    ]
    return "\n\n".join(part for part in parts if part)


def _about(found: Found) -> str:
    cells = list(core_cells())
    done = sum(found.values(cell) is not None for cell in cells)
    state = "" if done == len(cells) else f" {done} of {len(cells)} runs of the main part are done so far."
    epochs = ", ".join(f"{setting.title} {setting.epochs}" for setting in SETS.values())
    return "\n".join(
        [
            f"Three networks ({', '.join(NETWORKS)}) learn from one cluster of the training images each. All "
            f"are tested on the whole test set. Get it again with `TEACHKIT_DATA=/path/to/data make study "
            f"06`; one JSON file per run in `studies/results/06`.{state}",
            "",
            "- Plain: three torch networks side by side. Solo: each network is a uGNN of its own, with "
            "bounds of its own. Joint: one uGNN of all three, as published.",
            f"- Every way: AdamW, batches of {BATCH_SIZE}, a cosine, last weights, the same steps. Every "
            "image of every cluster is seen once an epoch.",
            f"- Epochs: {epochs}. That is short: some networks have not left one answer for all images yet.",
            "- k-means runs on 50 principal components of the training images of a fold. Thickness draws "
            "each digit plain, thinned or thickened.",
            f"- Numbers are means over the {len(FOLDS)} folds with paired 95 % t intervals. Without a word "
            "on the network, they are the mean of the three.",
            "- A fold decides validation images, clusters, first weights and order. Folds share most "
            "training images and all test images. So these intervals are too narrow, and say nothing of "
            "other patients.",
            "- Rates are chosen on validation F1 over all folds, never on test.",
            "",
            equal_steps(found),
            "",
            f"Versions: {found.grid.versions_used()}.",
        ]
    )


def _levels(found: Found) -> str:
    """Scores of every way at the rate that validation chose for it."""
    header = ["way", *(setting.title for setting in SETS.values())]
    lines = []
    for arm in CORE:
        line = []
        for key in SETS:
            lr = found.rate(key, arm)
            estimate = mean(found.scores(key, arm, lr))
            line.append("–" if estimate is None else f"{estimate}, rate {lr:g}")
        if any(cell != "–" for cell in line):
            lines.append([arm_title(arm), *line])
    if not lines:
        return MISSING
    return "\n\n".join(
        [
            "Weighted F1 on the mixed test set, each way at the rate that validation chose for it:",
            markdown_table(header, lines),
            "Networks of these runs that give every test image the same answer. Their balanced accuracy is "
            "exactly 1 / classes:",
            _one_answer(found),
        ]
    )


def _one_answer(found: Found) -> str:
    """How many networks call everything one class."""

    def count(key: str, arm: str) -> str:
        lr = found.rate(key, arm)
        scores = [found.scores(key, arm, lr, "balacc", model=model) for model in NETWORKS]
        values = [value for by_fold in scores for value in by_fold.values()]
        constant = sum(abs(value - 1 / SETS[key].classes) < 1e-9 for value in values)
        return f"{constant} of {len(values)}" if values else "–"

    header = ["way", *(setting.title for setting in SETS.values())]
    return markdown_table(header, [[arm_title(arm), *(count(key, arm) for key in SETS)] for arm in CORE])


def _joint_solo(found: Found) -> str:
    def row(lr: float, rule: str, groups: str | int, score: str, key: str) -> Estimate | None:
        joint, solo = (
            found.scores(key, arm_name(kind, rule, groups), lr, score) for kind in ("joint", "solo")
        )
        return difference(joint, solo)

    parts = [
        "With a scale and a shift for each edge the models of a union share two numbers only, the bounds of "
        "the softsign; by kernel too. With 1,000 random groups they share all scales and shifts. Weighted "
        "F1, joint minus solo, same rate:"
    ]
    for groups in GROUPS:
        rows: dict[str, Row] = {
            f"{rule}, {groups_title(groups)}, rate {lr:g}": partial(row, lr, rule, groups, "f1")
            for rule, lr in product(RULES, RATES)
        }
        parts.append(by_set("joint − solo", rows))
    rows = {
        f"{HEADINGS[score]}, rate {lr:g}": partial(row, lr, "fixed", "edge", score)
        for score, lr in product(SCORES[1:], RATES)
    }
    parts += ["The published form (fixed, by edge) in the two other scores:", by_set("joint − solo", rows)]
    return "\n\n".join(parts)


def _against_plain(found: Found) -> str:
    def same_rate(arm: str, lr: float, key: str) -> Estimate | None:
        return difference(found.scores(key, arm, lr), found.scores(key, "plain", lr))

    def own_rates(arm: str, score: str, key: str) -> Estimate | None:
        own, plain = found.rate(key, arm), found.rate(key, "plain")
        return difference(found.scores(key, arm, own, score), found.scores(key, "plain", plain, score))

    rows: dict[str, Row] = {
        f"{arm_title(arm)}, rate {lr:g}": partial(same_rate, arm, lr)
        for lr in RATES
        for arm in CORE
        if arm.startswith("joint")
    }
    chosen: dict[str, Row] = {
        f"{arm_title(arm)}": partial(own_rates, arm, "f1") for arm in CORE if arm != "plain"
    }
    return "\n\n".join(
        [
            "Weighted F1 minus that of plain training at the same rate:",
            by_set("uGNN − plain", rows),
            "Each side at the rate that validation chose for it:",
            by_set("uGNN − plain", chosen),
        ]
    )


def _by_model(found: Found) -> str:
    parts = [
        f"The published form ({arm_title(UNION)}) and plain training, each at its own rate; solo at the rate "
        "of joint."
    ]
    header = ["set, network", "plain", "joint", "joint − plain", "joint − solo"]
    for score in SCORES:
        lines, gaps = [], []
        for key, model in product(SETS, (*NETWORKS, None)):
            own, base = found.rate(key, UNION), found.rate(key, "plain")
            joint, solo = (
                found.scores(key, arm, own, score, model=model) for arm in (UNION, "solo_fixed_edge")
            )
            plain = found.scores(key, "plain", base, score, model=model)
            if not joint or not plain:
                continue
            gaps.append((difference(joint, plain), difference(joint, solo)))
            estimates = (mean(plain), mean(joint), *gaps[-1])
            lines.append([f"{SETS[key].title}, {model or 'mean'}", *map(shown, estimates)])
        if lines:
            parts += [f"{HEADINGS[score]}:", markdown_table(header, lines), verdicts(gaps)]
    return "\n\n".join(parts) if len(parts) > 1 else MISSING


def _random_clusters(found: Found) -> str:
    """Random minus k-means clusters, for plain training too."""
    sets = RANDOM_AND_KMEANS

    def at_own_rate(key: str, arm: str) -> dict[int, float]:
        return found.scores(key, arm, found.rate(key, arm))

    header = [
        "way",
        *(f"{name}, random − k-means" for name in sets),
        *(f"{name}, gain over plain" for name in sets),
    ]
    lines, beyond_plain = [], []
    for arm in CORE:
        gains = [minus(at_own_rate(a, arm), at_own_rate(b, arm)) for a, b in sets.values()]
        plain = [minus(at_own_rate(a, "plain"), at_own_rate(b, "plain")) for a, b in sets.values()]
        line = [difference(gain, dict.fromkeys(gain, 0.0)) for gain in gains]
        beyond = [
            None if arm == "plain" else difference(gain, base)
            for gain, base in zip(gains, plain, strict=True)
        ]
        beyond_plain += beyond
        if any(line):
            lines.append([arm_title(arm), *map(shown, (*line, *beyond))])
    if not lines:
        return MISSING
    return (
        "Weighted F1 with random clusters minus k-means clusters, each way at its own rates; then that "
        f"number minus the one of plain training:\n\n{markdown_table(header, lines)}\n\n"
        f"Gain over plain: {verdict(beyond_plain)}"
    )
