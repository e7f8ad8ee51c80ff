"""What study 06 says in a few lines, with its numbers taken from the runs."""

from collections.abc import Callable, Iterable
from itertools import product

import numpy as np
from _ugnn_arms import LONG_RELATED_SETS, LONG_SETS, LONGER, RANDOM_AND_KMEANS, RATES, SETS, core_cells
from _ugnn_found import ByFold, Estimate, Found, difference, minus

Rate = Callable[[str, str], float | None]  # from set and way
JOINT, SOLO = "joint_fixed_edge", "solo_fixed_edge"


def summary(found: Found) -> str:
    """One line a claim; nothing before the core is complete."""
    if not found.complete(core_cells()):
        return ""
    plain = _plain_rate(found)
    gap = _Gaps(found)
    low, high = gap.at(RATES[:2], JOINT, SOLO), gap.at(RATES[2:], JOINT, SOLO)
    lines = [
        f"Joint is solo. By edge, at the two lower rates, joint minus solo: {_spread(low)}. At rate "
        f"{RATES[2]:g}, where one step can tip a network into one answer: {_spread(high)}.",
        f"Against plain training, each at its own rate: {_spread(gap.own(JOINT, 'plain'))}. Solo gives the "
        f"same: {_spread(gap.own(SOLO, 'plain'))}.",
        f"The same in AUC: joint minus plain {_spread(gap.own(JOINT, 'plain', 'auc'))}; solo minus plain "
        f"{_spread(gap.own(SOLO, 'plain', 'auc'))}.",
        "The rate decides the sign. Joint minus plain, by rate: "
        + "; ".join(f"{lr:g}: {_spread(gap.at((lr,), JOINT, 'plain'))}" for lr in RATES)
        + ".",
        "Compounding costs: minus fixed, joint, each at its own rate, by edge "
        f"{_spread(gap.own('joint_compounding_edge', JOINT))}; by kernel "
        f"{_spread(gap.own('joint_compounding_kernel', 'joint_fixed_kernel'))}.{_longer(found)}",
        f"Random minus k-means clusters: plain {_by_pair(found, 'plain')}; joint {_by_pair(found, JOINT)}. "
        f"Joint minus plain of that: {_by_pair(found, JOINT, 'plain')}.",
        "Sharing 1,000 random groups, joint minus solo at the three rates: "
        f"{_spread(gap.at(RATES, 'joint_fixed_1000', 'solo_fixed_1000'))}.",
        *_later(found, gap, plain),
    ]
    return "\n".join(["Weighted F1, mean of the three networks:", "", *(f"- {line}" for line in lines)])


class _Gaps:
    """Differences over all sets."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def at(self, rates: Iterable[float], a: str, b: str) -> list[Estimate]:
        """At the same rate."""
        return _known(
            difference(self.found.scores(key, a, lr), self.found.scores(key, b, lr))
            for key, lr in product(SETS, rates)
        )

    def own(self, a: str, b: str, score: str = "f1") -> list[Estimate]:
        """Each at the rate that validation chose for it."""

        def scores(key: str, arm: str) -> ByFold:
            return self.found.scores(key, arm, self.found.rate(key, arm), score)

        return _known(difference(scores(key, a), scores(key, b)) for key in SETS)

    def chosen(self, a: str, b: str, rate: Rate, union: str = "reference") -> list[Estimate]:
        """At a rate that the set decides."""
        return _known(
            difference(
                self.found.scores(key, a, rate(key, a), union=union),
                self.found.scores(key, b, rate(key, b), union=union),
            )
            for key in SETS
        )


def _later(found: Found, gap: _Gaps, plain: Rate) -> list[str]:
    lines = []
    if role := gap.chosen("joint_role", "solo_fixed_kernel", plain):
        lines.append(
            f"Sharing between different networks: by role minus solo {_spread(role)}; a generator for "
            f"all minus one each {_spread(gap.chosen('joint_generator', 'solo_generator', plain))}; "
            f"pooled minus plain {_spread(gap.chosen('pooled', 'plain', plain))}."
        )
    for union, title in (
        ("copies", "Three copies of one network that share all"),
        ("related", "Three related networks that share by role"),
    ):
        if tied := gap.chosen("joint_role", "plain", plain, union):
            solo = gap.chosen("joint_role", "solo_fixed_kernel", plain, union)
            pooled = gap.chosen("joint_role", "pooled", plain, union)
            lines.append(
                f"{title}: minus plain {_spread(tied)}; minus solo {_spread(solo)}; minus pooled "
                f"{_spread(pooled)}."
            )
    if longer := _related_longer(found, plain, "plain"):
        lines.append(
            f"The related networks with {LONGER} times the epochs. By role minus plain: {longer}; "
            f"minus pooled: {_related_longer(found, plain, 'pooled')}. A gain that is gone was "
            "faster training only."
        )
    if graph := _graph_network(found, plain, JOINT):
        lines.append(
            f"The graph network in a union: joint minus plain {_spread(graph)}; solo minus plain "
            f"{_spread(_graph_network(found, plain, SOLO))}."
        )
    return lines


def _related_longer(found: Found, plain: Rate, other: str) -> str:
    """Sharing by role minus another way, set by set."""

    def scores(key: str, way: str) -> ByFold:
        return found.scores(key, way, plain(key, way), union="related", longer=LONGER)

    gaps = {key: difference(scores(key, "joint_role"), scores(key, other)) for key in LONG_RELATED_SETS}
    return ", ".join(f"{SETS[key].title} {gap}" for key, gap in gaps.items() if gap is not None)


def _graph_network(found: Found, plain: Rate, arm: str) -> list[Estimate]:
    """Minus the same network trained plainly."""

    def scores(key: str, way: str) -> ByFold:
        return found.scores(key, way, plain(key, way), model="GNN", union="gnn")

    return _known(difference(scores(key, arm), scores(key, "plain")) for key in SETS)


def _longer(found: Found) -> str:
    def scores(key: str, arm: str) -> ByFold:
        return found.scores(key, arm, found.rate(key, arm), longer=LONGER)

    gaps = [difference(scores(key, "joint_compounding_edge"), scores(key, JOINT)) for key in LONG_SETS]
    return f" After {LONGER} times the epochs by edge: {_spread(_known(gaps))}." if any(gaps) else ""


def _plain_rate(found: Found) -> Rate:
    return lambda key, arm: found.rate(key, "plain")


def _by_pair(found: Found, arm: str, other: str | None = None) -> str:
    """Random minus k-means clusters, for Breast and for Pneumonia; of `other` subtracted if given."""

    def gain(a: str, b: str, way: str) -> dict[int, float]:
        return minus(found.scores(a, way, found.rate(a, way)), found.scores(b, way, found.rate(b, way)))

    shown = []
    for title, (a, b) in RANDOM_AND_KMEANS.items():
        first = gain(a, b, arm)
        base = gain(a, b, other) if other else dict.fromkeys(first, 0.0)
        shown.append(f"{title} {difference(first, base)}")
    return ", ".join(shown)


def _known(estimates: Iterable[Estimate | None]) -> list[Estimate]:
    return [estimate for estimate in estimates if estimate is not None]


def _spread(estimates: list[Estimate]) -> str:
    """The median, the ends, and how many intervals exclude 0."""
    values = [each.interval.value for each in estimates]
    above = sum(each.interval.low > 0 for each in estimates)
    below = sum(each.interval.high < 0 for each in estimates)
    return (
        f"median {np.median(values):+.3f}, {min(values):+.3f} to {max(values):+.3f} ({above} of "
        f"{len(values)} intervals above 0, {below} below)"
    )
