"""Rules of graded quizzes that nbgrader does not hold, and the command that checks them."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from typer.testing import CliRunner

from teachkit.cli.quiz import app
from teachkit.course.assignments import check_assignments
from teachkit.errors import LessonError

SOLVED = "x = None\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION"
TESTED = "### BEGIN HIDDEN TESTS\nassert x == 1\n### END HIDDEN TESTS"
SCHEMED = "Write.\n### BEGIN MARK SCHEME\n1. a point\n### END MARK SCHEME"


def meta(grade_id, **changes):
    base = {"grade": False, "solution": False, "task": False, "locked": True, "schema_version": 3}
    return {"nbgrader": {**base, "grade_id": grade_id, **changes}}


def answer(source=SOLVED, **changes):
    return new_code_cell(source, metadata=meta("a", solution=True, locked=False, **changes))


def graded_cell(source=TESTED, grade_id="t", points=1, **changes):
    return new_code_cell(source, metadata=meta(grade_id, grade=True, points=points), **changes)


def task(source=SCHEMED, points=2):
    return new_markdown_cell(source, metadata=meta("m", task=True, points=points))


def faults(tmp_path, *cells):
    folder = tmp_path / "quizzes" / "source" / "01_topic"
    folder.mkdir(parents=True)
    nbformat.write(new_notebook(cells=list(cells)), folder / "quiz.ipynb")
    return " ".join(map(str, check_assignments(folder.parent)))


def test_a_sound_quiz_has_no_fault(tmp_path):
    assert faults(tmp_path, answer(), graded_cell(), task(), new_markdown_cell("Your text.")) == ""


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([answer("x = 1")], "(a): It is an answer cell without 'BEGIN SOLUTION'"),
        ([graded_cell("assert x == 1")], "(t): It is a test cell without 'BEGIN HIDDEN TESTS'"),
        ([task("Write.")], "(m): It is a task cell without 'BEGIN MARK SCHEME'"),
        ([new_code_cell(SOLVED)], "so a release would keep it"),
        ([new_markdown_cell(SCHEMED)], "so a release would keep it"),
        ([answer(TESTED + SOLVED)], "'BEGIN HIDDEN TESTS' but is not a test cell"),
        ([graded_cell("### BEGIN HIDDEN TESTS\nx")], "no matching end"),
        ([graded_cell(points=0)], "worth no points"),
        ([task(points=0)], "worth no points"),
        ([graded_cell(), graded_cell()], "used twice"),
        ([graded_cell(outputs=[new_output("stream", text="1")])], "keeps outputs"),
    ],
)
def test_each_fault_is_named_with_its_cell(tmp_path, cells, said):
    found = faults(tmp_path, *cells)
    assert said in found
    assert "01_topic/quiz.ipynb, cell" in found


def test_cells_need_ids_of_their_own(tmp_path):
    faults(tmp_path, answer(), task())
    path = tmp_path / "quizzes" / "source" / "01_topic" / "quiz.ipynb"
    text = path.read_text()
    ids = [cell["id"] for cell in json.loads(text)["cells"]]
    path.write_text(text.replace(ids[1], ids[0]))
    assert "the file: Each cell needs an id of its own" in str(check_assignments(path.parents[1])[0])


def test_a_file_that_is_no_notebook_and_an_empty_folder_are_faults(tmp_path):
    assert "no quiz notebook" in str(check_assignments(tmp_path)[0])
    (tmp_path / "01_topic").mkdir()
    (tmp_path / "01_topic" / "quiz.ipynb").write_text("{}")
    assert "It is no notebook" in str(check_assignments(tmp_path)[0])


def test_quiz_check_accepts_the_course(root, monkeypatch):
    monkeypatch.chdir(root)
    result = CliRunner().invoke(app, ["check", "--no-run"])
    assert result.exit_code == 0, result.output
    assert "in order" in result.output


def test_quiz_check_names_each_fault_and_fails(tmp_path, monkeypatch):
    faults(tmp_path, answer("x = 1"))
    (tmp_path / "quizzes" / "self_checks").mkdir()
    (tmp_path / "quizzes" / "self_checks" / "01_topic.json").write_text("[{},]")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "course.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["check"])
    assert "01_topic.json" in result.output
    assert "quiz.ipynb, cell 1 (a)" in result.output
    assert isinstance(result.exception, LessonError)
