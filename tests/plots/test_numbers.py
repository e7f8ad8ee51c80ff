import numpy as np
import pytest

from teachkit import metrics, plots
from teachkit.errors import FormatError


@pytest.fixture
def numbers():
    rng = np.random.default_rng(0)
    labels = rng.uniform(100, 500, 200)
    return labels, labels + rng.normal(0, 30, 200)


def test_residuals_are_label_minus_prediction_against_the_prediction(numbers):
    labels, predictions = numbers
    picture = plots.residuals(labels[:, None], predictions, unit="px", title="Toy")
    left, right = picture.figure.axes
    np.testing.assert_allclose(left.collections[0].get_offsets(), np.c_[labels, predictions])
    np.testing.assert_allclose(right.collections[0].get_offsets(), np.c_[predictions, labels - predictions])
    assert right.get_ylabel() == "label − prediction (px)"
    error = metrics.mean_absolute_error(labels, predictions)
    assert f"Mean absolute error {error:.3g} px" in picture.alt
    assert picture.alt.endswith("n = 200.")


def test_a_model_that_always_answers_with_the_mean_is_told_apart_by_quarters(numbers):
    labels, _ = numbers
    alt = plots.residuals(labels, np.full(200, labels.mean())).alt
    quarters = [float(word) for word in alt.split("smallest first: ")[1].split(". n = ")[0].split(", ")]
    assert quarters == sorted(quarters)
    assert quarters[0] < -100 < 100 < quarters[-1]


def test_bands_mark_exactly_the_labels_outside(numbers):
    labels, predictions = numbers
    picture = plots.bands(labels, predictions, 40.0, rows=200, unit="px")
    inside, outside = (
        next(line for line in picture.figure.axes[0].lines if line.get_marker() == mark) for mark in "oX"
    )
    expected = np.abs(labels - predictions) > 40
    assert len(outside.get_xdata()) == expected.sum()
    assert len(inside.get_xdata()) == (~expected).sum()
    assert sorted(outside.get_ydata()) == pytest.approx(sorted(labels[expected]))


def test_the_caption_leaves_the_count_to_the_reader_and_the_alt_text_tells_it(numbers):
    picture = plots.bands(*numbers, 40.0, unit="px")
    assert picture.figure.get_supxlabel() == "40 of 200 rows; band: prediction ± 40 px"
    share = metrics.interval_coverage(*numbers, 40.0).value
    assert f"Of all, {share:.1%} lie inside" in picture.alt
    assert "Of 40 labels drawn, " in picture.alt


def test_bands_are_sorted_by_prediction(numbers):
    axes = plots.bands(*numbers, 40.0, rows=12).figure.axes[0]
    marks = next(line for line in axes.lines if line.get_marker() == "_").get_ydata()
    assert len(marks) == 12
    assert list(marks) == sorted(marks)


@pytest.mark.parametrize("margin", [float("inf"), float("nan"), -1])
def test_a_margin_that_is_no_length_is_refused(numbers, margin):
    with pytest.raises(FormatError, match="cannot be drawn"):
        plots.bands(*numbers, margin)


def test_labels_and_predictions_must_pair():
    with pytest.raises(FormatError, match="2 labels meet 3"):
        plots.residuals([1, 2], [1, 2, 3])
    with pytest.raises(FormatError, match="0 labels"):
        plots.residuals([], [])
