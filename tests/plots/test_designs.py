"""Networks nobody trained, beside each other."""

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch

from teachkit import plots
from teachkit.plots.designs import UP

NODES = [plots.Operation("input", (), 0), plots.Operation("conv", ("1→4",), 1)]
DESIGN = plots.Design("small", NODES, np.array([[0, 1]]), 0.75, (0.2, 0.3, 0.25))


def answers(predicted, random):
    image = np.arange(16.0).reshape(4, 4) / 15
    return plots.Answers(
        np.stack([np.rot90(image, turn) for turn in range(4)]),
        np.arange(4),
        np.array(predicted),
        np.array(random),
    )


def test_a_design_is_a_graph_and_two_bars_from_zero_to_one():
    graph, bars = plots.untrained_designs([DESIGN]).figure.axes
    assert len(graph.collections[0].get_offsets()) == 2
    assert [bar.get_width() for bar in bars.patches] == [0.75, pytest.approx(0.25)]
    assert bars.get_xlim() == (0, 1)


def test_every_random_draw_is_a_dot_and_chance_a_line():
    bars = plots.untrained_designs([DESIGN], chance=0.25).figure.axes[1]
    dots, chance = bars.lines
    assert list(dots.get_xdata()) == [0.2, 0.3, 0.25]
    assert list(chance.get_xdata()) == [0.25, 0.25]


def test_the_words_give_both_accuracies_of_every_network():
    alt = plots.untrained_designs([DESIGN, DESIGN], title="Up", note="4 pictures").alt
    assert alt.count("small: predicted 0.75, Kaiming 0.25") == 2
    assert alt.startswith("Up.")
    assert alt.endswith("A guess: 0.25. 4 pictures.")


def test_answers_are_two_arrows_a_picture_and_counted():
    picture = plots.untrained_designs([DESIGN], answers([0, 1, 2, 0], [3, 3, 3, 3]))
    shown = [axes for axes in picture.figure.axes if axes.images]
    assert len(shown) == 4
    assert all(len(axes.patches) == 2 for axes in shown)
    assert "Right: 3 of 4 with predicted numbers (blue), 1 with Kaiming's (orange)" in picture.alt


@pytest.mark.parametrize("turns", range(4))
def test_an_arrow_leads_to_where_the_top_of_a_turned_picture_is(turns):
    image = np.zeros((5, 5))
    image[0, 2] = 1  # the middle of the top
    row, column = np.argwhere(np.rot90(image, turns) == 1)[0]
    assert UP[turns] == (np.sign(column - 2), np.sign(2 - row))
    told = plots.Answers(image[None], np.array([0]), np.array([turns]), np.array([0]))
    axes = plots.untrained_designs([DESIGN], told).figure.axes[-1]
    arrow = next(patch for patch in axes.patches if isinstance(patch, FancyArrowPatch))
    start, end = arrow._posA_posB  # matplotlib has no other way to ask
    np.testing.assert_allclose(np.sign(np.round(np.subtract(end, start), 9)), UP[turns])
