import numpy as np
import pytest

from teachkit.errors import FormatError
from teachkit.metrics import paired_difference, t_interval
from teachkit.plots import explore_strength

CURVE = {0.0: [0.80, 0.82, 0.81], 1.0: [0.86, 0.85, 0.90], 3.0: [0.70, 0.75, 0.72]}


def change(strength):
    """Two flat pictures that grow brighter."""
    return np.full((2, 6, 6), round(60 * strength), np.uint8)


@pytest.fixture
def explorer():
    return explore_strength(change, curve=CURVE, vote=1.4, title="Toy")


def test_a_reading_is_the_mean_over_seeds_and_the_paired_change_from_strength_0(explorer):
    found = explorer.at(1.0)
    assert tuple(found.score) == pytest.approx(tuple(t_interval(CURVE[1.0])))
    assert tuple(found.change) == pytest.approx(tuple(paired_difference(CURVE[1.0], CURVE[0.0])))
    assert found.sentence.startswith("Strength 1: test AUC 0.870 [")
    assert "+0.060" in found.sentence


def test_a_vote_between_two_measured_strengths_is_answered_by_the_nearer_one(explorer):
    assert explorer.at(1.4).strength == 1.0
    assert explorer.at(2.5).strength == 3.0


def test_without_strength_0_there_is_nothing_to_compare_with():
    explorer = explore_strength(change, curve={1.0: [0.8], 2.0: [0.7]})
    assert explorer.at(2).change is None
    assert explorer.at(2).sentence == "Strength 2: test AUC 0.700."


def test_picture_and_table_hold_every_measured_strength_and_the_vote(explorer):
    assert list(explorer.table["strength"]) == [0.0, 1.0, 3.0]
    for words in ("Toy", "2 images at strengths 0, 1, 3", "Votes: 1.4", explorer.at(3).sentence):
        assert words in explorer.alt


def test_images_alone_are_shown_when_nothing_was_measured():
    explorer = explore_strength(change, strengths=(0.0, 1.0))
    assert explorer.table.empty
    assert "AUC" not in explorer.alt
    with pytest.raises(FormatError, match="nothing was measured"):
        explorer.at(1)


def test_all_strengths_need_the_same_seeds():
    with pytest.raises(FormatError, match=r"\[2, 1\] seeds"):
        explore_strength(change, curve={0.0: [0.8, 0.9], 1.0: [0.7]})


def test_the_slider_shows_the_reading_beside_the_images(explorer):
    slider, view = explorer.widget().children
    slider.value = 3.0
    assert explorer.at(3).sentence in view.value
    assert "strengths 0, 3" in view.value
