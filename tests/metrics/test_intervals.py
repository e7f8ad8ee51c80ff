"""Oracle: scipy's t distribution, and simulations whose true value is known."""

import numpy as np
import pytest
from scipy import stats

from teachkit import metrics
from teachkit.errors import FormatError, SettingsError


def test_t_interval_equals_scipys() -> None:
    values = np.random.default_rng(0).normal(0.9, 0.02, 7)
    mean, low, high = metrics.t_interval(values, level=0.9)
    expected = stats.t.interval(0.9, df=6, loc=values.mean(), scale=stats.sem(values))
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(expected, rel=1e-12)


def test_t_interval_covers_the_truth_as_often_as_it_claims() -> None:
    rng = np.random.default_rng(1)
    hits = [
        low <= 5 <= high for _, low, high in (metrics.t_interval(rng.normal(5, 2, 4)) for _ in range(2000))
    ]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.015)  # three standard errors of 2,000 coin flips


def test_one_run_has_a_mean_and_no_limits() -> None:
    mean, low, high = metrics.t_interval([0.5])
    assert mean == 0.5
    assert np.isnan([low, high]).all()


def test_paired_difference_equals_the_paired_t_test() -> None:
    rng = np.random.default_rng(2)
    shared = rng.normal(0, 1, 6)
    a, b = shared + rng.normal(0.1, 0.05, 6), shared
    expected = stats.ttest_rel(a, b).confidence_interval()
    found = metrics.paired_difference(a, b)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-10)
    assert found.excludes_zero == (stats.ttest_rel(a, b).pvalue < 0.05)


def test_pairing_finds_what_separate_intervals_hide() -> None:
    shared = np.random.default_rng(3).normal(0, 1, 5)
    paired = metrics.paired_difference(shared + np.linspace(0.09, 0.12, 5), shared)
    assert paired.excludes_zero
    assert metrics.t_interval(shared).high > metrics.t_interval(shared + 0.1).low


def test_bootstrap_interval_agrees_with_the_known_spread_of_a_mean() -> None:
    values = np.random.default_rng(4).normal(0, 1, 400)
    value, low, high = metrics.bootstrap_interval(lambda x: float(np.mean(x)), values, resamples=4000)
    half = 1.96 * values.std() / np.sqrt(400)
    assert value == pytest.approx(values.mean())
    assert (low, high) == pytest.approx((value - half, value + half), abs=0.1 * half)


def test_bootstrap_resamples_labels_and_scores_together() -> None:
    labels = np.tile([0, 1], 50)
    assert metrics.bootstrap_interval(metrics.auc, labels, labels.astype(float), resamples=50) == (1, 1, 1)


def test_bootstrap_is_repeated_exactly_by_its_seed() -> None:
    values = np.random.default_rng(5).random(30)
    first, second, other = (
        metrics.bootstrap_interval(np.median, values, resamples=99, seed=seed) for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_draws_without_both_classes_are_left_out() -> None:
    one_positive_of_four = [0, 0, 0, 1]
    _, low, high = metrics.bootstrap_interval(metrics.auc, one_positive_of_four, [0.1, 0.2, 0.3, 0.9])
    assert (low, high) == (1.0, 1.0)


def test_an_interval_reads_well() -> None:
    assert str(metrics.Interval(0.91234, 0.9, 0.95)) == "0.912 [0.900, 0.950]"


def test_an_interval_without_limits_excludes_nothing() -> None:
    assert not metrics.t_interval([0.5]).excludes_zero


def test_nonsense_is_refused() -> None:
    with pytest.raises(SettingsError, match="level is 95"):
        metrics.t_interval([1.0, 2.0], level=95)
    with pytest.raises(FormatError, match="no values"):
        metrics.t_interval([])
    with pytest.raises(FormatError, match="differ in length: 2 and 3"):
        metrics.paired_difference([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(FormatError, match="no rows"):
        metrics.bootstrap_interval(np.mean, [])
