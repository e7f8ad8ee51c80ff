"""Which rows a step sees."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare

from teachkit.errors import SettingsError, UnknownNameError
from teachkit.mmpt.plan import weights_of_domains
from teachkit.mmpt.sampling import KINDS, Sampler, drawn_one_by_one

COUNTS = (70, 20, 130)


def rows_of_a_pass(sampler: Sampler, number: int = 0) -> list[tuple[int, int]]:
    batches = sampler.batches(number)
    return [pair for b in batches for pair in zip(b.domains.tolist(), b.rows.tolist(), strict=True)]


@pytest.mark.parametrize("kind", ["homogeneous", "mixed"])
@pytest.mark.parametrize("world", [1, 3])
def test_every_row_comes_exactly_once_in_a_pass(kind: str, world: int):
    found = rows_of_a_pass(Sampler(COUNTS, kind, 16, seed=3, world=world), number=5)
    assert sorted(found) == [(d, row) for d, count in enumerate(COUNTS) for row in range(count)]


@pytest.mark.parametrize("kind", ["homogeneous", "temperature", "sequential"])
def test_a_batch_holds_one_domain_and_so_does_every_part_of_it(kind: str):
    for batch in Sampler(COUNTS, kind, 16, seed=0, world=2).batches(0):
        assert len(batch.present) == 1
        parts = [batch.part(rank, 2) for rank in (0, 1)]
        assert [part.present for part in parts] == [batch.present] * 2
        assert sorted(np.concatenate([part.rows for part in parts])) == sorted(batch.rows)


def test_a_mixed_batch_holds_the_rows_of_a_domain_side_by_side():
    for batch in Sampler(COUNTS, "mixed", 32, seed=0).batches(0):
        assert np.all(np.diff(batch.domains) >= 0)
        routed = dict(batch.by_domain(range(3)))
        assert sum(map(len, routed.values())) == len(batch)
        for domain, rows in routed.items():
            assert np.array_equal(rows, batch.rows[batch.domains == domain])


@pytest.mark.parametrize("kind", KINDS)
def test_a_pass_follows_from_seed_and_number_alone(kind: str):
    one, same, other = (Sampler(COUNTS, kind, 16, seed=seed) for seed in (1, 1, 2))
    same.batches(0)
    assert rows_of_a_pass(one) == rows_of_a_pass(same)
    assert rows_of_a_pass(one) != rows_of_a_pass(other)


@pytest.mark.parametrize(
    ("kind", "alpha"), [*((kind, None) for kind in KINDS), ("mixed", 0.3), ("temperature", 0.3)]
)
def test_a_pass_has_the_length_that_was_promised(kind: str, alpha: float | None):
    sampler = Sampler(COUNTS, kind, 16, seed=0, alpha=alpha, epochs=2)
    for number in range(sampler.passes):
        batches = sampler.batches(number)
        assert len(batches) == sampler.length(number)
        if kind != "temperature":
            rows = np.bincount(np.concatenate([b.domains for b in batches]), minlength=3)
            assert np.array_equal(rows, sampler.rows_of(number))


def test_drawing_by_batches_left_is_a_random_order_of_all_batches():
    left, rng = (5, 1, 3), np.random.default_rng(0)
    fast = Sampler(tuple(16 * n for n in left), "homogeneous", 16, seed=0)
    places = [0, 4, 8]
    ours, theirs = np.zeros((3, 3), int), np.zeros((3, 3), int)
    for number in range(3000):
        order = [b.present[0] for b in fast.batches(number)]
        slow = drawn_one_by_one(left, rng)
        for i, place in enumerate(places):
            ours[i, order[place]] += 1
            theirs[i, slow[place]] += 1
    for i in range(len(places)):
        assert chi2_contingency([ours[i], theirs[i]]).pvalue > 1e-3
        assert chisquare(ours[i], 3000 * np.array(left) / sum(left)).pvalue > 1e-3


@pytest.mark.parametrize(("alpha", "shares"), [(1.0, (70, 20, 130)), (0.5, None), (0.0, (1, 1, 1))])
def test_temperature_draws_domains_by_a_power_of_their_size(alpha: float, shares: tuple[int, ...] | None):
    sampler = Sampler(COUNTS, "temperature", 16, seed=0, alpha=alpha)
    expected = np.array(shares if shares else np.sqrt(COUNTS), dtype=float)
    assert sampler.chances == pytest.approx(expected / expected.sum())
    drawn = np.bincount([b.present[0] for p in range(300) for b in sampler.batches(p)], minlength=3)
    assert chisquare(drawn, drawn.sum() * sampler.chances).pvalue > 1e-3


def test_a_small_domain_that_comes_round_twice_is_gone_through_before_any_row_comes_again():
    sampler = Sampler((400, 32), "temperature", 16, seed=0, alpha=0.0)
    rows = [b.rows for b in sampler.batches(0) if b.present == [1]]
    assert len(rows) > 4
    assert sorted(np.concatenate(rows[:2])) == list(range(32))
    assert sorted(np.concatenate(rows[2:4])) == list(range(32))


def test_sequential_passes_show_one_domain_after_the_other():
    sampler = Sampler(COUNTS, "sequential", 16, seed=0, epochs=2)
    assert [{d for b in sampler.batches(p) for d in b.present} for p in range(sampler.passes)] == [
        {0}, {0}, {1}, {1}, {2}, {2}
    ]  # fmt: skip


def test_a_last_batch_that_processes_cannot_share_joins_the_one_before():
    lengths = [len(b) for b in Sampler((33, 40), "sequential", 16, seed=0, world=2).batches(0)]
    assert lengths == [16, 17]


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "mixed", "alpha": 2.0},
        {"kind": "homogeneous", "alpha": 0.5},
        {"kind": "mixed", "batch_size": 1},
        {"kind": "mixed", "world": 20},
    ],
)
def test_settings_without_sense_are_refused(given):
    with pytest.raises(SettingsError):
        Sampler(**{"counts": COUNTS, "batch_size": 16, "seed": 0, **given})


def test_an_unknown_way_of_sampling_is_named():
    with pytest.raises(UnknownNameError, match="homogeneous"):
        Sampler(COUNTS, "homogenous", 16, seed=0)


# Training rows of the twelve sets, and weights computed from the batches of 64 that the thesis' code counts.
ROWS = {
    "path": 89996, "chest": 78468, "derma": 7007, "oct": 97477, "pneumonia": 4708, "retina": 1080,
    "breast": 546, "blood": 11959, "tissue": 165466, "organa": 34561, "organc": 12975, "organs": 13932,
}  # fmt: skip
WEIGHTS = {
    "path": 0.0064, "chest": 0.0073, "derma": 0.0818, "oct": 0.0059, "pneumonia": 0.1216, "retina": 0.5294,
    "breast": 1, "blood": 0.0481, "tissue": 0.0035, "organa": 0.017, "organc": 0.044, "organs": 0.041,
}  # fmt: skip
FIRST_DRAW = {"path": 0.1736, "chest": 0.1514, "tissue": 0.3191, "retina": 0.0021, "breast": 0.0011}


def test_twelve_sets_have_the_weights_and_chances_of_the_thesis():
    sampler = Sampler(tuple(ROWS.values()), "homogeneous", 64, seed=0)
    batches = sampler.batches_of
    # The last picture of OrganAMNIST joins the batch before it: BatchNorm learns little from one picture.
    assert sum(batches) == 8103 - 1
    found = weights_of_domains("thesis", list(ROWS), sampler.counts, batches)
    assert dict(zip(ROWS, found, strict=True)) == pytest.approx(WEIGHTS, abs=5e-4)
    chances = dict(zip(ROWS, np.array(batches) / sum(batches), strict=True))
    assert {name: chances[name] for name in FIRST_DRAW} == pytest.approx(FIRST_DRAW, abs=1e-4)
