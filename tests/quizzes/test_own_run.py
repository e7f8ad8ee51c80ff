"""Questions on the reader's own run: no rule of thumb is right for all, and a broken run is named."""

import json

import pytest

from teachkit.course.marking import own_results
from teachkit.errors import LessonError

QUIZ = "01_classification/quiz.ipynb"


def test_a_rule_of_thumb_is_not_right_for_every_run(marks_of, run_results):
    answer = "own_difference, own_low, own_verdict = 0.0467, 0.03, 'finetuned'"
    marks = marks_of(QUIZ, {"q12-answer": answer}, before=run_results("01", "frozen wins"))
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
