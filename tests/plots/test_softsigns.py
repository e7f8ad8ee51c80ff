"""The scaled softsign: readings, curves, and what repeating it does."""

import numpy as np
import pytest
import torch

from teachkit import plots
from teachkit.errors import FormatError, SettingsError
from teachkit.plots.softsigns import softsign

WEIGHTS = np.array([-0.3, 0.0, 0.1, 1 / 3])


@pytest.fixture
def explorer():
    return plots.explore_softsign(WEIGHTS, title="Four weights")


@pytest.mark.parametrize("s", [0.25, 1.0, 4.0])
def test_softsign_with_bound_one_is_that_of_torch_and_never_reaches_its_bound(s):
    places = np.linspace(-1e6, 1e6, 101)
    assert (np.abs(softsign(places, s)) < s).all()
    assert np.allclose(softsign(places, 1), torch.nn.functional.softsign(torch.tensor(places)))


def test_a_third_becomes_a_quarter_at_the_start_of_training(explorer):
    found = explorer.at()
    assert found.third == pytest.approx(0.25)
    assert found.after == pytest.approx(np.mean([0.3 / 1.3, 0, 0.1 / 1.1, 0.25]))
    assert "a weight of 1/3 becomes 0.250; the mean size of the 4 weights goes from" in found.sentence


def test_scale_and_shift_come_before_the_bound(explorer):
    assert explorer.at(3, 0, 1).third == pytest.approx(0.5)
    assert explorer.at(1, 2 / 3, 0.5).third == pytest.approx(1 / 3)
    with pytest.raises(SettingsError, match="not positive"):
        explorer.at(s=0)


def test_picture_and_table_hold_every_curve(explorer):
    assert len(explorer.table) == 8  # nine curves, two of them the same
    for theta, delta, s in explorer.table[["theta", "delta", "s"]].to_numpy():
        assert explorer.at(theta, delta, s).sentence in explorer.alt


def test_sliders_change_the_sentence_and_the_curve(explorer):
    theta, _, _, view = explorer.widget().children
    before = view.value
    theta.value = 3
    assert explorer.at(3).sentence in view.value != before


def test_repeating_the_softsign_adds_one_to_the_inverse_of_a_weight_each_time():
    picture = plots.repeated_softsign((1 / 3,), steps=100)
    line = picture.figure.axes[0].lines[0]
    assert np.allclose(1 / line.get_ydata(), 3 + np.arange(101))
    assert f"{1 / 13:.4f} after 10" in picture.alt


def test_without_weights_there_is_nothing_to_draw():
    with pytest.raises(FormatError, match="no weights"):
        plots.explore_softsign([])
