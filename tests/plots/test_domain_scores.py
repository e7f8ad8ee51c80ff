"""Arms by domains, and clouds of features."""

import numpy as np
import pytest

from teachkit.errors import FormatError
from teachkit.plots.domain_scores import scores_by_domain
from teachkit.plots.feature_clouds import feature_clouds

VALUES = {
    "together": {"lung": np.array([0.8, 0.9]), "mean": np.array([0.7, 0.75])},
    "alone": {"lung": np.array([0.99, 0.95]), "mean": np.array([0.9, 0.85])},
}


def test_each_domain_has_a_panel_and_each_arm_a_row():
    found = scores_by_domain(VALUES, label="test AUC", title="Two arms", note="2 seeds", highest=1.0)
    assert [axes.get_title() for axes in found.figure.axes] == ["lung", "mean"]
    assert found.figure.axes[0].get_xlim()[1] <= 1.02  # the interval of two seeds reaches 1.22
    assert "together 0.850" in found.alt
    assert "alone 0.970" in found.alt
    assert found.alt.startswith("Two arms.")


def test_differences_have_a_sign_and_one_seed_has_no_interval():
    gaps = {"together − alone": {"lung": np.array([-0.12])}}
    found = scores_by_domain(gaps, label="difference in test AUC", zero=True)
    assert "together − alone -0.120." in found.alt


def test_seven_domains_stand_in_three_rows():
    values = {"arm": {f"set {k}": np.array([0.5, 0.6]) for k in range(7)}}
    shown = [axes for axes in scores_by_domain(values, label="AUC").figure.axes if axes.get_visible()]
    assert len(shown) == 7


def test_arms_on_different_domains_are_refused():
    with pytest.raises(FormatError, match="different domains"):
        scores_by_domain({**VALUES, "third": {"lung": np.array([0.5])}}, label="AUC")
    with pytest.raises(FormatError):
        scores_by_domain({}, label="AUC")


def test_clouds_say_how_many_dots_each_group_has():
    points = {str(k): np.random.default_rng(k).normal(size=(5 + k, 2)) for k in range(10)}
    found = feature_clouds({"digits": points, "cells": {"a": points["0"]}}, title="Features", note="PCA")
    assert "digits: 0 5, 1 6" in found.alt
    labels = [text.get_text() for text in found.figure.axes[0].get_legend().get_texts()]
    assert labels[9] == "9 (14)"
    lines = found.figure.axes[0].lines
    looks = {(line.get_color(), line.get_marker()) for line in lines}
    assert len(looks) == 10
    with pytest.raises(FormatError, match="no dots"):
        feature_clouds({"digits": {}})
