import numpy as np
import pytest

from teachkit import plots
from teachkit.errors import FormatError
from teachkit.metrics import Interval

VALUES = {"line": [0.1, 0.2, 0.3], "forest": [1.0, 2.0, 4.0]}


def test_the_box_stands_at_the_median_and_the_alt_text_tells_the_quartiles():
    picture = plots.boxes(VALUES, label="MAE (µm)", title="Toy", note="3 splits")
    medians = [line for line in picture.figure.axes[0].lines if line.get_linewidth() == 2]
    assert [line.get_xdata()[0] for line in medians] == [0.2, 2.0]
    assert "forest median 2, middle half 1.5 to 3" in picture.alt
    assert picture.alt.endswith("3 splits.")


def test_intervals_are_drawn_and_told():
    picture = plots.boxes(VALUES, {"line": Interval(0.2, 0.05, 0.35)}, label="MAE")
    bars = [list(line.get_xdata()) for line in picture.figure.axes[0].lines if line.get_linewidth() == 2.2]
    assert bars == [[0.05, 0.35]]
    assert "mean 0.2 with interval 0.05 to 0.35" in picture.alt


def test_a_plain_axis_starts_at_zero_and_a_logarithmic_one_says_so():
    assert plots.boxes(VALUES, label="MAE").figure.axes[0].get_xlim()[0] == 0
    assert plots.boxes(VALUES, label="AUC", zero=False).figure.axes[0].get_xlim()[0] < 0
    axes = plots.boxes(VALUES, label="MAE", log=True).figure.axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "MAE, logarithmic axis"


def test_a_logarithm_of_zero_is_refused():
    with pytest.raises(FormatError, match="cannot show 0"):
        plots.boxes({"a": [0.0, 1.0]}, label="MAE", log=True)


@pytest.mark.parametrize("empty", [{}, {"a": []}])
def test_nothing_to_draw_is_an_error(empty):
    with pytest.raises(FormatError, match="no values"):
        plots.boxes(empty, label="MAE")


def test_a_ladder_shows_mean_spread_baseline_and_guess():
    picture = plots.ladder(
        VALUES, baseline=5.0, baseline_name="always the mean", guess=3.0, label="MAE (µm)", title="Toy"
    )
    axes = picture.figure.axes[0]
    assert axes.get_xlim()[0] == 0
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([0.2, 7 / 3])
    spread = np.std(VALUES["forest"], ddof=1)
    assert f"forest 2.33 ± {spread:.2g}" in picture.alt
    assert "your guess for the last row 3; always the mean 5" in picture.alt


def test_a_ladder_of_single_values_has_no_spread():
    assert "a 1 ± 0" in plots.ladder({"a": [1.0]}, baseline=2, baseline_name="mean", label="MAE").alt
