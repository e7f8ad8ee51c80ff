import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix

from teachkit import plots
from teachkit.errors import FormatError
from teachkit.plots.decisions import _wilson


def words_in(axes):
    return [text.get_text() for text in axes.texts]


def test_confusion_shows_scikit_learns_counts_with_truth_in_rows(cases):
    labels, probabilities = cases
    calls = (probabilities > 0.5).astype(int)
    picture = plots.confusion(labels, calls, ("ill", "well"))
    counts = confusion_matrix(labels, calls)
    shown = [int(word.split("\n")[0]) for word in words_in(picture.figure.axes[0])]
    assert shown == counts.ravel().tolist()
    assert (
        f"of {counts[0].sum()} with ill: {counts[0, 0]} called ill, {counts[0, 1]} called well" in picture.alt
    )


def test_long_class_names_break_so_that_neighbours_do_not_touch():
    picture = plots.confusion([0, 1, 1], [0, 1, 0], ("no central vessel", "central vessel"))
    axes = picture.figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["no central\nvessel", "central\nvessel"]
    picture.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert boxes[0].x1 < boxes[1].x0


def test_many_classes_show_counts_without_shares():
    labels = np.arange(9)
    picture = plots.confusion(labels, labels, [f"class {i}" for i in range(9)])
    assert set(words_in(picture.figure.axes[0])) == {"0", "1"}


def test_class_balance_starts_its_bars_at_zero_and_counts_each_split():
    picture = plots.class_balance({"train": [[0], [1], [1], [1]], "test": [0, 1]}, ("a", "b"))
    axes = picture.figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.75, 0.5, 0.5]
    assert {bar.get_x() for bar in axes.patches} == {0}
    assert axes.get_xlim()[0] == 0
    assert "train: a 25.0%, b 75.0%; test: a 50.0%, b 50.0%. train n = 4, test n = 2." in picture.alt


def test_reliability_dots_are_scikit_learns_calibration_curve(cases):
    labels, probabilities = cases
    axes = plots.reliability(labels, probabilities).figure.axes[0]
    dots = next(line for line in axes.lines if line.get_marker() == "o")
    happened, said = calibration_curve(labels, probabilities, n_bins=10)
    np.testing.assert_allclose(dots.get_xdata(), said)
    np.testing.assert_allclose(dots.get_ydata(), happened)


def test_limits_of_a_share_are_scipys_wilson_intervals():
    for found, n in ((0, 5), (3, 7), (9, 9)):
        expected = binomtest(found, n).proportion_ci(method="wilson")
        np.testing.assert_allclose(_wilson(np.array(found / n), np.array(n)), expected, atol=1e-4)


def test_reliability_refuses_all_columns_at_once():
    with pytest.raises(FormatError, match=r"probabilities\[:, 1\]"):
        plots.reliability([0, 1], [[0.5, 0.5], [0.2, 0.8]])


def test_reliability_refuses_logits():
    with pytest.raises(FormatError, match="Probabilities run from"):
        plots.reliability([0, 1], [-3.0, 2.0])
