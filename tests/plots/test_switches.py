"""One network by the statistics of everyone, of each domain, of a batch."""

import numpy as np
import pytest

from teachkit import plots
from teachkit.errors import FormatError, UnknownNameError

RNG = np.random.default_rng(0)
SCORES = {
    "everyone": {"cells": 0.6, "digits": 0.5},
    "domain": {"cells": 0.9, "digits": 0.8},
    "batch": {"cells": 0.9, "digits": 0.7},
}
CLOUDS = {rule: {name: RNG.normal(size=(30, 2)) for name in found} for rule, found in SCORES.items()}


def test_every_position_says_what_was_measured():
    found = plots.explore_statistics(CLOUDS, SCORES, title="A network")
    assert found.at("domain").mean == pytest.approx(0.85)
    assert found.at("domain").sentence == (
        "Statistics of its domain: mean test AUC 0.850 (cells 0.900, digits 0.800)."
    )
    assert found.table.loc["everyone", "mean"] == pytest.approx(0.55)
    with pytest.raises(UnknownNameError, match="batch"):
        found.at("batches")


def test_the_still_picture_holds_all_positions_and_says_them():
    found = plots.explore_statistics(CLOUDS, SCORES, title="A network")
    assert len(found.figure.axes) == 4
    for rule in SCORES:
        assert found.at(rule).sentence in found.alt
    assert "cells 30, digits 30" in found.alt


def test_the_selector_changes_the_picture_and_the_sentence():
    found = plots.explore_statistics(CLOUDS, SCORES)
    buttons, view = found.widget().children
    before = view.value
    buttons.value = "domain"
    assert found.at("domain").sentence in view.value
    assert view.value != before


def test_dots_outside_the_axes_are_counted():
    far = {rule: {name: points.copy() for name, points in by.items()} for rule, by in CLOUDS.items()}
    far["batch"]["cells"][0] = 1000
    assert "1 of 180 dots lie outside" in plots.explore_statistics(far, SCORES).alt


def test_clouds_and_scores_must_have_the_same_positions():
    with pytest.raises(FormatError):
        plots.explore_statistics({"domain": CLOUDS["domain"]}, SCORES)
