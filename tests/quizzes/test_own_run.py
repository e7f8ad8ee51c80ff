"""Questions on the reader's own run are right for any run, and a broken run is named."""

import json

import pytest

from teachkit.course.marking import own_results
from teachkit.errors import LessonError

QUIZ = "01_classification/quiz.ipynb"
RUNS = {
    "clear gain": {},
    "one seed": {"auc_finetuned_by_seed": [0.9], "auc_frozen_by_seed": [0.8]},
    "all equal": {"auc_finetuned_by_seed": [1.0, 1.0, 1.0], "auc_frozen_by_seed": [1.0, 1.0, 1.0]},
    "frozen wins": {"auc_finetuned_by_seed": [0.7, 0.71, 0.72], "auc_frozen_by_seed": [0.9, 0.92, 0.91]},
    "unclear": {"auc_finetuned_by_seed": [0.9, 0.8, 0.95], "auc_frozen_by_seed": [0.85, 0.9, 0.9]},
    "many seeds": {"auc_finetuned_by_seed": [0.9, 0.8] * 10, "auc_frozen_by_seed": [0.85, 0.81] * 10},
    "all found": {"true_positives": 50, "false_negatives": 0, "false_positives": 60, "true_negatives": 0},
    "none found": {"true_positives": 0, "false_negatives": 50},
}


@pytest.mark.parametrize("run", RUNS)
def test_reference_solution_is_right_for_any_run(marks_of, run_results, run):
    marks = marks_of(QUIZ, before=run_results(**RUNS[run]))
    assert (marks["q11-test"], marks["q12-test"]) == (3, 3)


def test_a_rule_of_thumb_is_not_right_for_every_run(marks_of, run_results):
    answer = "own_difference, own_low, own_verdict = 0.0467, 0.03, 'finetuned'"
    marks = marks_of(QUIZ, {"q12-answer": answer}, before=run_results(**RUNS["frozen wins"]))
    assert marks["q12-test"] == 0


def test_absent_results_are_one_sentence_with_a_remedy(tmp_path):
    with pytest.raises(LessonError, match=r"no results\.json beside this quiz.*Run the lesson"):
        own_results(folder=tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"values": 3}', '{"lesson": "01"}'])
def test_damaged_results_are_one_sentence(tmp_path, text):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(LessonError, match=r"results\.json"):
        own_results(folder=tmp_path)


def test_a_value_that_was_not_recorded_is_named(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps({"values": {"auc": {"value": 0.9}}}))
    assert own_results("auc", folder=tmp_path) == {"auc": 0.9}
    with pytest.raises(LessonError, match="does not hold true_positives"):
        own_results("auc", "true_positives", folder=tmp_path)
