"""What is printed is what is computed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teachkit import metrics, tabular
from teachkit.errors import FormatError, UnknownNameError

FAST = {
    "MAE": metrics.mean_absolute_error,
    "MSE": lambda y, p: metrics.root_mean_squared_error(y, p) ** 2,
    "RMSE": metrics.root_mean_squared_error,
    "R2": metrics.r_squared,
}
PAIRS = st.integers(2, 12).flatmap(
    lambda n: st.tuples(*[arrays(np.float64, n, elements=st.floats(-100, 100, width=32))] * 2)
)


@pytest.mark.parametrize("name", FAST)
@settings(max_examples=25)
@given(pair=PAIRS)
def test_the_printed_formula_equals_the_fast_function(name, pair):
    labels, predictions = pair
    expected = FAST[name](labels, predictions)
    if np.var(labels) < 1e-6 and name == "R2":
        return  # a division by almost nothing
    assert tabular.formula(name).value(labels, predictions) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_only_squared_errors_print_a_square():
    assert "^{2}" not in tabular.formula("MAE").latex
    for name in ("MSE", "RMSE", "R2"):
        assert "^{2}" in tabular.formula(name).latex


@pytest.mark.parametrize("name", FAST)
def test_sums_run_from_one_to_n(name):
    latex = tabular.formula(name).latex
    assert r"\sum_{i=1}^{n}" in latex
    assert "i=0" not in latex


def test_a_formula_shows_itself_as_one_line_of_latex():
    text = tabular.formula("RMSE")._repr_latex_()
    assert text == (
        r"$\displaystyle \mathrm{RMSE} = "
        r"\sqrt{\frac{\sum_{i=1}^{n} \left({\hat{y}}_{i} - {y}_{i}\right)^{2}}{n}}$"
    )


def test_r2_says_what_the_mean_is():
    assert r"\bar{y} = \frac{\sum_{i=1}^{n} {y}_{i}}{n}" in tabular.formula("R2").latex


def test_no_rows_and_equal_labels_are_undefined():
    assert np.isnan(tabular.formula("MAE").value([], []))
    assert np.isnan(tabular.formula("R2").value([2, 2], [1, 3]))


def test_lengths_must_agree():
    with pytest.raises(FormatError, match="2 and 3"):
        tabular.formula("MAE").value([1, 2], [1, 2, 3])


def test_an_unknown_error_is_told():
    with pytest.raises(UnknownNameError, match="MAE"):
        tabular.formula("mae2")
