"""Conclusions from repeated splits; oracles: the formula of Nadeau and Bengio by scipy, and simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from teachkit import tabular
from teachkit.errors import UnknownNameError


@pytest.fixture
def repeats():
    rows = [
        (model, split, metric, value + shift)
        for model, shift in (("a", 0.0), ("b", 0.1))
        for split, value in enumerate([0.5, 0.7, 0.6])
        for metric in ("mae", "rmse", "r2")
    ]
    errors = pd.DataFrame(rows, columns=["model", "split", "metric", "value"])
    return tabular.Repeats(errors, train_rows=200, test_rows=100, unit="µm")


def test_the_interval_adds_the_ratio_of_test_to_training_rows_to_the_variance():
    values = np.random.default_rng(0).normal(1, 0.2, 10)
    mean, low, high = tabular.corrected_interval(values, 200, 100)
    error = values.std(ddof=1) * np.sqrt(1 / 10 + 1 / 2)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 9, values.mean(), error))


def test_more_splits_of_the_same_rows_do_not_make_the_interval_vanish():
    rng = np.random.default_rng(0)
    _, low, high = tabular.corrected_interval(rng.normal(0, 1, 10_000), 200, 100)
    assert high - low > 2 * 1.9 * np.sqrt(0.5)


def test_the_plain_interval_is_too_sure_and_the_corrected_one_is_not():
    """Error of the mean as a predictor, 30 rows of a normal variable: the truth is known by many draws."""
    rng = np.random.default_rng(0)
    truth = np.mean([np.abs(rng.normal(size=200) - rng.normal(size=20).mean()).mean() for _ in range(500)])
    plain = corrected = 0
    for _ in range(100):
        y = rng.normal(size=30)
        errors = []
        for _ in range(40):
            order = rng.permutation(30)
            errors.append(np.abs(y[order[20:]] - y[order[:20]].mean()).mean())
        _, low, high = tabular.corrected_interval(errors, 20, 10)
        corrected += low <= truth <= high
        half = stats.t.ppf(0.975, 39) * stats.sem(errors)
        plain += abs(np.mean(errors) - truth) <= half
    assert plain < 60
    assert corrected > 85


def test_one_split_has_no_limits(repeats):
    one = tabular.Repeats(repeats.errors[repeats.errors["split"] == 0], 200, 100, "µm")
    assert np.isnan(one.interval("a")[1:]).all()
    assert np.isnan(one.table.loc["a", ("mae", "sd")])


def test_differences_are_taken_split_by_split(repeats):
    value, low, high = repeats.difference("b", "a", "mae")
    assert (value, low, high) == pytest.approx((0.1, 0.1, 0.1))


def test_the_table_holds_mean_spread_and_limits_of_every_model(repeats):
    row = repeats.table.loc["a", "mae"]
    assert row["mean"] == pytest.approx(0.6)
    assert row["sd"] == pytest.approx(0.1)
    assert (row["low"], row["high"]) == pytest.approx(repeats.interval("a")[1:])


def test_the_summary_names_the_unit_where_there_is_one(repeats):
    assert list(repeats.summary.columns) == ["MAE (µm)", "RMSE (µm)", "R²"]
    assert repeats.summary.loc["a", "MAE (µm)"].startswith("0.6 ± 0.1 [")
    assert "3 random splits, 200 training and 100 test rows" in repeats._repr_html_()


def test_the_picture_tells_every_model_and_how_many_splits(repeats):
    picture = repeats.plot(title="Toy")
    assert picture.alt.startswith("Toy. MAE (µm): a median 0.6")
    assert "3 splits, 200 training and 100 test rows" in picture.alt
    assert picture.figure.axes[0].get_xlim()[0] == 0


def test_an_unknown_model_or_metric_is_told(repeats):
    with pytest.raises(UnknownNameError, match="Known models: a, b"):
        repeats.values("forest")
    with pytest.raises(UnknownNameError, match="'mae'"):
        repeats.values("a", "mea")


def test_a_list_of_models_keeps_its_order(toy):
    names = {"z": LinearRegression(), "a": LinearRegression()}
    assert tabular.repeat_splits(names, *toy, repeats=2).models == ["z", "a"]
