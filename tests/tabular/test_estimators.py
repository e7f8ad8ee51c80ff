"""The pipelines: what is fitted where, and in which unit they answer."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LinearRegression

from teachkit import tabular
from teachkit.errors import SettingsError

NAMES = ["mean", "linear", "tree", "forest", "torch linear", "torch MLP"]


def test_there_are_six_unfitted_models_by_the_names_to_print():
    found = tabular.models()
    assert list(found) == NAMES
    assert not any(hasattr(model.named_steps["model"], "n_features_in_") for model in found.values())


@pytest.mark.parametrize("name", NAMES)
def test_predictions_follow_the_unit_of_y(name, toy):
    """A target times 1,024 gives predictions times 1,024: nobody answers in units of its own."""
    x, y = toy
    small, large = (tabular.models(epochs=30)[name].fit(x, target) for target in (y, 1024 * y))
    np.testing.assert_allclose(large.predict(x), 1024 * small.predict(x), rtol=1e-4)


@pytest.mark.parametrize("name", ["torch linear", "torch MLP"])
def test_a_fit_depends_on_its_seed_alone(name, toy):
    x, y = toy
    torch.manual_seed(1)
    first = tabular.models(seed=3, epochs=20)[name].fit(x, y).predict(x)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    again = tabular.models(seed=3, epochs=20)[name].fit(x, y).predict(x)
    other = tabular.models(seed=4, epochs=20)[name].fit(x, y).predict(x)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    assert torch.equal(torch.get_rng_state(), before)  # whoever trains beside it is left alone


@pytest.mark.parametrize("name", ["torch linear", "torch MLP"])
def test_fitting_twice_starts_from_fresh_weights(name, toy):
    x, y = toy
    model = tabular.models(epochs=20)[name]
    once = model.fit(x, y).predict(x)
    np.testing.assert_array_equal(model.fit(x, y).predict(x), once)


def test_the_torch_line_finds_the_line_that_least_squares_finds(toy):
    x, y = toy
    network = tabular.models()["torch linear"].fit(x, y)
    np.testing.assert_allclose(network.predict(x), LinearRegression().fit(x, y).predict(x), atol=0.01)


def test_columns_are_chosen_on_the_rows_of_the_fit_alone(wisconsin):
    x, y = wisconsin
    rows = np.arange(60)  # few enough to choose other columns than all rows would
    chosen = tabular.models(select=5)["linear"].fit(x.iloc[rows], y[rows]).named_steps["select"]
    alone = SelectKBest(f_regression, k=5).fit(x.iloc[rows], y[rows])
    np.testing.assert_array_equal(chosen.get_support(), alone.get_support())


def test_the_five_best_columns_of_the_table_are_all_sizes(wisconsin):
    x, y = wisconsin
    chosen = tabular.models(select=5)["linear"].fit(x, y).named_steps["select"].get_feature_names_out()
    assert set(chosen) == {"perimeter_mean", "area_mean", "radius_worst", "perimeter_worst", "area_worst"}


def test_scales_of_inputs_and_target_come_from_the_rows_of_the_fit(wisconsin):
    x, y = wisconsin
    model = tabular.models(epochs=1)["torch linear"].fit(x[:100], y[:100])
    np.testing.assert_allclose(model.named_steps["scale"].mean_, x[:100].mean())
    assert model.named_steps["model"].transformer_.mean_[0] == pytest.approx(y[:100].mean())


def test_a_clone_of_a_fitted_model_knows_nothing(toy):
    x, y = toy
    fitted = tabular.models(epochs=5)["torch MLP"].fit(x, y)
    assert not hasattr(clone(fitted).named_steps["model"], "regressor_")


@pytest.mark.parametrize("wrong", [{"select": 0}, {"epochs": 0}])
def test_settings_that_leave_nothing_are_refused(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        tabular.models(**wrong)
