"""Tables of study 06: the rule of the public code, whose numbers compound, and that of the paper."""

from functools import partial
from itertools import product

from _ugnn_arms import GROUPS, KINDS, LONG, LONG_SETS, LONGER, RATES, arm_name
from _ugnn_found import Estimate, Found, difference, mean
from _ugnn_layout import MISSING, Row, arm_title, by_set, groups_title


def compounding_section(found: Found) -> str:
    """Short training at every rate, and ten times longer."""

    def row(kind: str, groups: str | int, lr: float, key: str) -> Estimate | None:
        a, b = (found.scores(key, arm_name(kind, rule, groups), lr) for rule in ("compounding", "fixed"))
        return difference(a, b)

    def own(kind: str, groups: str | int, key: str) -> Estimate | None:
        names = [arm_name(kind, rule, groups) for rule in ("compounding", "fixed")]
        a, b = (found.scores(key, arm, found.rate(key, arm)) for arm in names)
        return difference(a, b)

    rows: dict[str, Row] = {
        f"joint, {groups_title(groups)}, rate {lr:g}": partial(row, "joint", groups, lr)
        for groups, lr in product(GROUPS, RATES)
    }
    chosen: dict[str, Row] = {
        f"{kind}, {groups_title(groups)}": partial(own, kind, groups)
        for kind, groups in product(KINDS, GROUPS)
    }
    return "\n\n".join(
        [
            "The public code puts the changed numbers in the place of the old ones after each step; the "
            "paper keeps the old ones. Weighted F1, same rate:",
            by_set("compounding − fixed", rows),
            "Each at its own rate:",
            by_set("compounding − fixed", chosen),
            f"{LONGER} times the epochs, each way at the rate that validation chose for it above:",
            _longer(found),
        ]
    )


def _longer(found: Found) -> str:
    def scores(arm: str, key: str) -> dict[int, float]:
        return found.scores(key, arm, found.rate(key, arm), longer=LONGER)

    def level(arm: str, key: str) -> Estimate | None:
        return mean(scores(arm, key))

    def gap(a: str, b: str, key: str) -> Estimate | None:
        return difference(scores(a, key), scores(b, key))

    levels: dict[str, Row] = {arm_title(arm): partial(level, arm) for arm in LONG}
    if (table := by_set("weighted F1", levels, LONG_SETS)) == MISSING:
        return MISSING
    pairs = [("joint_fixed_edge", "plain")]
    pairs += [(arm, "joint_fixed_edge") for arm in LONG if "compounding" in arm]
    gaps: dict[str, Row] = {f"{arm_title(a)} − {arm_title(b)}": partial(gap, a, b) for a, b in pairs}
    return "\n\n".join([table, by_set("difference", gaps, LONG_SETS)])
