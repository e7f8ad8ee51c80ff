"""Oracle: mapie's split conformal regression, and simulations of the promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.regression import SplitConformalRegressor
from scipy import stats
from sklearn.linear_model import LinearRegression

from teachkit import metrics
from teachkit.errors import FormatError, SettingsError


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("rows", [40, 57])
def test_the_margin_equals_mapies(coverage, rows):
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(rows, 2))
    y = x[:, 0] + rng.gamma(2, 1, rows)
    model = LinearRegression().fit(x[:20], y[:20])
    oracle = SplitConformalRegressor(model, confidence_level=coverage, prefit=True).conformalize(
        x[20:], y[20:]
    )
    _, limits = oracle.predict_interval(x[:1])
    margin = metrics.conformal_margin(y[20:] - model.predict(x[20:]), coverage)
    assert margin == pytest.approx((limits[0, 1, 0] - limits[0, 0, 0]) / 2)


def test_new_rows_fall_inside_as_often_as_promised():
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(2000):
        residuals = rng.standard_cauchy(30)  # heavy tails: the promise needs no bell curve
        margin = metrics.conformal_margin(residuals[:-1], 0.8)
        shares.append(abs(residuals[-1]) <= margin)
    assert np.mean(shares) == pytest.approx(0.8, abs=0.03)  # 24/30 exactly, three standard errors


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    st.sampled_from([0.1, 0.5, 0.75, 0.9, 0.99]),
)
def test_the_margin_is_the_smallest_that_holds_enough_calibration_rows(residuals, coverage):
    margin = metrics.conformal_margin(residuals, coverage)
    distances, wanted = np.abs(residuals), (len(residuals) + 1) * coverage
    if np.isinf(margin):
        assert wanted > len(residuals)
        return
    assert (distances <= margin).sum() >= wanted - 1e-6
    assert (distances < margin).sum() < wanted


def test_nine_rows_are_the_fewest_for_ninety_percent():
    assert metrics.conformal_margin(np.arange(9), 0.9) == 8
    assert metrics.conformal_margin(np.arange(8), 0.9) == float("inf")


def test_a_rounding_error_does_not_ask_for_one_row_more():
    """(9 + 1) * 0.7 is 7.000000000000001 in floating point for some shares; place 7 is meant."""
    assert metrics.conformal_margin(np.arange(1, 10), 0.7) == 7


@pytest.mark.parametrize("coverage", [0, 1, 90])
def test_a_coverage_that_is_no_share_is_refused(coverage):
    with pytest.raises(SettingsError, match="coverage"):
        metrics.conformal_margin([1.0], coverage)


def test_broken_residuals_are_refused():
    with pytest.raises(FormatError, match="nan at position"):
        metrics.conformal_margin([1.0, np.nan])


def test_coverage_counts_the_limits_as_inside_and_has_scipys_wilson_interval():
    found = metrics.interval_coverage([1, 2, 3, 4, 9], [1, 3, 1, 4, 4], margin=2)
    oracle = stats.binomtest(4, 5).proportion_ci(method="wilson")
    assert found == pytest.approx((0.8, oracle.low, oracle.high))


@pytest.mark.parametrize("hits", [0, 12])
def test_limits_stay_within_shares(hits):
    truth = [0.0] * hits + [9.0] * (12 - hits)
    value, low, high = metrics.interval_coverage(truth, [0.0] * 12, margin=1)
    assert 0 <= low <= value <= high <= 1


def test_groups_are_counted_on_their_own():
    found = metrics.interval_coverage(
        [1, 2, 3, 9], [1, 2, 3, 3], margin=1, groups=["small", "small", "large", "large"]
    )
    assert {name: share.value for name, share in found.items()} == {"small": 1.0, "large": 0.5}


def test_ninety_percent_overall_need_not_be_ninety_percent_in_a_group():
    """Errors that grow with the label: the promise holds on average, and fails for the large ones."""
    rng = np.random.default_rng(0)
    labels = rng.uniform(1, 10, 4000)
    predictions = labels + rng.normal(0, labels / 5)
    margin = metrics.conformal_margin((labels - predictions)[:2000])
    groups = np.where(labels[2000:] > 8, "large", "other")
    whole = metrics.interval_coverage(labels[2000:], predictions[2000:], margin)
    by_size = metrics.interval_coverage(labels[2000:], predictions[2000:], margin, groups)
    assert whole.low < 0.9 < whole.high
    assert by_size["large"].high < 0.85
    assert by_size["other"].low > 0.9


def test_no_rows_have_no_coverage():
    assert np.isnan(metrics.interval_coverage([], [], margin=1).value)


def test_every_row_needs_a_group():
    with pytest.raises(FormatError, match="2 and 1"):
        metrics.interval_coverage([1, 2], [1, 2], 1, groups=["a"])
