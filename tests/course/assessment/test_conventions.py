"""How quizzes and challenges are built: each departure is named with its cell."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

SCHEME = "## Text (2 points)\n### BEGIN MARK SCHEME\n1. what half is\n2. half of what\n### END MARK SCHEME"


def meta(grade_id, **changes):
    base = {"grade": False, "solution": False, "task": False, "locked": True, "schema_version": 3}
    return {"nbgrader": {**base, "grade_id": grade_id, **changes}}


def about(cell):
    return cell.metadata["nbgrader"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda parts: about(parts["q1-answer"]).update(locked=True), "An answer cell must be open"),
        (lambda parts: about(parts["q1"]).update(locked=False), "every other cell with an id must be locked"),
        (lambda parts: about(parts["q1"]).update(schema_version=2), "schema is 2, not 3"),
        (lambda parts: parts["q1"].update(source="## Q1 (3 points)"), "says 3 points; the cell is worth 2"),
        (lambda parts: parts["q1"].update(source="## Q1"), "Its heading does not say its points"),
        (lambda parts: parts.pop("q1"), "It has no text cell 'q1'"),
        (lambda parts: about(parts["q1-test"]).update(grade_id="q1-tests"), "Name a test cell after"),
        (
            lambda parts: parts.update({"q1-answer": parts.pop("q1-answer")}),
            "It stands above the answer that it tests",
        ),
    ],
)
def test_a_cell_that_breaks_a_convention_is_named(faults_of, parts, change, said):
    change(parts)
    assert said in faults_of(parts)


CALLS = """marks = Marks("Q1", globals(), points=2)
### BEGIN HIDDEN TESTS
marks.passed("twice", twice(2) == 4 if callable(globals().get("twice")) else False, points=2)
marks.total()
### END HIDDEN TESTS"""
TWICE = "### BEGIN SOLUTION\ndef twice(n):\n    return 2 * n\n### END SOLUTION"


@pytest.mark.parametrize(
    ("line", "said"), [("", "It calls the student's twice"), ("### TESTS CALL ANSWERS", "")]
)
def test_tests_that_call_functions_of_students_must_say_so(faults_of, parts, keys_text, line, said):
    parts["q1-answer"].source, parts["q1-test"].source = TWICE, CALLS
    parts["setup"].source += f"\n{line}"
    found = faults_of(parts, keys_text('"half = 4"', '"def twice(n): return n + 1"'))
    assert said in found if said else found == ""


def test_an_answer_without_a_stated_mistake_is_a_fault(faults_of, parts, keys_text):
    without = keys_text().partition("[[mistakes]]")[0]
    assert "q1-answer: No wrong answer is stated for it; add one to 01_topic.toml." in faults_of(
        parts, without
    )


def test_a_scheme_numbers_as_many_points_as_its_cell_is_worth(faults_of, parts):
    parts["m1"] = new_markdown_cell(SCHEME, metadata=meta("m1", task=True, points=3))
    found = faults_of(parts)
    assert "Its mark scheme numbers 2 points; the cell is worth 3." in found
    assert "Its heading says 2 points; the cell is worth 3." in found


def test_a_quiz_that_is_no_warm_up_needs_questions_a_text_and_the_own_run(faults_of, parts, keys_text):
    found = faults_of(parts, keys_text("warm_up = true", ""))
    for said in (
        "It has 1 questions; a quiz has at least 8.",
        "It has no text for a person to read.",
        "1 tests take their key from the student's own run; at least 2 should.",
        'should hold course.place_results("01")',
        "State runs with other outcomes",
        "It does not say that the questions are worth 2 points.",
    ):
        assert said in found


def challenge(parts, rows="| 2 | half |", trust="**Honour system.** Labels are public."):
    parts = dict(parts)
    parts["intro"] = new_markdown_cell(
        f"| points | for |\n|---|---|\n{rows}\n\n{trust}", metadata=meta("intro")
    )
    parts["report"] = new_markdown_cell(SCHEME, metadata=meta("report", task=True, points=2))
    return parts


@pytest.fixture
def challenge_keys(keys_text):
    return keys_text("belief", 'notebook = "challenge"\nbelief')


def test_a_challenge_that_says_its_points_and_what_it_trusts_in_is_sound(faults_of, parts, challenge_keys):
    assert faults_of(challenge(parts), challenge_keys, name="challenge") == ""
    assert faults_of(challenge(parts, rows="| 1 + 1 | half |"), challenge_keys, name="challenge") == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": "| 3 | half |"}, "The rows of its table add up to 3 points; its tests give 2."),
        ({"trust": "Good luck."}, "It does not say what it trusts in"),
    ],
)
def test_a_challenge_that_says_something_else_is_a_fault(faults_of, parts, challenge_keys, changes, said):
    assert said in faults_of(challenge(parts, **changes), challenge_keys, name="challenge")


def test_mistakes_in_different_cells_of_a_challenge_are_tried_together(faults_of, parts, challenge_keys):
    """A challenge trains for long: two mistakes, one attempt, and all that is lost must be stated."""
    parts["other"] = new_code_cell(
        "seen = 0\n### BEGIN SOLUTION\nseen = 1\n### END SOLUTION",
        metadata=meta("other", solution=True, locked=False),
    )
    parts["other-test"] = new_code_cell(
        "### BEGIN HIDDEN TESTS\nfloat(seen) if half != 4 else 0.5\n### END HIDDEN TESTS",
        metadata=meta("other-test", grade=True, points=1),
    )
    more = '\n[[mistakes]]\nbelief = "b"\nnotebook = "challenge"\ncell = "other"\nanswer = "seen = 0"\n'
    keys = challenge_keys + more + "loses = { other-test = 1 }\n"
    found = faults_of(challenge(parts, rows="| 3 | all |"), keys, name="challenge")
    assert "'takes half for twice' and 'b': lost 2 in q1-test, 0.5 in other-test" in found
