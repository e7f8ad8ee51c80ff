import numpy as np
import pytest

from teachkit.errors import FormatError
from teachkit.metrics import t_interval
from teachkit.plots.starts import label_counts, start_differences, start_scores

PROBED = {"Kaiming": np.array([0.7, 0.8, 0.75]), "trained": np.array([0.8, 0.85, 0.9])}
TUNED = {arm: [values, values + 0.05] for arm, values in PROBED.items()}
GAPS = {"probe": {"trained − Kaiming": PROBED["trained"] - PROBED["Kaiming"]}}
BY_LABELS = {arm: np.stack([values, values + 0.1], 1) for arm, values in PROBED.items()}


def test_the_probe_has_a_row_and_fine_tuning_a_line_for_each_arm():
    left, right = start_scores(PROBED, TUNED, (1, 5), title="Toy", note="3 seeds").figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["Kaiming", "trained"]
    assert [label.get_text() for label in right.get_xticklabels()] == ["1", "5"]
    lines = [line for line in right.lines if line.get_label() in PROBED]
    assert [line.get_label() for line in lines] == ["Kaiming", "trained"]
    assert list(lines[1].get_ydata()) == pytest.approx([0.85, 0.9])


def test_bars_are_the_t_intervals_over_seeds():
    left, right = start_scores(PROBED, TUNED, (1, 5)).figure.axes
    found = t_interval(PROBED["Kaiming"])
    assert list(left.lines[1].get_xdata()) == [found.low, found.high]
    assert list(right.lines[1].get_ydata()) == [found.low, found.high]


def test_the_alt_text_tells_every_mean_and_interval():
    said = start_scores(PROBED, TUNED, (1, 5), title="Toy").alt
    assert "Linear probe: Kaiming 0.750 (95 % interval 0.626 to 0.874); trained 0.850" in said
    assert "After epoch 5: Kaiming 0.800" in said


def test_the_axis_ends_where_scores_end():
    wide = {"Kaiming": np.array([0.1, 0.9])}  # an interval of two seeds far beyond any score
    left, right = start_scores(wide, {"Kaiming": [wide["Kaiming"]]}, (1,)).figure.axes
    for low, high in (left.get_xlim(), right.get_ylim()):
        assert -0.05 < low <= 0
        assert 1 <= high < 1.05


def test_one_seed_has_no_interval():
    one = {"Kaiming": np.array([0.7])}
    assert "Kaiming 0.700." in start_scores(one, {"Kaiming": [one["Kaiming"]]}, (1,)).alt


def test_differences_have_a_line_at_zero_and_a_sign():
    picture = start_differences(GAPS, title="Toy")
    axes = picture.figure.axes[0]
    assert list(axes.lines[0].get_xdata()) == [0, 0]
    assert axes.get_title() == "probe"
    assert "probe: trained − Kaiming +0.100 (95 % interval -0.024 to +0.224)" in picture.alt


def test_numbers_of_labels_stand_at_equal_steps_with_one_difference_beside():
    picture = label_counts((5, 80), BY_LABELS, ("trained", "Kaiming"), note="3 seeds")
    left, right = picture.figure.axes
    assert [label.get_text() for label in left.get_xticklabels()] == ["5", "80"]
    assert right.get_title() == "trained − Kaiming"
    assert "Kaiming 0.750, 0.850; trained 0.850, 0.950" in picture.alt
    assert "trained minus Kaiming: +0.100" in picture.alt


def test_without_a_pair_there_is_one_panel():
    assert len(label_counts((5, 80), BY_LABELS, None).figure.axes) == 1


def test_nothing_to_draw_is_an_error():
    with pytest.raises(FormatError, match="no start"):
        start_scores({}, {}, (1,))
    with pytest.raises(FormatError, match="no difference"):
        start_differences({"probe": {}})
