import numpy as np
import pytest

from teachkit.errors import FormatError
from teachkit.metrics import t_interval
from teachkit.plots.ways import ways_to_train

VALUES = {
    "plain": {"CNN": np.array([0.5, 0.6, 0.7]), "mean": np.array([0.6, 0.6, 0.6])},
    "joint": {"CNN": np.array([0.8, 0.8, 0.8]), "mean": np.array([0.7, 0.8, 0.9])},
}


def test_every_network_has_a_panel_and_every_way_its_interval():
    picture = ways_to_train(VALUES, label="AUC", title="Toy", note="3 folds")
    panels = picture.figure.axes
    assert [axes.get_title() for axes in panels] == ["CNN", "mean"]
    assert [axes.get_xlabel() for axes in panels] == ["AUC", "AUC"]
    bar = panels[0].lines[1].get_xdata()
    assert list(bar) == list(t_interval(VALUES["plain"]["CNN"])[1:])


def test_the_alt_text_tells_every_mean():
    said = ways_to_train(VALUES, label="AUC").alt
    assert "CNN, plain 0.600; CNN, joint 0.800; mean, plain 0.600; mean, joint 0.800" in said


@pytest.mark.parametrize(("zero", "lowest"), [(False, 0), (True, -1)])
def test_the_axis_ends_where_scores_or_their_differences_do(zero, lowest):
    wide = {"plain": {"CNN": np.array([0.1, 0.9])}}  # an interval of two folds far beyond any score
    low, high = ways_to_train(wide, label="AUC", zero=zero).figure.axes[0].get_xlim()
    assert lowest - 0.05 < low <= lowest
    assert 1 <= high < 1.05


def test_no_way_is_an_error():
    with pytest.raises(FormatError, match="no way"):
        ways_to_train({}, label="AUC")


def test_differences_have_a_line_at_zero_and_a_sign():
    picture = ways_to_train({"a - b": {"CNN": np.array([0.1, 0.2])}}, label="difference", zero=True)
    assert list(picture.figure.axes[0].lines[0].get_xdata()) == [0, 0]
    assert "CNN, a - b +0.150" in picture.alt
