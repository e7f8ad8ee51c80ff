"""Gradients over a union, and the stops of a knob that makes its models share."""

import numpy as np
import pytest

from teachkit import plots

NAMES = ("a", "b")


def test_a_block_without_gradient_says_0_and_is_empty():
    gradients = np.array([[3.0, 4.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5, 1.2]])
    picture = plots.gradient_map(gradients, [2, 3], NAMES, title="Two")
    panels = picture.figure.axes[:4]
    assert [axes.texts[0].get_text() for axes in panels] == ["5.0e+00", "0", "0", "1.3e+00"]
    empty = [bool(axes.images[0].get_array().mask.all()) for axes in panels]
    assert empty == [False, True, True, False]
    assert "The loss of a reaches: a 5. The loss of b reaches: b 1.3." in picture.alt


def test_many_edges_share_a_strip_and_none_is_lost():
    gradients = np.zeros((1, 1000))
    gradients[0, 999] = 2
    strip = plots.gradient_map(gradients, [1000], ["a"]).figure.axes[0].images[0].get_array()
    assert strip.shape == (1, 90)
    assert strip.count() == 1


@pytest.fixture
def stops():
    alone, together = np.diag([1.0, 2.0]), np.array([[1.0, 20.0], [0.001, 2.0]])
    return {"one an edge": alone, "10 groups": together}


def test_stops_show_each_length_and_the_share_from_others(stops):
    picture = plots.sharing_stops(stops, {"one an edge": 0.0, "10 groups": 0.25}, NAMES, title="Knob")
    numbers = [text.get_text() for text in picture.figure.axes[1].texts]
    assert numbers == ["1", "20", "0.001", "2"]
    assert [bar.get_height() for bar in picture.figure.axes[2].patches] == [0, 0.25]
    assert "10 groups: share from others 0.250" in picture.alt


def test_scores_stand_under_their_stops(stops):
    scores = {"joint": {"one an edge": [0.8, 0.9], "10 groups": [0.5, 0.6]}, "solo": {"10 groups": [0.7]}}
    shares = dict.fromkeys(stops, 0.5)
    picture = plots.sharing_stops(stops, shares, NAMES, scores, label="weighted F1")
    axes = picture.figure.axes[-1]
    assert axes.lines[0].get_ydata() == pytest.approx([0.85, 0.55])
    assert "weighted F1: joint: one an edge 0.850, 10 groups 0.550" in picture.alt
    assert "weighted F1: solo: 10 groups 0.700" in picture.alt
