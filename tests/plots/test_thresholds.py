import numpy as np
import pytest

from teachkit import metrics, plots
from teachkit.errors import FormatError, SettingsError


def test_numbers_at_a_threshold_are_those_of_a_hand_count():
    found = plots.explore_threshold([0, 0, 0, 0, 1, 1], [0.1, 0.3, 0.4, 0.9, 0.35, 0.8]).at(0.38, 0.1)
    assert (found.true_positives, found.false_negatives) == (1, 1)
    assert (found.false_positives, found.true_negatives) == (2, 2)
    assert (found.sensitivity, found.specificity) == (0.5, 0.5)
    assert found.missed == pytest.approx(50)  # 100 ill of 1,000, half of them missed
    assert found.false_alarms == pytest.approx(450)  # 900 healthy, half of them called
    assert "50 missed cases and 450 false alarms" in found.sentence


def test_a_probability_equal_to_the_threshold_is_not_called_positive():
    assert plots.explore_threshold([0, 1], [0.5, 0.6]).at(0.5).false_positives == 0


def test_the_test_sets_own_prevalence_gives_back_its_own_counts(cases):
    labels, probabilities = cases
    found = plots.explore_threshold(labels, probabilities).at(0.5)
    assert found.missed == pytest.approx(1000 * found.false_negatives / 200)
    assert found.false_alarms == pytest.approx(1000 * found.false_positives / 200)


def test_table_and_words_hold_every_threshold_and_prevalence(cases):
    labels, probabilities = cases
    explorer = plots.explore_threshold(labels, probabilities, prevalence=0.004)
    assert len(explorer.table) == 3 * 4
    assert sorted(set(explorer.table["prevalence"])) == [0.004, 0.02, 0.1, 0.5]
    first = explorer.table.iloc[0]
    assert first["sensitivity"] == metrics.sensitivity(labels, probabilities, 0.2)
    assert explorer.alt.count("missed cases") == 12


def test_another_class_may_be_the_positive_one():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    found = plots.explore_threshold([[0], [0], [1]], probabilities, positive=0, classes=("ill", "well")).at(
        0.7
    )
    assert (found.true_positives, found.false_negatives, found.true_negatives) == (1, 1, 1)


def test_sliders_redraw_the_same_picture_and_sentence(cases):
    explorer = plots.explore_threshold(*cases)
    threshold, prevalence, view = explorer.widget().children
    threshold.value, prevalence.value = 0.8, 0.02
    assert explorer.at(0.8, prevalence.value).sentence in view.value
    assert view.value.count("<img") == 1


def test_without_a_reader_only_the_static_twin_is_shown(cases, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    explorer = plots.explore_threshold(*cases)
    explorer._ipython_display_()
    assert shown == [explorer.picture]


def test_with_a_reader_the_sliders_come_first_and_the_twin_stays(cases, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    monkeypatch.setattr("teachkit.plots.explorers.is_headless", lambda: False)
    explorer = plots.explore_threshold(*cases)
    explorer._ipython_display_()
    assert [type(item).__name__ for item in shown] == ["VBox", "Picture"]


@pytest.mark.parametrize("settings", [{"thresholds": [1.2]}, {"prevalence": -0.1}])
def test_shares_outside_zero_to_one_are_refused(settings):
    with pytest.raises(SettingsError, match="not possible"):
        plots.explore_threshold([0, 1], [0.2, 0.8], **settings)


def test_one_class_alone_is_refused():
    with pytest.raises(FormatError, match="All 2 labels are positive"):
        plots.explore_threshold([1, 1], [0.2, 0.8])


def test_lengths_that_differ_are_refused():
    with pytest.raises(FormatError, match="2 labels"):
        plots.explore_threshold([0, 1], [0.2, 0.8, 0.3])
