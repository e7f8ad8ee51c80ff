"""Tables of study 06: few groups, ways that share by design, and a union with a graph network."""

from functools import partial
from itertools import product
from typing import Literal

from _grid import markdown_table
from _ugnn_arms import (
    ALIKE,
    GNN,
    KINDS,
    LONG_RELATED,
    LONG_RELATED_SETS,
    LONGER,
    SCORES,
    SETS,
    SHARING,
    WITH_GNN,
    arm_name,
)
from _ugnn_found import Estimate, Found, difference, mean
from _ugnn_layout import MISSING, Row, arm_title, by_set, groups_title, shown, verdicts

COUNTS = (100, 1000, 10_000)
EDGE = {kind: arm_name(kind, "fixed", "edge") for kind in KINDS}
BY_COUNT = {arm_name(kind, "fixed", groups) for kind in KINDS for groups in COUNTS}
Side = Literal["own", "others"]
# A way that shares, and the same without sharing; what "role" does within one model is "kernel".
CONTROLS = [
    (EDGE["joint"], EDGE["solo"]),
    ("joint_role", "solo_fixed_kernel"),
    ("joint_generator", "solo_generator"),
    ("joint_generator-only", "solo_generator-only"),
]
ALIKE_PAIRS = [
    ("joint_stem", "plain"),
    ("joint_role", "plain"),
    ("joint_role", "solo_fixed_kernel"),
    ("joint_role", "pooled"),
    ("pooled", "plain"),
]
ABOUT_SHARING = """All at the rate that validation chose for plain training.

- Pooled: every plain network learns from the images of all clusters. It shows what there is to win.
- By role: numbers of different networks share scale and shift when their layers have the same kind, shape and
  place in the network. Here that is 42 numbers of 92,104 for two classes, and 50 of 118,400 for ten.
- Generator: a small network for all models says scale and shift from where a number stands. It adds to what
  each edge has of its own, or stands alone. In solo training each model has a generator of its own.

Weighted F1:"""
ABOUT_COPIES = """Three copies of the CNN start with the same weights, each on its own cluster. By role all
scales and shifts are shared. So the three stay one network, and each step follows the sum of three losses, as
in federated gradient descent (McMahan et al., 2017). Only gradients travel, no images. Rate of plain training
of the three different networks. Weighted F1:"""
ABOUT_RELATED = """Three perceptrons with one, two and three hidden layers start with the same weights where
layers have the same role. By role those layers share scale and shift: the first in all three, the second in
two. "First layers" shares nothing else. Solo has the same start. Others have shared parts of networks between
sites before (FedPer, arXiv 1912.00818; HeteroFL, Diao et al., 2021). Rate of plain training of the three
different networks. Weighted F1:"""
ABOUT_GNN = """The graph network reads 7×7 patches of an image; two graph convolutions send the same weights
over all patches. As a uGNN by edge, each of its edges has a scale and a shift of its own, so weights that
were shared over the image no longer are. Solo training shows what that alone does. Rate of plain training of
the three networks without it."""
TITLES = {"f1": "Weighted F1", "auc": "AUC", "balacc": "Balanced accuracy"}


def sharing_sections(found: Found) -> list[str]:
    """Headings and tables, in order."""
    return [
        "### Fewer groups, more sharing",
        _random_groups(found),
        "### Ways that do share",
        _sharing(found),
        "### Three copies of one network",
        _alike(found, "copies", ABOUT_COPIES),
        "### Three related networks",
        _alike(found, "related", ABOUT_RELATED),
        _related_longer(found),
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
        ABOUT_SHARING,
        by_set("way", levels),
    ]
    for score in SCORES:
        rows: dict[str, Row] = {
            f"{arm_title(arm)} − plain": partial(gap, arm, "plain", score) for arm in arms if arm != "plain"
        }
        parts += [f"{TITLES[score]}, minus plain training:", by_set("difference", rows)]
    rows = {f"{arm_title(a)} − {arm_title(b)}": partial(gap, a, b, "f1") for a, b in CONTROLS}
    parts += ["Weighted F1, minus the same without sharing:", by_set("difference", rows)]
    return "\n\n".join(parts)


def _alike(found: Found, union: str, about: str) -> str:
    """Networks that start alike, wholly or where they match."""

    def scores(arm: str, score: str, key: str) -> dict[int, float]:
        return found.scores(key, arm, found.rate(key, "plain"), score, union=union)

    def level(arm: str, key: str) -> Estimate | None:
        return mean(scores(arm, "f1", key))

    def gap(arm: str, other: str, score: str, key: str) -> Estimate | None:
        return difference(scores(arm, score, key), scores(other, score, key))

    parts = [about, by_set("way", {arm_title(arm): partial(level, arm) for arm in ALIKE})]
    for score in SCORES:
        rows: dict[str, Row] = {
            f"{arm_title(a)} − {arm_title(b)}": partial(gap, a, b, score) for a, b in ALIKE_PAIRS
        }
        parts += [f"{TITLES[score]}:", by_set("difference", rows)]
    return "\n\n".join(parts)


def _related_longer(found: Found) -> str:
    """Does sharing still help when training has time?"""

    def scores(arm: str, score: str, key: str) -> dict[int, float]:
        return found.scores(key, arm, found.rate(key, "plain"), score, union="related", longer=LONGER)

    def level(arm: str, key: str) -> Estimate | None:
        return mean(scores(arm, "f1", key))

    def gap(arm: str, other: str, score: str, key: str) -> Estimate | None:
        return difference(scores(arm, score, key), scores(other, score, key))

    parts = [
        f"The same with {LONGER} times the epochs: is it transfer, or only faster training? Weighted F1:",
        by_set("way", {arm_title(a): partial(level, a) for a in LONG_RELATED}, LONG_RELATED_SETS),
    ]
    for score in SCORES:
        rows: dict[str, Row] = {
            f"{arm_title(a)} − {arm_title(b)}": partial(gap, a, b, score)
            for a, b in ALIKE_PAIRS
            if {a, b} <= set(LONG_RELATED)
        }
        parts += [f"{TITLES[score]}:", by_set("difference", rows, LONG_RELATED_SETS)]
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
        lines, pairs = [], []
        for key, model in product(SETS, (*WITH_GNN, None)):
            lr = found.rate(key, "plain")
            by_arm = {arm: found.scores(key, arm, lr, score, model=model, union="gnn") for arm in GNN}
            if not all(by_arm.values()):
                continue
            joint = by_arm[EDGE["joint"]]
            pairs.append((difference(joint, by_arm["plain"]), difference(joint, by_arm[EDGE["solo"]])))
            cells = [*(mean(each) for each in by_arm.values()), *pairs[-1]]
            lines.append([f"{SETS[key].title}, {model or 'mean'}", *map(shown, cells)])
        if lines:
            parts += [f"{TITLES[score]}:", markdown_table(header, lines), verdicts(pairs)]
    return "\n\n".join([ABOUT_GNN, *parts]) if parts else MISSING
