"""Scores by the benchmark's rules: scikit-learn as the oracle, and no mean for an entry that is not whole."""

import json
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from teachkit import big
from teachkit.big.measuring import RANKED, measure
from teachkit.errors import DataError, FormatError, SettingsError

Labels = dict[str, np.ndarray]
FileOf = Callable[..., Path]
TIED = [0.0, 0.1, 0.25, 0.5, 0.75, 1.0]  # few values, so that ties and constants are common


def by_hand(task: str, truth: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """The rules of the thesis' own evaluation (utils.py), written with scikit-learn."""

    def auc(labels: np.ndarray, scores: np.ndarray) -> float:
        return sk.roc_auc_score(labels, scores) if len(set(labels.tolist())) == 2 else math.nan

    def decided(labels: np.ndarray, guess: np.ndarray) -> dict[str, float]:
        return {
            "balacc": sk.balanced_accuracy_score(labels, guess),
            "kappa": sk.cohen_kappa_score(labels, guess),
            "acc": sk.accuracy_score(labels, guess),
        }

    if task == "multi-label":
        each = [{"auc": auc(t, s), **decided(t, s > 0.5)} for t, s in zip(truth.T, p.T, strict=True)]
        found = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
        average = [sk.average_precision_score(*pair) for pair in zip(truth.T, p.T, strict=True)]
        return found | {"map": float(np.mean(average)) if truth.any(axis=0).all() else math.nan}
    if task == "binary":
        return {"auc": auc(truth, p[:, -1]), **decided(truth, p[:, -1] > 0.5)}
    guess = p.argmax(axis=1)
    found = {
        "auc": float(np.mean([auc((truth == c).astype(int), p[:, c]) for c in range(p.shape[1])])),
        **decided(truth, guess),
    }
    if task == "ordinal":
        grades = range(p.shape[1])
        found["kappa_quadratic"] = sk.cohen_kappa_score(truth, guess, weights="quadratic", labels=grades)
        found["mae"] = sk.mean_absolute_error(truth, guess)
    return found


@settings(max_examples=60, deadline=None)
@given(
    task=st.sampled_from(["binary", "multi-class", "ordinal", "multi-label"]),
    rows=st.integers(1, 30),
    seed=st.integers(0, 10**6),
    tied=st.booleans(),
)
def test_scores_equal_scikit_learn(task: str, rows: int, seed: int, tied: bool) -> None:
    rng = np.random.default_rng(seed)
    classes = 2 if task == "binary" else 4
    p = rng.choice(TIED, size=(rows, classes)) if tied else rng.random((rows, classes))
    shape = (rows, classes) if task == "multi-label" else rows
    truth = rng.integers(2 if task == "multi-label" else rng.integers(1, classes + 1), size=shape)
    member = big.Member("x", "X", task, tuple("abcd"[:classes]), rows)
    ours = measure(member, truth, p)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = by_hand(task, truth, p)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-12, nan_ok=True), name


