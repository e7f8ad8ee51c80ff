"""Oracles: scikit-learn, and mid-ranks by SciPy, on generated inputs full of ties."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn import metrics as sk

from teachkit import metrics
from teachkit.errors import FormatError

# Few distinct values, so that ties, absent classes and constants are common.
some_scores = st.one_of(st.sampled_from([0.0, 0.1, 0.5, 0.5000000001, 1.0]), st.floats(0, 1))
rows_of_both = st.lists(st.tuples(st.integers(0, 1), some_scores), min_size=1, max_size=60)
Rows = list[tuple[int, float]]


def quietly(function: Callable[..., float], *args: object) -> float:
    """scikit-learn's answer without its warnings about undefined scores."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args)


@given(rows_of_both)
def test_auc_equals_scikit_learn(rows: Rows) -> None:
    labels, scores = zip(*rows, strict=True)
    theirs = quietly(sk.roc_auc_score, labels, scores)
    assert metrics.auc(labels, scores) == pytest.approx(theirs, abs=1e-12, nan_ok=True)


@given(rows_of_both)
def test_auc_is_the_mean_rank_of_the_positives_to_the_last_bit(rows: Rows) -> None:
    labels, scores = (np.asarray(column) for column in zip(*rows, strict=True))
    positives, negatives = int(labels.sum()), int((1 - labels).sum())
    if positives and negatives:
        wins = rankdata(scores)[labels == 1].sum() - positives * (positives + 1) / 2
        assert metrics.auc(labels, scores) == wins / (positives * negatives)


@given(rows_of_both)
def test_auc_keeps_its_value_when_scores_are_stretched(rows: Rows) -> None:
    labels, scores = zip(*rows, strict=True)
    stretched = 8 * np.asarray(scores) - 3  # a power of two and an exact shift keep all ties
    stretched_ties = len(np.unique(stretched)) == len(np.unique(scores))
    if stretched_ties:
        found, kept = metrics.auc(labels, stretched), metrics.auc(labels, scores)
        assert found == kept or found != found  # nan where one side is empty


@given(rows_of_both)
def test_average_precision_equals_scikit_learn(rows: Rows) -> None:
    labels, scores = zip(*rows, strict=True)
    if any(labels):
        theirs = quietly(sk.average_precision_score, labels, scores)
        assert metrics.average_precision(labels, scores) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(
    "value",
    [
        metrics.auc([1, 1], [0.2, 0.3]),
        metrics.auc([], []),
        metrics.average_precision([0, 0], [0.2, 0.3]),
        metrics.average_precision([], []),
    ],
)
def test_an_undefined_score_is_nan(value: float) -> None:
    assert np.isnan(value)


@pytest.mark.parametrize("score", [metrics.auc, metrics.average_precision])
@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [
        ([0, 1], [0.1, np.nan], r"scores contain nan at position \[1\]"),
        ([0, 2], [0.1, 0.2], "met the label 2"),
        ([0, 1, 1], [0.1, 0.2], "differ in length: 3 and 2"),
    ],
)
def test_input_without_an_order_is_refused_with_its_value(
    score: Callable[..., float], labels: list[int], scores: list[float], words: str
) -> None:
    with pytest.raises(FormatError, match=words):
        score(labels, scores)
