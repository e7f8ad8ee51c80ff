"""The bootstrap by weights against its definition: draw rows, measure anew."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from teachkit import big, metrics
from teachkit.big.resampling import RESAMPLED, draws, resample, resample_by_definition

Make = Callable[..., tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]
CLASSES = {"binary": 2, "multi-class": 4, "ordinal": 3, "multi-label": 3}


@pytest.fixture(params=list(CLASSES))
def member(request: pytest.FixtureRequest) -> big.Member:
    return big.Member("x", "X", request.param, tuple("abcd"[: CLASSES[request.param]]), 37)


@pytest.mark.parametrize("tied", [False, True])
def test_weights_give_what_drawn_rows_give(member: big.Member, tied: bool, make: Make) -> None:
    truth, made = make(big.Suite("one", "1", (member,)))
    p = np.round(made["x"], 1) if tied else made["x"]
    fast = resample(member, truth["x"], p, 25, (3, 0))
    slow = resample_by_definition(member, truth["x"], p, 25, (3, 0))
    for name in RESAMPLED:
        np.testing.assert_allclose(fast[name], slow[name], atol=1e-12, rtol=0)


def test_draws_without_a_class_are_nan_in_both(make: Make) -> None:
    member = big.Member("x", "X", "binary", ("a", "b"), 4)
    truth, p = np.array([1, 0, 0, 0]), np.array([[0.2, 0.8], [0.5, 0.5], [0.1, 0.9], [1, 0]])
    fast = resample(member, truth, p, 60, (0, 0))
    slow = resample_by_definition(member, truth, p, 60, (0, 0))
    assert 0 < np.isnan(fast["auc"]).sum() < 60
    for name in RESAMPLED:
        np.testing.assert_allclose(fast[name], slow[name], atol=1e-12, rtol=0)


def test_every_draw_has_as_many_rows_as_the_set() -> None:
    drawn = draws(50, 20, (1, 2))
    assert drawn.shape == (50, 20)
    assert 0 <= drawn.min() <= drawn.max() < 20


def test_intervals_are_percentiles_of_the_draws(tmp_path: Path, suite: big.Suite, make: Make) -> None:
    truth, made = make(suite)
    path = big.write_predictions(tmp_path / "mine.csv", made, suite=suite)
    found = big.score(path, suite=suite, truth=truth, bootstrap=200, seed=5)
    slow = resample_by_definition(suite["finds"], truth["finds"], made["finds"], 200, (5, 2))
    low, high = np.nanquantile(slow["acc"], [0.025, 0.975])
    assert found.intervals["finds"]["acc"] == pytest.approx((found.sets["finds"]["acc"], low, high))
    assert found.bootstrap == 200


def test_the_interval_of_the_mean_is_narrower_than_those_of_the_sets(tmp_path: Path, make: Make) -> None:
    members = tuple(big.Member(f"s{k}", "S", "binary", ("a", "b"), 60) for k in range(5))
    suite = big.Suite("five", "1", members)
    truth, made = make(suite)
    path = big.write_predictions(tmp_path / "mine.csv", made, suite=suite)
    found = big.score(path, suite=suite, truth=truth, bootstrap=200)
    widths = {
        where: scores["balacc"].high - scores["balacc"].low for where, scores in found.intervals.items()
    }
    assert widths.pop("mean") < min(widths.values())
    assert f"AUC {found.mean['auc']:.4f} [{found.intervals['mean']['auc'].low:.4f}" in found.sentence


def test_the_same_seed_gives_the_same_interval_and_sets_do_not_share_draws(
    tmp_path: Path, suite: big.Suite, make: Make
) -> None:
    truth, made = make(suite)
    path = big.write_predictions(tmp_path / "mine.csv", made, suite=suite)
    first, again, other = (
        big.score(path, suite=suite, truth=truth, bootstrap=20, seed=seed).intervals for seed in (1, 1, 2)
    )
    assert first == again or any(math.isnan(x) for scores in first.values() for x in scores["auc"])
    assert first["finds"]["acc"] != other["finds"]["acc"] or first["grades"] != other["grades"]


def test_an_entry_without_a_mean_has_no_interval_of_it(tmp_path: Path, suite: big.Suite, make: Make) -> None:
    truth, made = make(suite)
    path = big.write_predictions(tmp_path / "mine.csv", {"finds": made["finds"]}, suite=suite)
    found = big.score(path, suite=suite, truth=truth, bootstrap=10)
    assert set(found.intervals) == {"finds"}


def test_ninety_five_of_a_hundred_intervals_hold_the_true_accuracy() -> None:
    """A model that is right with chance 0.7: 95 % of intervals should cover it, 87 of 100 at the least."""
    rng = np.random.default_rng(0)
    member = big.Member("x", "X", "binary", ("a", "b"), 150)
    covered = 0
    for trial in range(100):
        truth = rng.integers(2, size=150)
        guess = np.where(rng.random(150) < 0.7, truth, 1 - truth)
        p = np.stack([1 - guess, guess], axis=1).astype(float)
        low, high = np.quantile(resample(member, truth, p, 80, (trial, 0))["acc"], [0.025, 0.975])
        covered += low <= 0.7 <= high
    assert covered >= 87
    assert metrics.accuracy(truth, guess) == pytest.approx(0.7, abs=0.15)