def test_the_mean_counts_every_set_the_same(
    in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    found = big.score(file_of(in_order), suite=suite, truth=labels)
    assert found.complete
    for name in ("auc", "balacc", "kappa", "acc"):
        assert found.mean[name] == pytest.approx(np.mean([found.sets[one][name] for one in suite.names]))


def test_scores_of_a_few_rows_are_those_done_by_hand(
    in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    found = big.score(file_of(in_order), suite=suite, truth=labels)
    # Positive class 0.75, 0.5, 0, 0.875 for 1, 0, 0, 1: every positive above every negative, one row at 0.5.
    assert {name: found.sets["breast"][name] for name in (*RANKED, "acc")} == dict.fromkeys(
        (*RANKED, "acc"), 1.0
    )
    # Grades 2, 0, 2, 2 for 2, 0, 1, 2.
    assert found.sets["grades"]["acc"] == 0.75
    assert found.sets["grades"]["balacc"] == pytest.approx(2 / 3)
    assert found.sets["grades"]["mae"] == 0.25


@pytest.mark.parametrize("gone", ["breast", "grades", "finds"])
def test_without_one_set_there_is_no_mean_and_no_rank(
    gone: str, in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    kept = "".join(one for one in in_order.splitlines(keepends=True) if not one.startswith(gone))
    found = big.score(file_of(kept), suite=suite, truth=labels)
    assert found.missing == (gone,)
    assert not found.complete
    assert not found.rankable
    assert all(math.isnan(value) for value in found.mean.values())
    assert f"1 of 3 sets missing: {gone}" in found.sentence


def test_an_undefined_score_gives_no_mean_and_is_named(
    in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    labels["breast"][:] = 0
    found = big.score(file_of(in_order), suite=suite, truth=labels)
    assert found.complete
    assert not found.rankable
    assert math.isnan(found.mean["auc"])
    assert math.isfinite(found.mean["acc"])
    assert "AUC of breast" in found.undefined
    assert "undefined: AUC of breast" in found.sentence


def test_the_scores_do_not_depend_on_the_order_of_lines_or_columns_of_zeros(
    in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    header, *rows = in_order.splitlines()
    shuffled = "\n".join([header, *np.random.default_rng(0).permutation(rows)])
    first = big.score(file_of(in_order), suite=suite, truth=labels)
    second = big.score(file_of(shuffled, "b.csv"), suite=suite, truth=labels)
    assert first.to_dict() | {"file": ""} == second.to_dict() | {"file": ""}


def test_the_dictionary_is_json_and_says_under_what_it_was_scored(
    in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    labels["breast"][:] = 0
    found = big.score(file_of(in_order), suite=suite, truth=labels, bootstrap=5).to_dict()
    told = json.loads(json.dumps(found, allow_nan=False))
    assert told["suite"] == {"name": "toy", "version": "1", "digest": suite.digest}
    assert told["mean"]["auc"] is None
    assert told["intervals"]["breast"]["auc"] == [None, None]
    assert told["rankable"] is False


def test_predictions_that_were_read_already_are_scored_under_their_suite(
    in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    held = big.read_predictions(file_of(in_order), suite=suite)
    assert big.score(held, truth=labels).suite is suite


def test_truth_that_is_not_at_hand_is_named_for_all_sets_at_once(
    in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    with pytest.raises(DataError, match="2 of 3 predicted sets") as refused:
        big.score(file_of(in_order), suite=suite, truth={"grades": labels["grades"]})
    assert refused.value.values["missing"] == ("breast", "finds")


@pytest.mark.usefixtures("offline")
def test_a_source_without_a_set_is_named(tmp_path: Path) -> None:
    rows = big.find_suite("big")["breastmnist"].rows
    path = big.write_predictions(tmp_path / "x.csv", {"breastmnist": np.full((rows, 2), 0.5)})
    with pytest.raises(DataError, match="1 of 1 predicted sets are not at hand:\n  breastmnist"):
        big.score(path)


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("breast", [0, 1, 1], r"shape \[3\], but the suite has \[4\]"),
        ("breast", [0, 1, 2, 0], "run from 0 to 2, but the suite has whole numbers 0 to 1"),
        ("grades", [0, 1, 0.5, 0], "run from 0.0 to 1.0"),
        ("grades", [0, 1, -1, 0], "run from -1 to 1"),
        ("finds", [0, 1, 1], r"shape \[3\], but the suite has \[3, 4\]"),
        ("breast", ["a", "b", "a", "b"], "are <U1"),
        ("grades", [0, 1, math.nan, 0], "run from nan to nan"),
    ],
)
def test_truth_of_something_else_is_refused(
    name: str, wrong: list, words: str, in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    truth = labels | {name: np.array(wrong)}
    with pytest.raises(FormatError, match=f"true labels of {name} .*{words}"):
        big.score(file_of(in_order), suite=suite, truth=truth)


def test_a_negative_number_of_draws_is_refused(suite: big.Suite, in_order: str, file_of: FileOf) -> None:
    with pytest.raises(SettingsError, match="bootstrap is -1"):
        big.score(file_of(in_order), suite=suite, bootstrap=-1)


def test_a_submitter_cannot_bring_the_truth_along(
    in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    """The benchmark's first site scored against a column of the file itself."""
    with pytest.raises(big.PredictionFileError, match="neither truth nor decisions"):
        big.score(file_of(in_order.replace("p3\n", "truth\n")), suite=suite, truth=labels)


def test_the_table_has_a_row_a_set_and_one_for_the_mean(
    in_order: str, suite: big.Suite, labels: Labels, file_of: FileOf
) -> None:
    table = big.score(file_of(in_order), suite=suite, truth=labels).table
    assert list(table.index) == ["breast", "grades", "finds", "mean"]
    assert list(table)[:3] == ["auc", "balacc", "kappa"]
    assert table["map"].notna().sum() == table["mae"].notna().sum() == 1


@pytest.mark.real_data
def test_the_three_real_sets_are_scored_with_the_labels_on_disk(
    real_data: Path, isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    suite = big.find_suite("big")
    rng = np.random.default_rng(0)
    names = ("pneumoniamnist", "retinamnist", "breastmnist")
    made = {name: rng.dirichlet(np.ones(len(suite[name].classes)), suite[name].rows) for name in names}
    found = big.score(big.write_predictions(tmp_path / "mine.csv.gz", made))
    assert list(found.sets) == list(names)
    assert len(found.missing) == 9
    for name in names:
        with np.load(real_data / "medmnist" / f"{name}.npz") as official:
            theirs = by_hand(suite[name].task, official["test_labels"][:, 0], made[name])
        assert found.sets[name] | theirs == pytest.approx(found.sets[name], abs=1e-12)


def test_all_twelve_sets_give_a_mean(tmp_path: Path, make: Callable[..., tuple[Labels, Labels]]) -> None:
    """The whole shape of the benchmark, with sets cut to a fiftieth."""
    whole = big.find_suite("big")
    small = replace(whole, sets=tuple(replace(one, rows=max(150, one.rows // 50)) for one in whole))
    truth, made = make(small)
    found = big.score(
        big.write_predictions(tmp_path / "mine.zip", made, suite=small), suite=small, truth=truth
    )
    assert found.rankable
    assert "Mean over the 12 sets of 'big' at size 28: AUC 0." in found.sentence
