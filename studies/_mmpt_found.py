"""The runs of study 08 that are there: scores by arm, rule, domain and seed."""

from typing import Any, NamedTuple

import numpy as np
from _estimates import BySeed, Estimate, difference, mean
from _grid import Cells
from _mmpt_arms import DOMAINS, SEEDS


class Reading(NamedTuple):
    """An arm, asked with the statistics of `rule`."""

    arm: str
    rule: str


PUBLISHED = Reading("shared", "everyone")
READINGS = {
    PUBLISHED: "one-domain batches, statistics of everyone (as published)",
    Reading("shared", "domain"): "the same weights, statistics of the domain (recalibrated)",
    Reading("shared", "batch"): "the same weights, statistics of the test batch",
    Reading("domain", "domain"): "a BatchNorm for each domain",
    Reading("group", "everyone"): "GroupNorm",
    Reading("mixed", "everyone"): "mixed batches, statistics of everyone",
    Reading("mixed", "domain"): "mixed batches, recalibrated",
    Reading("vit", "everyone"): "transformer (LayerNorm), one-domain batches",
}
ALONE = Reading("alone", "everyone")
LONG = Reading("long", "everyone")


class Found(Cells):
    """Values of the cells of one grid, each file read once."""

    def of_arm(self, arm: str, domain: str) -> dict[int, dict[str, Any]]:
        """Values by seed of the cell that knows `domain`."""
        own = arm in (ALONE.arm, LONG.arm)
        names = {seed: f"{arm}_{domain}_{seed}" if own else f"{arm}_{seed}" for seed in SEEDS}
        return {seed: values for seed, name in names.items() if (values := self.values(name)) is not None}

    def scores(self, reading: Reading, domain: str | None, score: str = "auc", part: str = "test") -> BySeed:
        """A score by seed; without a domain the mean over all, for the seeds that have them all."""
        arm, rule = reading
        if domain is not None:
            cells = self.of_arm(arm, domain)
            return {seed: cell[part][rule][domain][score] for seed, cell in cells.items()}
        return _mean_over([self.scores(reading, each, score, part) for each in DOMAINS])

    def train_mode(self, arm: str, domain: str | None) -> BySeed:
        """Loss of the training pictures in training mode, by seed."""
        if domain is not None:
            return {seed: cell["train_mode"][domain] for seed, cell in self.of_arm(arm, domain).items()}
        return _mean_over([self.train_mode(arm, each) for each in DOMAINS])

    def told(self, arm: str, what: str, domain: str) -> BySeed:
        """What else was measured of a domain, by seed: "distance", "weight"."""
        return {seed: cell[what][domain] for seed, cell in self.of_arm(arm, domain).items() if what in cell}

    def mean(
        self, reading: Reading, domain: str | None, score: str = "auc", part: str = "test"
    ) -> Estimate | None:
        """Mean over seeds."""
        return mean(self.scores(reading, domain, score, part), len(SEEDS))

    def gap(self, a: Reading, b: Reading, domain: str | None, score: str = "auc") -> Estimate | None:
        """Test score of a minus b, paired by seed."""
        return difference(self.scores(a, domain, score), self.scores(b, domain, score), len(SEEDS))


def _mean_over(each: list[BySeed]) -> BySeed:
    shared = set.intersection(*map(set, each))
    return {seed: float(np.mean([scores[seed] for scores in each])) for seed in sorted(shared)}
