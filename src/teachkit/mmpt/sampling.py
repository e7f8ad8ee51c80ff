"""Which pictures of which domain a step sees: one domain at a time, all mixed, tempered, or in turn.

A pass follows from seed and number alone: a run that goes on draws what it would have drawn anyway.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teachkit.errors import SettingsError, UnknownNameError, nearest

KINDS = ("homogeneous", "mixed", "temperature", "sequential")
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """The rows of one step, those of one domain side by side.

    Attributes:
        domains: number of the domain of each row, rising: int64 [B].
        rows: row number within that domain: int64 [B].
    """

    domains: Whole
    rows: Whole

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def present(self) -> list[int]:
        """Domains in the batch, rising."""
        return [int(domain) for domain in np.unique(self.domains)]

    def part(self, rank: int, world: int) -> "Batch":
        """What one of `world` processes works on."""
        return Batch(self.domains[rank::world], self.rows[rank::world])

    def by_domain(self, present: Sequence[int]) -> Iterator[tuple[int, Whole]]:
        """The rows of each domain of `present`, which may be none in this process."""
        for domain in present:
            low, high = np.searchsorted(self.domains, [domain, domain + 1])
            yield domain, self.rows[low:high]


@dataclass(frozen=True)
class Sampler:
    """Batches of several domains, pass by pass.

    =============  =====================================================================================
    "homogeneous"  a batch holds one domain, drawn in proportion to the batches it has left in this pass:
                   every row once a pass (the thesis, after Woerner et al. 2024)
    "mixed"        a batch holds rows of all domains in random order: every row once a pass when alpha is 1
    "temperature"  a batch holds one domain, drawn with probability n^alpha / sum; small domains come round
                   more than once a pass, large ones not wholly
    "sequential"   one domain a pass: the first for `epochs` passes, then the second, and so on
    =============  =====================================================================================

    Attributes:
        counts: rows of each domain.
        kind: one of the four.
        batch_size: rows in a batch, over all processes together.
        seed: 0 or larger.
        alpha: 1 draws domains by size, 0 all alike; None is 1 for "mixed" and 0.5 for "temperature".
        epochs: passes over each domain; only "sequential" asks for it.
        world: processes that share each batch.
    """

    counts: tuple[int, ...]
    kind: str
    batch_size: int
    seed: int
    alpha: float | None = None
    epochs: int = 1
    world: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownNameError(
                f"No sampling '{self.kind}'.", nearest(self.kind, KINDS, "ways of sampling"), name=self.kind
            )
        if self.batch_size < 2 * self.world or min(self.counts, default=0) < 2 * self.world:
            raise SettingsError(
                f"{self.world} processes cannot share batches of {self.batch_size} rows from domains of "
                f"{min(self.counts, default=0)} rows or more.",
                f"Every batch and every domain needs at least {2 * self.world} rows.",
                batch_size=self.batch_size,
            )
        if self.alpha is not None and (self.kind not in ("mixed", "temperature") or not 0 <= self.alpha <= 1):
            raise SettingsError(
                f"alpha is {self.alpha} with sampling='{self.kind}'.",
                'Give 0 to 1, with "mixed" or "temperature" only.',
                alpha=self.alpha,
            )

    @property
    def passes(self) -> int:
        """Passes that make `epochs` over every domain."""
        return self.epochs * (len(self.counts) if self.kind == "sequential" else 1)

    @property
    def batches_of(self) -> tuple[int, ...]:
        """Batches of each domain in a pass over it."""
        return tuple(len(self._cuts(count)) + 1 for count in self.counts)

    @property
    def chances(self) -> NDArray[np.float64]:
        """Share of each domain among the rows of "mixed", or among the batches of "temperature": [D]."""
        alpha = self.alpha if self.alpha is not None else (0.5 if self.kind == "temperature" else 1.0)
        sizes = np.asarray(self.counts, dtype=float) ** alpha
        return sizes / sizes.sum()

    def length(self, number: int) -> int:
        """Batches in pass `number`."""
        if self.kind == "sequential":
            return self.batches_of[number // self.epochs]
        if self.kind == "mixed":
            return len(self._cuts(int(self.rows_of(number).sum()))) + 1
        return sum(self.batches_of)

    def rows_of(self, number: int) -> Whole:
        """Rows of each domain in pass `number`, for "temperature" their expectation: int64 [D]."""
        counts = np.asarray(self.counts)
        if self.kind == "sequential":
            return np.where(np.arange(len(counts)) == number // self.epochs, counts, 0)
        if self.kind == "mixed" and self.alpha not in (None, 1):
            return np.maximum(np.rint(counts.sum() * self.chances), 1).astype(int)
        if self.kind == "temperature":
            return np.rint(self.length(number) * self.chances * self.batch_size).astype(int)
        return counts

    def batches(self, number: int) -> list[Batch]:
        """The batches of pass `number`, in order."""
        rng = np.random.default_rng([self.seed, number])
        if self.kind == "mixed":
            return self._mixed(number, rng)
        if self.kind == "sequential":
            order = np.repeat(number // self.epochs, self.length(number))
        elif self.kind == "temperature":
            order = rng.choice(len(self.counts), self.length(number), p=self.chances)
        else:
            # A random order of all batches is what drawing them one by one gives: see `drawn_one_by_one`.
            order = rng.permutation(np.repeat(np.arange(len(self.counts)), self.batches_of))
        needed = np.bincount(order, minlength=len(self.counts))
        waiting = [
            iter(self._of_one(domain, int(often), rng) if often else [])
            for domain, often in enumerate(needed)
        ]
        return [next(waiting[domain]) for domain in order]

    def _of_one(self, domain: int, often: int, rng: np.random.Generator) -> list[Batch]:
        """`often` batches of one domain; it is shuffled anew each time it has been gone through."""
        found: list[Whole] = []
        while len(found) < often:
            order = rng.permutation(self.counts[domain])
            found += np.split(order, self._cuts(len(order)))
        return [Batch(np.full(len(rows), domain), rows) for rows in found[:often]]

    def _mixed(self, number: int, rng: np.random.Generator) -> list[Batch]:
        quotas = self.rows_of(number)
        rows = np.concatenate(
            [_going_round(count, quota, rng) for count, quota in zip(self.counts, quotas, strict=True)]
        )
        domains = np.repeat(np.arange(len(self.counts)), quotas)
        order = rng.permutation(len(rows))
        parts = np.split(order, self._cuts(len(order)))
        # Sorted row numbers keep the rows of a domain side by side.
        return [Batch(domains[part], rows[part]) for part in map(np.sort, parts)]

    def _cuts(self, rows: int) -> list[int]:
        """Where `rows` shuffled rows are cut; too few rows for a batch join the one before."""
        cuts = list(range(self.batch_size, rows, self.batch_size))
        last = rows - cuts[-1] if cuts else rows
        return cuts[:-1] if cuts and last < 2 * self.world else cuts


def drawn_one_by_one(left: Sequence[int], rng: np.random.Generator) -> list[int]:
    """The domain of each batch of a pass, as the thesis draws it: definition of "homogeneous", to be read.

    Args:
        left: batches of each domain.
    """
    waiting = np.array(left)
    found = []
    while waiting.sum():
        domain = int(rng.choice(len(waiting), p=waiting / waiting.sum()))
        waiting[domain] -= 1
        found.append(domain)
    return found


def _going_round(count: int, quota: int, rng: np.random.Generator) -> Whole:
    """`quota` of `count` rows; none twice before all have been drawn."""
    rounds = [rng.permutation(count) for _ in range(-(-quota // count))]
    return np.concatenate(rounds)[:quota]
