"""Grading the reference solutions of a run: what is placed, kept, redone and refused."""

import json

import pytest

from teachkit.course import grading
from teachkit.course.grading import Graded, grade_references, run_nbgrader
from teachkit.errors import LessonError


@pytest.fixture
def course(tmp_path, root):
    """A course folder with the quiz of 01 only, and a run with results."""
    folder = tmp_path / "course" / "quizzes" / "source" / "01_classification"
    folder.mkdir(parents=True)
    (folder.parents[1] / "nbgrader_config.py").write_text("c = get_config()\n")
    source = root / "quizzes" / "source" / "01_classification" / "quiz.ipynb"
    (folder / "quiz.ipynb").write_bytes(source.read_bytes())
    (tmp_path / "out" / "lessons" / "01").mkdir(parents=True)
    (tmp_path / "out" / "lessons" / "01" / "results.json").write_text('{"values": {}}')
    return tmp_path / "course"


@pytest.fixture
def calls(monkeypatch):
    """nbgrader replaced by one that notes what was handed in, and gives 3 of 4 points."""
    noted = []

    def run(folder, assignments):
        handed = folder / "submitted" / "reference" / assignments[0]
        noted.append({path.name: path.read_text() for path in handed.iterdir()})
        common = {"student": "reference", "notebook": "quiz", "score": 3.0, "max_score": 4.0, "manual": 6.0}
        return [{"assignment": name, **common} for name in assignments]

    monkeypatch.setattr(grading, "run_nbgrader", run)
    return noted


def test_the_solution_and_the_runs_results_are_handed_in(course, calls, tmp_path):
    rows = grade_references(course, tmp_path / "out", ["01"])
    assert rows == [Graded("01", "quiz", 3.0, 4.0, 6.0)]
    assert not rows[0].full
    assert "BEGIN SOLUTION" in calls[0]["quiz.ipynb"]
    assert calls[0]["results.json"] == '{"values": {}}'


def test_an_unchanged_quiz_is_not_graded_again_and_a_changed_one_is(course, calls, tmp_path):
    first = grade_references(course, tmp_path / "out", ["01"])
    assert grade_references(course, tmp_path / "out", ["01"]) == first
    assert len(calls) == 1
    (tmp_path / "out" / "lessons" / "01" / "results.json").write_text('{"values": {"new": {"value": 1}}}')
    grade_references(course, tmp_path / "out", ["01"])
    assert len(calls) == 2
    quiz = course / "quizzes" / "source" / "01_classification" / "quiz.ipynb"
    quiz.write_text(quiz.read_text() + "\n")
    grade_references(course, tmp_path / "out", ["01"])
    assert len(calls) == 3


def test_a_killed_run_leaves_nothing_that_counts_as_graded(course, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(grading, "run_nbgrader", stop)
    with pytest.raises(KeyboardInterrupt):
        grade_references(course, tmp_path / "out", ["01"])
    assert not list((tmp_path / "out").glob("grading/*.json"))


def test_results_that_are_not_there_are_named_with_the_command_that_makes_them(course, calls, tmp_path):
    (tmp_path / "out" / "lessons" / "01" / "results.json").unlink()
    with pytest.raises(LessonError, match=r"asks about a run of lesson 01.*teachkit run 01"):
        grade_references(course, tmp_path / "out", ["01"])
    assert calls == []


def test_a_lesson_without_quizzes_adds_nothing(course, calls, tmp_path):
    assert grade_references(course, tmp_path / "out", ["07"]) == []


@pytest.mark.slow
@pytest.mark.xdist_group("nbgrader")
def test_a_quiz_that_nbgrader_cannot_release_fails_with_its_log(course, tmp_path, root):
    folder = course / "quizzes" / "source" / "01_classification"
    notebook = json.loads((folder / "quiz.ipynb").read_text())
    notebook["cells"] = [cell for cell in notebook["cells"] if "q1" in str(cell["metadata"])][:3] * 2
    (folder / "quiz.ipynb").write_text(json.dumps(notebook))
    with pytest.raises(LessonError, match=r"(?s)could not grade 01_classification.*Duplicate grade id"):
        run_nbgrader(course / "quizzes", ["01_classification"], ["generate"])
