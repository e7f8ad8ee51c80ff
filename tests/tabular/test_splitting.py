"""Random splits: as many errors as splits, fresh models, and the published numbers."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit

from teachkit import tabular
from teachkit.errors import FormatError, SettingsError

SIZES = ("radius", "perimeter", "area")


class Remembering(RegressorMixin, BaseEstimator):
    """Answers with how often it was fitted, and notes on which rows."""

    def __init__(self, log=None):
        self.log = log

    def fit(self, x, y):
        self.times_ = getattr(self, "times_", 0) + 1
        return self

    def predict(self, x):
        return np.full(len(x), float(self.times_))


def test_errors_equal_scikit_learns_split_by_split(toy):
    x, y = toy
    y = y + np.random.default_rng(1).normal(size=60)
    found = tabular.repeat_splits({"linear": LinearRegression()}, x, y, repeats=4, test_share=0.25, seed=5)
    expected = []
    for train, test in ShuffleSplit(4, test_size=15, random_state=5).split(x):
        guess = LinearRegression().fit(x.iloc[train], y[train]).predict(x.iloc[test])
        expected.append([f(y[test], guess) for f in (mean_absolute_error, root_mean_squared_error, r2_score)])
    for metric, column in zip(("mae", "rmse", "r2"), np.transpose(expected), strict=True):
        assert found.values("linear", metric) == pytest.approx(column.tolist())


def test_there_are_as_many_errors_as_splits(toy):
    found = tabular.repeat_splits(tabular.models(epochs=2), *toy, repeats=3)
    assert len(found) == 3
    for model in tabular.models():
        assert len(found.values(model, "rmse")) == 3


def test_every_split_gets_a_fresh_model(toy):
    """A model that is fitted twice answers 2, and its errors would differ by 1."""
    x, _ = toy
    model = Remembering()
    found = tabular.repeat_splits({"one": model}, x, np.zeros(60), repeats=5)
    assert found.values("one", "mae") == [1.0] * 5
    assert not hasattr(model, "times_")


def test_all_models_see_the_same_splits(toy):
    pair = {"first": LinearRegression(), "second": LinearRegression()}
    found = tabular.repeat_splits(pair, *toy, repeats=3)
    assert found.values("first") == found.values("second")


def test_two_workers_find_the_same(toy):
    models = {name: tabular.models()[name] for name in ("linear", "tree")}
    with parallel_config(backend="threading"):  # processes would take longer to start than to work
        one, two = (tabular.repeat_splits(models, *toy, repeats=3, jobs=jobs) for jobs in (1, 2))
    assert one.errors.equals(two.errors)


def test_linear_regression_errs_by_a_twentieth_of_a_micrometre_with_all_columns(wisconsin):
    """0.0445 µm over 100 splits."""
    found = tabular.repeat_splits({"linear": LinearRegression()}, *wisconsin)
    assert len(found) == 100
    assert found.interval("linear").value == pytest.approx(0.0445, abs=0.01)
    assert (found.train_rows, found.test_rows) == (379, 190)


def test_without_size_columns_the_error_is_twenty_times_larger(wisconsin):
    """0.875 µm, against 2.75 µm of always answering with the mean."""
    x, y = wisconsin
    rest = x[[name for name in x if not name.startswith(SIZES)]]
    models = {name: tabular.models()[name] for name in ("linear", "mean")}
    found = tabular.repeat_splits(models, rest, y)
    assert found.interval("linear").value == pytest.approx(0.875, abs=0.1)
    assert found.interval("mean").value == pytest.approx(2.75, abs=0.05)


def test_the_networks_beat_the_mean_in_micrometres(wisconsin):
    models = {name: tabular.models()[name] for name in ("torch linear", "torch MLP")}
    found = tabular.repeat_splits(models, *wisconsin, repeats=2)
    for name in models:
        assert 0.03 < found.interval(name).value < 0.3


def test_thirty_columns_are_offered_and_diagnosis_is_one_of_them(wisconsin):
    x, y = wisconsin
    assert x.shape == (569, 30)
    assert set(x["diagnosis"]) == {0, 1}
    assert x["diagnosis"].sum() == 212
    assert (y.min(), y.max()) == pytest.approx((6.981, 28.11))


def test_x_and_y_of_different_length_are_refused(toy):
    x, y = toy
    with pytest.raises(FormatError, match="60 rows, y has 59"):
        tabular.repeat_splits(tabular.models(), x, y[1:])


@pytest.mark.parametrize("share", [0, 1, 0.01, 0.999])
def test_a_split_without_rows_on_one_side_is_refused(toy, share):
    with pytest.raises(SettingsError, match="test share"):
        tabular.repeat_splits({"linear": LinearRegression()}, *toy, test_share=share)


@pytest.mark.parametrize(("models", "repeats"), [({}, 3), ({"linear": LinearRegression()}, 0)])
def test_nothing_to_do_is_an_error(toy, models, repeats):
    with pytest.raises(SettingsError, match="nothing to do"):
        tabular.repeat_splits(models, *toy, repeats=repeats)


def test_a_target_that_is_not_finite_is_refused(toy):
    x, y = toy
    y[4] = np.nan
    with pytest.raises(FormatError, match=r"nan at position \[4\]"):
        tabular.repeat_splits({"linear": LinearRegression()}, x, y)
