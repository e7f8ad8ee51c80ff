"""Numbers with bands: which files are refused, how a band is scored, and what the plain model knows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachkit import data
from teachkit.course.forecasts import (
    Forecasts,
    coverage,
    interval_score,
    plain_forecasts,
    read_forecasts,
    save_forecasts,
    without_size,
)
from teachkit.errors import FormatError, UnknownNameError

THREE = np.array([1.0, 2.0, 3.0])


@pytest.fixture
def saved(tmp_path):
    """`saved(values, low, high)`: the path of such a file."""
    return lambda *parts: save_forecasts(*parts, data="toy", path=tmp_path / "forecasts.npz")


def test_what_was_saved_is_read_back(saved):
    found = read_forecasts(saved(THREE, THREE - 1, [2, 3, 4]), rows=3)
    assert found.values.tolist() == [1, 2, 3]
    assert (found.low.tolist(), found.high.tolist()) == ([0, 1, 2], [2, 3, 4])
    assert found.data == "toy"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((THREE[:2], THREE[:2], THREE[:2]), "Give 3 numbers, one for each test row"),
        ((THREE, THREE[:2], THREE), "'low' is float64 of shape"),
        ((THREE[:, None], THREE, THREE), "'values' is float64 of shape"),
        (([1.0, np.nan, 3.0], THREE, THREE), "'values' is nan in row 1"),
        ((THREE, THREE, [1.0, 2.0, np.inf]), "'high' is inf in row 2"),
        ((THREE, [0.0, 2.5, 2.0], [2.0, 2.0, 4.0]), "The band of row 1 runs from 2.5 to 2"),
    ],
)
def test_files_that_fit_no_test_split_are_refused_with_key_and_row(saved, parts, said):
    with pytest.raises(FormatError, match=said):
        read_forecasts(saved(*parts), rows=3)


def test_an_absent_file_is_one_sentence(tmp_path):
    with pytest.raises(FormatError, match=r"There is no forecasts\.npz"):
        read_forecasts(tmp_path / "forecasts.npz", rows=3)


def test_columns_on_size_go_and_all_others_stay():
    names = ["radius_worst", "perimeter_mean", "area_se", "texture_mean", "areal_density", "diagnosis"]
    left = list(without_size(pd.DataFrame(columns=names)))
    assert left == ["texture_mean", "areal_density", "diagnosis"]


def test_twenty_two_columns_of_the_wisconsin_table_state_no_size(offline):
    assert without_size(data.load("wisconsin", "test").table).shape == (114, 22)


numbers = st.floats(-1e3, 1e3, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(numbers, numbers, st.floats(0, 100)), min_size=1, max_size=20))
def test_the_interval_score_is_the_pinball_loss_of_both_ends(rows):
    """Oracle: scikit-learn's pinball loss at the 5 % and 95 % quantiles, times 2 / 0.1."""
    from sklearn.metrics import mean_pinball_loss

    truth, middle, half = (np.array(column) for column in zip(*rows, strict=True))
    bands = Forecasts(middle, middle - half, middle + half, "toy")
    pinball = mean_pinball_loss(truth, bands.low, alpha=0.05) + mean_pinball_loss(
        truth, bands.high, alpha=0.95
    )
    assert interval_score(truth, bands) == pytest.approx(20 * pinball, rel=1e-9, abs=1e-9)


def test_truth_on_an_end_of_the_band_is_inside():
    bands = Forecasts(THREE, THREE - 1, THREE + 1, "toy")
    assert coverage([0.0, 3.0, 4.1], bands) == pytest.approx(2 / 3)


def test_the_plain_model_is_a_line_through_one_column_with_a_band_from_validation(offline):
    splits = [data.load("wisconsin", name) for name in ("train", "val", "test")]
    plain = plain_forecasts(*splits)
    x, y = splits[0].table["concave_points_mean"], splits[0].labels[:, 0]
    slope, start = np.polyfit(x, y, 1)
    assert np.allclose(plain.values, start + slope * splits[2].table["concave_points_mean"], atol=1e-4)
    assert np.ptp(plain.high - plain.low) < 1e-9
    on_val = plain_forecasts(splits[0], splits[1], splits[1])
    assert coverage(splits[1].labels, on_val) == pytest.approx(104 / 114)  # rank 104 = ceil(115 × 0.9)


def test_a_column_that_is_not_there_is_named(offline):
    rows = data.load("wisconsin", "test")
    with pytest.raises(UnknownNameError, match="No column 'radius'"):
        plain_forecasts(rows, rows, rows, column="radius")
