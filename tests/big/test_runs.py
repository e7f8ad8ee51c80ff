"""Spread over runs, and what the thesis that began the benchmark printed in its place."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from teachkit import big
from teachkit.errors import SettingsError, UnfairComparisonError

SETS, RUNS = 12, 3


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[np.ndarray], list[big.BigScore]]:
    """`runs(values)` gives a score a row of `values` ``[runs, sets]``, all metrics of a set the same."""
    members = tuple(big.Member(f"s{k}", f"S{k}", "binary", ("a", "b"), 4) for k in range(SETS))
    suite = big.Suite("twelve", "1", members)
    names = ("auc", "balacc", "kappa", "acc", "calibration_error")

    def make(values: np.ndarray) -> list[big.BigScore]:
        return [
            big.BigScore(
                f"run{index}.csv",
                suite,
                28,
                {
                    member.name: dict.fromkeys(names, float(value))
                    for member, value in zip(suite, row, strict=True)
                },
                dict.fromkeys(names, float(row.mean())),
                (),
            )
            for index, row in enumerate(values)
        ]

    return make


def printed(values: np.ndarray) -> float:
    """The ± of the thesis' table 6, as its code computes it: the mean over sets of their standard deviation
    over seeds, which numpy divides by the number of seeds."""
    return float(values.std(axis=0, ddof=0).mean())


def test_the_interval_is_scipys_over_the_means_of_runs(runs: Callable[..., list[big.BigScore]]) -> None:
    values = np.random.default_rng(0).uniform(0.6, 0.9, size=(5, SETS))
    found = big.over_runs(runs(values))["auc"]
    means = values.mean(axis=1)
    low, high = stats.t.interval(0.95, 4, means.mean(), stats.sem(means))
    assert found == pytest.approx((means.mean(), low, high))


def test_the_published_plus_minus_cannot_tell_a_steady_mean_from_a_moving_one(
    runs: Callable[..., list[big.BigScore]],
) -> None:
    """Two recipes with one and the same ± in print. The mean of one never moves, that of the other does."""
    step = np.array([-0.01, 0.0, 0.01])[:, None]
    against = 0.7 + step * np.where(np.arange(SETS) % 2, 1, -1)
    together = 0.7 + step * np.ones(SETS)
    assert printed(against) == pytest.approx(printed(together)) == pytest.approx(0.00816, abs=1e-5)
    steady, moving = (big.over_runs(runs(values))["auc"] for values in (against, together))
    assert steady.high - steady.low == pytest.approx(0, abs=1e-12)
    assert moving.high - moving.low == pytest.approx(2 * 4.303 * 0.01 / 3**0.5, rel=1e-3)


def test_with_three_seeds_the_published_plus_minus_is_too_small_where_sets_move_together() -> None:
    """Dividing by three and not by two takes away a fifth: sqrt(2/3)."""
    together = 0.7 + np.array([-0.01, 0.0, 0.01])[:, None] * np.ones(SETS)
    assert printed(together) / together.mean(axis=1).std(ddof=1) == pytest.approx((2 / 3) ** 0.5)


def test_where_sets_move_alone_the_published_plus_minus_is_two_and_a_half_times_too_large() -> None:
    values = np.random.default_rng(0).normal(0.7, 0.01, size=(4000, RUNS, SETS))
    told = np.mean([printed(one) for one in values])
    true = values.mean(axis=2).std(ddof=1)
    assert told / true == pytest.approx(2.5, abs=0.05)


def test_one_run_unlike_runs_and_runs_without_a_mean_are_refused(
    runs: Callable[..., list[big.BigScore]],
) -> None:
    first, second = runs(np.full((2, SETS), 0.7))
    with pytest.raises(SettingsError, match="1 run has no spread"):
        big.over_runs([first])
    with pytest.raises(UnfairComparisonError, match="different suites or sizes"):
        big.over_runs([first, replace(second, size=64)])
    with pytest.raises(SettingsError, match=r"No mean, so no rank .*1 of 12 sets missing: s3"):
        big.over_runs([first, replace(second, missing=("s3",), mean=dict.fromkeys(second.mean, np.nan))])
