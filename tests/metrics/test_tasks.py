"""Oracle: MedMNIST's own evaluator for AUC and ACC; scikit-learn for the rest."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medmnist.evaluator import Evaluator, getACC, getAUC
from sklearn import metrics as sk

from teachkit import metrics
from teachkit.errors import FormatError, UnknownNameError

THEIR_NAME = {
    "binary": "binary-class",
    "multi-class": "multi-class",
    "ordinal": "ordinal-regression",
    "multi-label": "multi-label, binary-class",
}


def made_up_case(task: str, seed: int, rounded: bool) -> tuple[np.ndarray, np.ndarray]:
    """Labels [N, L] and probabilities [N, C]; rounding makes ties and values of exactly 0.5."""
    rng = np.random.default_rng(seed)
    rows, classes = int(rng.integers(2, 40)), 2 if task == "binary" else int(rng.integers(2, 6))
    raw = rng.random((rows, classes)) * rng.choice([0.5, 1.0])
    if task == "multi-label":
        labels = rng.integers(0, 2, (rows, classes))
        probabilities = raw
    else:
        labels = rng.integers(0, rng.integers(1, classes + 1), (rows, 1))
        probabilities = raw / raw.sum(axis=1, keepdims=True)
    return labels, probabilities.round(1) if rounded else probabilities


@pytest.mark.parametrize("task", THEIR_NAME)
@given(seed=st.integers(0, 2**32 - 1), rounded=st.booleans())
@settings(deadline=None)
def test_auc_and_accuracy_equal_medmnists_evaluator(task: str, seed: int, rounded: bool) -> None:
    labels, probabilities = made_up_case(task, seed, rounded)
    ours = metrics.scores(labels, probabilities, task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one class only: theirs warns, both give nan
        auc = getAUC(labels, probabilities, THEIR_NAME[task])
        accuracy = getACC(labels, probabilities, THEIR_NAME[task])
    assert ours["auc"] == pytest.approx(auc, abs=1e-12, nan_ok=True)
    assert ours["acc"] == pytest.approx(accuracy, abs=1e-12)


@pytest.mark.parametrize("task", THEIR_NAME)
@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_balanced_accuracy_and_kappa_follow_the_benchmarks_rules(task: str, seed: int) -> None:
    labels, probabilities = made_up_case(task, seed, rounded=True)
    ours = metrics.scores(labels, probabilities, task)
    if task == "multi-label":
        pairs = list(zip(labels.T, (probabilities > 0.5).T.astype(int), strict=True))
    elif task == "binary":
        pairs = [(labels[:, 0], (probabilities[:, -1] > 0.5).astype(int))]
    else:
        pairs = [(labels[:, 0], probabilities.argmax(axis=1))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        balanced = np.mean([sk.balanced_accuracy_score(*pair) for pair in pairs])
        kappa = np.mean([sk.cohen_kappa_score(*pair) for pair in pairs])
    assert ours["balacc"] == pytest.approx(balanced, abs=1e-12)
    assert ours["kappa"] == pytest.approx(kappa, abs=1e-12, nan_ok=True)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "task", "classes"),
    [("pneumoniamnist", "binary", 2), ("breastmnist", "binary", 2), ("retinamnist", "ordinal", 5)],
)
def test_scores_of_the_official_test_splits_equal_medmnists_evaluator(
    real_data: Path, name: str, task: str, classes: int
) -> None:
    evaluator = Evaluator(name, "test", root=str(real_data / "medmnist"))
    probabilities = np.random.default_rng(0).dirichlet(np.ones(classes), len(evaluator.labels))
    theirs = evaluator.evaluate(probabilities)
    ours = metrics.scores(evaluator.labels, probabilities, task)
    assert (ours["auc"], ours["acc"]) == pytest.approx((theirs.AUC, theirs.ACC), abs=1e-12)


def test_a_probability_of_exactly_one_half_is_not_positive() -> None:
    assert metrics.scores([[0], [1]], [[0.5, 0.5], [0.4, 0.6]], "binary")["acc"] == 1.0


def test_an_absent_class_makes_the_mean_auc_nan_but_not_the_rest() -> None:
    found = metrics.scores([0, 1], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], "multi-class")
    assert np.isnan(found["auc"])
    assert found["acc"] == found["balacc"] == found["kappa"] == 1.0


@given(st.lists(st.tuples(st.floats(-99, 99), st.floats(-99, 99)), min_size=2, max_size=40))
def test_regression_scores_equal_scikit_learn(rows: list[tuple[float, float]]) -> None:
    labels, predictions = (np.asarray(column) for column in zip(*rows, strict=True))
    found = metrics.scores(labels, predictions, "regression")
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(labels, predictions), abs=1e-12)
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(labels, predictions), abs=1e-12)
    if np.ptp(labels) > 1e-3:
        assert found["r2"] == pytest.approx(sk.r2_score(labels, predictions), rel=1e-9, abs=1e-9)


def test_r2_of_constant_labels_is_nan() -> None:
    assert np.isnan(metrics.r_squared([1.0, 1.0], [0.9, 1.1]))


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_segmentation_scores_are_means_over_the_classes_present(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masks, guesses = rng.integers(0, 4, (2, 3, 5, 5))
    found = metrics.scores(masks, np.moveaxis(np.eye(5)[guesses], -1, 1), "segmentation")  # nothing is a 4
    assert found["dice"] == pytest.approx(np.nanmean(metrics.dice(masks, guesses, 4)), abs=1e-12)
    assert found["iou"] == pytest.approx(np.nanmean(metrics.iou(masks, guesses, 4)), abs=1e-12)
    assert found["acc"] == pytest.approx(np.mean(masks == guesses), abs=1e-12)


def test_a_class_that_no_mask_contains_does_not_enter_the_mean_dice() -> None:
    masks = np.zeros((1, 2, 2), dtype=int)
    probabilities = np.zeros((1, 3, 2, 2))
    probabilities[:, 0] = 1
    assert metrics.scores(masks, probabilities, "segmentation") == {"acc": 1.0, "dice": 1.0, "iou": 1.0}


def test_an_unknown_task_offers_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'multi-class'"):
        metrics.scores([0], [[1.0]], "multiclass")


@pytest.mark.parametrize(
    ("labels", "shape", "task", "words"),
    [
        ([0, 5], (2, 3), "multi-class", "Labels up to 5"),
        ([[0, 1]], (1, 3), "multi-label", "one probability per label"),
        ([[[0]]], (1, 2, 2, 2), "segmentation", r"masks \[N, H, W\]"),
        ([0, 1, 1], (2, 2), "binary", "differ in length: 3 and 2"),
        ([0.0, 1.0, 1.0], (2, 1), "regression", "differ in length: 3 and 2"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    labels: list[object], shape: tuple[int, ...], task: str, words: str
) -> None:
    with pytest.raises(FormatError, match=words):
        metrics.scores(labels, np.full(shape, 0.5), task)
