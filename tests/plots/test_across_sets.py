"""Scores over the sets of a benchmark: gaps stay gaps, and the words hold every number."""

import math

import pytest

from teachkit.errors import FormatError
from teachkit.metrics import Interval
from teachkit.plots import set_scores

SETS = ("alpha", "beta", "gamma")


def test_the_words_hold_every_score_and_the_mean():
    alt = set_scores({"mine": {"alpha": 0.5, "beta": 0.6, "gamma": 0.7}}, SETS, label="AUC").alt
    assert "mine, mean 0.600: alpha 0.500, beta 0.600, gamma 0.700" in alt


@pytest.mark.parametrize(
    "scores", [{"alpha": 0.5, "gamma": 0.7}, {"alpha": 0.5, "beta": math.nan, "gamma": 0.7}]
)
def test_a_set_without_a_score_leaves_a_gap_and_no_mean(scores):
    picture = set_scores({"mine": scores}, SETS, label="AUC")
    assert "mine, no mean: alpha 0.500, beta none, gamma 0.700" in picture.alt
    (line,) = picture.figure.axes[0].get_lines()
    assert math.isnan(line.get_ydata()[1])


def test_models_stand_side_by_side_and_means_are_dashed():
    values = {"one": dict.fromkeys(SETS, 0.6), "two": dict.fromkeys(SETS, 0.7)}
    axes = set_scores(values, SETS, label="AUC").figure.axes[0]
    dashed = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in dashed] == pytest.approx([0.6, 0.7])
    first, second = (line for line in axes.get_lines() if line.get_marker() not in ("None", None, ""))
    assert (second.get_xdata() > first.get_xdata()).all()


def test_intervals_are_bars_at_their_set():
    intervals = {"mine": {"beta": Interval(0.6, 0.55, 0.65)}}
    axes = set_scores({"mine": dict.fromkeys(SETS, 0.6)}, SETS, intervals, label="AUC").figure.axes[0]
    bars = [line for line in axes.get_lines() if list(line.get_ydata()) == [0.55, 0.65]]
    assert [line.get_xdata()[0] for line in bars] == [1]


@pytest.mark.parametrize(("models", "sets"), [(0, SETS), (7, SETS), (1, ())])
def test_what_cannot_be_told_apart_is_not_drawn(models, sets):
    with pytest.raises(FormatError, match="cannot be drawn"):
        set_scores({f"m{k}": {} for k in range(models)}, sets, label="AUC")
