"""Oracle: scikit-learn, on generated inputs full of ties, absent classes and constants."""

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from teachkit import metrics
from teachkit.errors import FormatError, SettingsError, UnknownNameError
from teachkit.metrics.classification import decisions

TOLERANCE = 1e-12
# Few distinct values, so that ties, absent classes and constants are common.
scores_with_ties = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000000001, 0.75, 1.0])
any_scores = st.one_of(scores_with_ties, st.floats(0, 1))
binary_rows = st.lists(st.tuples(st.integers(0, 1), any_scores), min_size=1, max_size=60)
class_rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


def quietly(function: Callable[..., float], *args: object, **kwargs: object) -> float:
    """scikit-learn's answer without its warnings about undefined scores."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


def same(ours: float, theirs: float) -> bool:
    return ours == pytest.approx(theirs, abs=TOLERANCE, nan_ok=True)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.accuracy, sk.accuracy_score),
        (metrics.balanced_accuracy, sk.balanced_accuracy_score),
        (metrics.cohen_kappa, sk.cohen_kappa_score),
        (metrics.weighted_f1, partial(sk.f1_score, average="weighted", zero_division=0)),
    ],
)
@given(rows=class_rows)
def test_scores_of_decisions_equal_scikit_learn(
    ours: Callable[..., float], theirs: Callable[..., float], rows: list[tuple[int, int]]
) -> None:
    labels, predictions = zip(*rows, strict=True)
    assert same(ours(labels, predictions), quietly(theirs, labels, predictions))


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
@given(rows=class_rows)
def test_weighted_kappa_equals_scikit_learn_that_knows_all_classes(
    weights: str, rows: list[tuple[int, int]]
) -> None:
    labels, predictions = zip(*rows, strict=True)
    theirs = quietly(sk.cohen_kappa_score, labels, predictions, weights=weights, labels=range(5))
    assert same(metrics.cohen_kappa(labels, predictions, weights), theirs)


def test_an_absent_grade_brings_the_others_no_nearer() -> None:
    far, near = metrics.cohen_kappa([0, 4, 0, 4], [0, 4, 4, 4], "linear"), [[0, 1, 0, 1], [0, 1, 1, 1]]
    assert far == metrics.cohen_kappa(*near, "linear")  # two classes: every confusion costs the same
    labels, predictions = [0, 1, 4, 4], [0, 1, 1, 4]
    assert metrics.cohen_kappa(labels, predictions, "linear") == pytest.approx(
        sk.cohen_kappa_score(labels, predictions, weights="linear", labels=range(5))
    )


def test_classes_far_apart_take_no_more_memory_than_others() -> None:
    labels, predictions = [0, 10**12, 10**12], [0, 10**12, 0]
    assert metrics.balanced_accuracy(labels, predictions) == 0.75
    assert metrics.cohen_kappa(labels, predictions) == pytest.approx(
        sk.cohen_kappa_score(labels, predictions)
    )


def test_unknown_weights_of_kappa_are_named() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'quadratic'"):
        metrics.cohen_kappa([0, 1], [0, 1], "quadratc")


@given(class_rows)
def test_confusion_matrix_equals_scikit_learn(rows: list[tuple[int, int]]) -> None:
    labels, predictions = zip(*rows, strict=True)
    theirs = sk.confusion_matrix(labels, predictions, labels=range(5))
    np.testing.assert_array_equal(metrics.confusion_matrix(labels, predictions, 5), theirs)


@given(binary_rows, scores_with_ties)
def test_sensitivity_and_specificity_are_the_recalls_at_a_threshold(
    rows: list[tuple[int, float]], threshold: float
) -> None:
    labels, scores = (np.asarray(column) for column in zip(*rows, strict=True))
    called = (scores > threshold).astype(int)
    for function, positive in ((metrics.sensitivity, 1), (metrics.specificity, 0)):
        theirs = quietly(sk.recall_score, labels, called, pos_label=positive, zero_division=np.nan)
        assert same(function(labels, scores, threshold), theirs)


def test_the_positive_class_can_be_class_zero() -> None:
    labels = [0, 0, 1, 1]
    probabilities = [[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]]
    assert metrics.sensitivity(labels, probabilities, positive=0) == 0.5
    assert metrics.specificity(labels, probabilities, positive=0) == 1.0


@given(binary_rows, st.integers(1, 15))
@settings(deadline=None)
def test_calibration_error_is_the_weighted_gap_of_scikit_learns_curve(
    rows: list[tuple[int, float]], bins: int
) -> None:
    labels, stated = (np.asarray(column) for column in zip(*rows, strict=True))
    observed, mean_stated = calibration_curve(labels, stated, n_bins=bins)
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], stated))
    weights = counts[counts > 0] / len(labels)
    expected = float(np.sum(weights * np.abs(observed - mean_stated)))
    assert same(metrics.calibration_error(labels, stated, bins), expected)


def test_calibration_error_of_many_classes_looks_at_the_top_class() -> None:
    probabilities = [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.9, 0.0, 0.1], [0.0, 0.1, 0.9]]
    right_three_times_of_four = [0, 1, 0, 0]
    assert metrics.calibration_error(right_three_times_of_four, probabilities) == pytest.approx(0.15)


@pytest.mark.parametrize(
    "value",
    [
        metrics.accuracy([], []),
        metrics.balanced_accuracy([], []),
        metrics.cohen_kappa([], []),
        metrics.weighted_f1([], []),
        metrics.cohen_kappa([2, 2], [2, 2]),
        metrics.sensitivity([0, 0], [0.1, 0.9]),
        metrics.specificity([1, 1], [0.1, 0.9]),
        metrics.calibration_error([], []),
    ],
)
def test_an_undefined_score_is_nan(value: float) -> None:
    assert np.isnan(value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: metrics.accuracy([0, 1], [0.2, 0.8]), "0.2, which is not a class index"),
        (lambda: metrics.accuracy([[0, 1]], [0]), r"shape \[1, 2\]"),
        (lambda: metrics.confusion_matrix([0, 3], [0, 1], 3), "Class index 3 is outside 0 to 2"),
        (lambda: metrics.calibration_error([0, 1], [-2.0, 3.0]), "Probabilities run from -2 to 3"),
    ],
)
def test_input_that_cannot_be_scored_is_refused_with_its_value(
    call: Callable[[], object], words: str
) -> None:
    with pytest.raises(FormatError, match=words):
        call()


def test_calibration_needs_a_bin() -> None:
    with pytest.raises(SettingsError, match="bins is 0"):
        metrics.calibration_error([0, 1], [0.1, 0.9], bins=0)


@given(rows=class_rows)
def test_scores_that_are_counted_together_are_those_counted_alone(rows: list[tuple[int, int]]) -> None:
    labels, guesses = np.array(rows).T
    found = decisions(labels, guesses)
    assert same(found["acc"], metrics.accuracy(labels, guesses))
    assert same(found["balacc"], metrics.balanced_accuracy(labels, guesses))
    assert same(found["kappa"], metrics.cohen_kappa(labels, guesses))


def test_no_rows_have_no_decisions_to_score() -> None:
    assert np.isnan(list(decisions([], []).values())).all()
