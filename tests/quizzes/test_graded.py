"""The graded quizzes, through nbgrader itself: right answers, no answers, wrong answers, and what leaks."""

import html
import json
import re

import pytest

START, LESSON = "00_start_here", "01_classification"
pytestmark = [pytest.mark.xdist_group("nbgrader"), pytest.mark.slow]


@pytest.mark.parametrize(
    ("assignment", "notebook"), [(START, "quiz"), (LESSON, "quiz"), (LESSON, "challenge")]
)
def test_reference_solution_earns_every_point_that_tests_give(graded, assignment, notebook):
    row = graded.rows["reference", assignment, notebook]
    lost = {name: points for name, points in row["cells"].items() if points == 0}
    assert row["max_score"] > 0
    assert row["score"] == row["max_score"], lost


@pytest.mark.parametrize(
    ("assignment", "notebook"), [(START, "quiz"), (LESSON, "quiz"), (LESSON, "challenge")]
)
def test_untouched_release_earns_nothing(graded, assignment, notebook):
    row = graded.rows["untouched", assignment, notebook]
    assert row["score"] == 0, row["cells"]


def test_lesson_quiz_has_enough_questions_two_on_the_own_run_and_one_for_a_person(graded):
    row = graded.rows["reference", LESSON, "quiz"]
    assert len(row["cells"]) >= 8
    assert {"q11-test", "q12-test"} <= set(row["cells"])
    assert row["manual"] > 0


@pytest.mark.parametrize("question", ["q2", "q3", "q5", "q9", "q11"])
def test_plausible_mistake_costs_its_own_points_and_no_others(graded, mistakes, question):
    full = graded.rows["reference", LESSON, "quiz"]["cells"]
    got = graded.rows["mistaken", LESSON, "quiz"]["cells"]
    lost = {name: points - got[name] for name, points in full.items() if name == f"{question}-test"}
    assert lost == mistakes[f"{question}-answer"]


def test_questions_without_a_mistake_keep_all_their_points(graded, mistakes):
    full = graded.rows["reference", LESSON, "quiz"]["cells"]
    got = graded.rows["mistaken", LESSON, "quiz"]["cells"]
    untouched = {name for name in full if name.replace("-test", "-answer") not in mistakes}
    assert len(untouched) >= 5
    assert {name: got[name] for name in untouched} == {name: full[name] for name in untouched}


def test_missing_results_cost_only_the_questions_on_the_own_run_and_are_named(graded):
    full = graded.rows["reference", LESSON, "quiz"]["cells"]
    got = graded.rows["without", LESSON, "quiz"]["cells"]
    assert {name for name in full if got[name] < full[name]} == {"q11-test", "q12-test"}
    page = graded.feedback("without", LESSON)
    assert "came without results.json" in page
    assert "Hand in the whole folder" in page or "hand in the whole folder" in page


def test_nothing_hidden_is_in_the_release_or_its_metadata(graded, hidden_lines):
    files = [path for path in (graded.course / "release").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".ipynb"}
    for path in files:
        text = path.read_text(encoding="utf-8")
        words = "\n".join(strings(json.loads(text)))
        assert not [line for line in hidden_lines if line in words], path
        assert not re.search("(BEGIN|END) (SOLUTION|HIDDEN|MARK)", text)


def test_nothing_hidden_is_in_the_feedback_even_of_a_nosy_student(graded, hidden_lines):
    pages = sorted((graded.course / "feedback").rglob("*.html"))
    assert len(pages) >= 6
    # What a release shows too is no secret: a solution may repeat a line of a visible cell.
    for page in pages:
        shown = plain(page.read_text(encoding="utf-8"))
        if page.parts[-3] == "reference":  # this student wrote the solutions
            continue
        leaked = [line for line in secret(hidden_lines, page.parts[-3]) if squeeze(line) in shown]
        assert not leaked, (page, leaked)
        assert "HIDDEN TESTS" not in page.read_text(encoding="utf-8")


def test_autograded_notebook_holds_hidden_tests_but_no_answer_could_print_them(graded):
    """The first half: otherwise the test above could not fail."""
    notebook = graded.course / "autograded" / "mistaken" / LESSON / "quiz.ipynb"
    text = notebook.read_text(encoding="utf-8")
    assert "BEGIN HIDDEN TESTS" in text
    outputs = [out for cell in json.loads(text)["cells"] for out in cell.get("outputs", [])]
    assert any("quiz.ipynb" in "".join(strings(output)) for output in outputs)  # the nosy cell looked for it
    assert not any("HIDDEN TESTS" in "".join(strings(output)) for output in outputs)


def test_once_a_term_is_named_each_student_is_graded_on_numbers_of_their_own(graded):
    drawn = {}
    for student in ("reference", "mistaken"):
        notebook = json.loads((graded.course / "autograded" / student / LESSON / "quiz.ipynb").read_text())
        cells = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in notebook["cells"]}
        drawn[student] = "".join(strings(cells["q7-given"]["outputs"]))
        assert graded.rows[student, LESSON, "quiz"]["cells"]["q7-test"] == 4
    assert "decisions" in drawn["reference"]
    assert drawn["reference"] != drawn["mistaken"]


def test_feedback_tells_which_part_was_wrong_and_what_to_reread(graded):
    page = html.unescape(graded.feedback("mistaken", LESSON))
    assert "sensitivity_a: not right (0 of 1)" in page
    assert "specificity_a: right (1 of 1)" in page
    assert "To look at again" in page


def strings(value: object) -> list[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *strings(item))]
    return [text for item in value for text in strings(item)] if isinstance(value, list) else []


def plain(page: str) -> str:
    """The text of a page without tags, quoting and blanks."""
    return squeeze(html.unescape(re.sub(r"<[^>]*>", "", page)))


def squeeze(text: str) -> str:
    return re.sub(r"\\[nt]|[\\'\"\s]", "", text)


def secret(lines: list[str], student: str) -> list[str]:
    """What this student must not see. Those who were given solutions may see them, but no test or scheme."""
    if student == "untouched":
        return lines
    return [line for line in lines if line.startswith("marks.") or re.match(r"\d\. ", line)]
