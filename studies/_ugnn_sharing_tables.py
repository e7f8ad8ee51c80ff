"""Tables of study 06: few groups, ways that share by design, and a union with a graph network."""

from functools import partial
from itertools import product
from typing import Literal

from _grid import markdown_table
from _ugnn_arms import GNN, KINDS, SCORES, SETS, SHARING, WITH_GNN, arm_name
from _ugnn_found import Estimate, Found, difference, mean
from _ugnn_layout import MISSING, Row, arm_title, by_set, groups_title, shown

COUNTS = (100, 1000, 10_000)
EDGE = {kind: arm_name(kind, "fixed", "edge") for kind in KINDS}
BY_COUNT = {arm_name(kind, "fixed", groups) for kind in KINDS for groups in COUNTS}
Side = Literal["own", "others"]
TITLES = {"f1": "Weighted F1", "auc": "AUC", "balacc": "Balanced accuracy"}


def sharing_sections(found: Found) -> list[str]:
    """Headings and tables, in order."""
    return [
        "### Fewer groups, more sharing",
        _random_groups(found),
        "### Ways that do share",
        _sharing(found),
        "### Where transfer would show: images unlike a network's own",
        _own_and_others(found),
        "### A union of a CNN, an MLP and a graph network",
        _gnn(found),
    ]


def _random_groups(found: Found) -> str:
    def level(arm: str, key: str) -> Estimate | None:
        return mean(found.scores(key, arm, found.rate(key, "plain")))

    def gap(groups: str | int, key: str) -> Estimate | None:
        lr = found.rate(key, "plain")
        joint, solo = (found.scores(key, arm_name(kind, "fixed", groups), lr) for kind in ("joint", "solo"))
        return difference(joint, solo)

    counts: tuple[str | int, ...] = ("edge", *sorted(COUNTS, reverse=True))
    names = ["plain", *(arm_name(kind, "fixed", groups) for groups, kind in product(counts, KINDS))]
    levels: dict[str, Row] = {arm_title(name): partial(level, name) for name in names}
    gaps: dict[str, Row] = {groups_title(groups): partial(gap, groups) for groups in counts}
    return "\n\n".join(
        [
            "Edges are put into random groups over all models; solo keeps the groups but cuts them at the "
            "border of each model. Rule fixed, rate of plain training, weighted F1:",
            by_set("way", levels),
            "Joint minus solo:",
            by_set("joint − solo", gaps),
        ]
    )


def _sharing(found: Found) -> str:
    """Every way of the part against plain training, against solo and against pooled images."""

    def gap(arm: str, other: str, score: str, key: str) -> Estimate | None:
        lr = found.rate(key, "plain")
        return difference(found.scores(key, arm, lr, score), found.scores(key, other, lr, score))

    def level(arm: str, key: str) -> Estimate | None:
        return mean(found.scores(key, arm, found.rate(key, "plain")))

    ways = [arm for arm in SHARING if arm not in BY_COUNT]
    arms = ["plain", *EDGE.values(), *ways]
    levels: dict[str, Row] = {arm_title(arm): partial(level, arm) for arm in arms}
    parts = [
        "All at the rate that validation chose for plain training. Pooled: every plain network learns from "
        "the images of all clusters; it shows what there is to win, but needs all images in one place. "
        "Weighted F1:",
        by_set("way", levels),
    ]
    for score in SCORES:
        rows: dict[str, Row] = {
            f"{arm_title(arm)} − plain": partial(gap, arm, "plain", score) for arm in arms if arm != "plain"
        }
        parts += [f"{TITLES[score]}, minus plain training:", by_set("difference", rows)]
    return "\n\n".join(parts)


def _own_and_others(found: Found) -> str:
    """Test images of the cluster that a network trains on, and all others."""

    def level(arm: str, split: Side, key: str) -> Estimate | None:
        return mean(found.scores(key, arm, found.rate(key, "plain"), split=split))

    def gap(arm: str, other: str, split: Side, key: str) -> Estimate | None:
        lr = found.rate(key, "plain")
        return difference(found.scores(key, arm, lr, split=split), found.scores(key, other, lr, split=split))

    sides: dict[Side, str] = {"own": "own cluster", "others": "other clusters"}
    levels: dict[str, Row] = {
        f"{arm_title(arm)}, {title}": partial(level, arm, split)
        for arm, (split, title) in product(("plain", *EDGE.values(), "pooled"), sides.items())
    }
    pairs = [(EDGE["joint"], EDGE["solo"]), (EDGE["joint"], "plain"), ("pooled", "plain")]
    gaps: dict[str, Row] = {
        f"{arm_title(a)} − {arm_title(b)}, {title}": partial(gap, a, b, split)
        for (a, b), (split, title) in product(pairs, sides.items())
    }
    sets = [key for key, setting in SETS.items() if setting.by != "random"]
    return "\n\n".join(
        [
            "Each network is asked about test images like those it trains on, and about the others. What "
            "one network learns could help the others there. Rate of plain training, weighted F1, mean of "
            "the three networks:",
            by_set("way, test images", levels, sets),
            by_set("difference, test images", gaps, sets),
        ]
    )


def _gnn(found: Found) -> str:
    header = ["set, network", *(arm_title(arm) for arm in GNN), "joint − plain", "joint − solo"]
    parts = []
    for score in SCORES:
        lines = []
        for key, model in product(SETS, (*WITH_GNN, None)):
            lr = found.rate(key, "plain")
            by_arm = {arm: found.scores(key, arm, lr, score, model=model, gnn=True) for arm in GNN}
            if not all(by_arm.values()):
                continue
            joint = by_arm[EDGE["joint"]]
            gaps = [difference(joint, by_arm[arm]) for arm in ("plain", EDGE["solo"])]
            cells = [*(mean(each) for each in by_arm.values()), *gaps]
            lines.append([f"{SETS[key].title}, {model or 'mean'}", *map(shown, cells)])
        if lines:
            parts += [f"{TITLES[score]}:", markdown_table(header, lines)]
    return "\n\n".join(parts) or MISSING
