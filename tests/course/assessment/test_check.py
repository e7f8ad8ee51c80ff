"""The checker notices each promise that a quiz breaks."""

import os

import pytest

from teachkit.course.assessment.check import check_topic, topics
from teachkit.errors import LessonError


def test_a_quiz_that_keeps_its_promises_has_no_fault(faults_of, parts):
    assert faults_of(parts) == ""


def test_a_solution_that_is_wrong_for_one_run_is_named_with_the_run(faults_of, parts):
    parts["q1-answer"].source = parts["q1-answer"].source.replace("own_results('count')['count'] / 2", "2")
    found = faults_of(parts)
    assert "With none, the solution loses 2 of 2 points." in found
    assert "With the run" not in found


def test_a_solution_that_fails_is_named_with_its_error(faults_of, parts):
    parts["q1-answer"].source = parts["q1-answer"].source.replace("own_results", "own_result")
    found = faults_of(parts)
    assert "The solution fails with the run: NameError: name 'own_result'" in found
    assert "loses 2 of 2 points" in found


def test_points_for_an_untouched_release_are_a_fault(faults_of, parts):
    parts["q1-test"].source = """marks = Marks("Q1", globals(), points=2)
### BEGIN HIDDEN TESTS
marks.passed("half", globals().get("half") != 4, points=2)
marks.total()
### END HIDDEN TESTS"""
    assert "An untouched release earns 2 points." in faults_of(parts)


def test_a_test_that_returns_nothing_gives_all_points_as_nbgrader_does(faults_of, parts):
    parts["q1-test"].source = "### BEGIN HIDDEN TESTS\nx = 1\n### END HIDDEN TESTS"
    assert "An untouched release earns 2 points." in faults_of(parts)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("q1-test = 2", "q1-test = 1", "lost 2 in q1-test; the keys state 1 in q1-test"),
        ("half = 4", "half = 2", "lost nothing; the keys state 2 in q1-test"),
        ("q1-test = 2", "q1-test = 2, q2-test = 1", "state 2 in q1-test, 1 in q2-test"),
        ('cell = "q1-answer"', 'cell = "q7-answer"', "is no answer cell"),
    ],
)
def test_a_mistake_that_costs_other_points_than_stated_is_a_fault(
    faults_of, parts, keys_text, old, new, said
):
    assert said in faults_of(parts, keys_text(old, new))


def test_a_mistake_can_follow_the_solution(faults_of, parts, keys_text):
    after = "follows_solution = true\nanswer = 'half = half + 2'"
    assert faults_of(parts, keys_text('answer = "half = 4"', after)) == ""


def test_a_hidden_line_in_the_metadata_of_a_release_is_a_leak(faults_of, parts):
    parts["setup"].metadata["notes"] = 'marks.close("half", own_results("count")["count"] / 2, points=2)'
    found = faults_of(parts)
    assert "the release: It shows a line of 01_topic/quiz.ipynb, q1-test: marks.close" in found
    assert "the feedback: It shows" in found


def test_what_a_nosy_student_prints_is_no_leak_in_the_feedback(faults_of, parts):
    parts["q1-test"].source = parts["q1-test"].source.replace("### BEGIN", "print(In)\n### BEGIN")
    assert "feedback" not in faults_of(parts)


def test_feedback_without_the_step_that_hides_would_leak(faults_of, parts, monkeypatch):
    """Otherwise the test above could not fail."""
    monkeypatch.setattr("teachkit.course.feedback.HideTests.preprocess", lambda _, page, what: (page, what))
    assert "the feedback: It shows a line of 01_topic/quiz.ipynb, q1-test" in faults_of(parts)


DRAWN = """from teachkit.course.assessment import variants

count = variants.draw("q1").integers(2, 1000)"""
KEYED = """marks = Marks("Q1", globals(), points=2)
### BEGIN HIDDEN TESTS
marks.close("half", count / 2, points=2)
marks.total()
### END HIDDEN TESTS"""


def test_a_solution_must_suit_the_numbers_of_every_student(faults_of, parts):
    parts["setup"].source += "\n" + DRAWN
    parts["q1-test"].source = KEYED
    parts["q1-answer"].source = "half = None\n### BEGIN SOLUTION\nhalf = count / 2\n### END SOLUTION"
    assert faults_of(parts) == ""
    parts["q1-test"].source = KEYED.replace("count / 2", str(first_draw() / 2))
    assert "With the numbers of one more student, the solution loses 2 points." in faults_of(parts)


def first_draw():
    """What everybody draws while no term is named."""
    names = {}
    exec(DRAWN, names)
    return int(names["count"])


def test_absent_and_misspelt_keys_are_a_fault_and_not_a_crash(make_quiz, parts, keys_text):
    folder = make_quiz(parts, keys_text("belief", "believe"))
    assert "has no 'belief'" in str(check_topic(folder)[0])
    (folder.parents[1] / "keys" / "01_topic.toml").unlink()
    assert "cannot be read" in str(check_topic(folder)[0])


def test_the_check_uses_the_embedded_sets_and_leaves_the_environment_as_it_was(
    faults_of, parts, monkeypatch, tmp_path
):
    monkeypatch.setenv("TEACHKIT_DATA", str(tmp_path))
    monkeypatch.delenv("TEACHKIT_OFFLINE", raising=False)
    parts["setup"].source += "\nimport os\nassert os.environ['TEACHKIT_OFFLINE'] == '1'"
    parts["setup"].source += "\nassert 'TEACHKIT_DATA' not in os.environ"
    before = dict(os.environ), os.getcwd()
    assert faults_of(parts) == ""
    assert (dict(os.environ), os.getcwd()) == before


def test_topics_are_chosen_by_the_id_of_the_lesson(make_quiz, parts):
    folder = make_quiz(parts)
    assert topics(folder.parents[1]) == topics(folder.parents[1], ["01"]) == [folder]
    with pytest.raises(LessonError, match=r"no quiz for lesson '02'.*teachkit quiz new 02"):
        topics(folder.parents[1], ["02"])
