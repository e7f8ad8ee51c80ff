"""What a second grading changed is listed, and what was before is kept."""

import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook

from teachkit.course.autograde import open_api
from teachkit.course.gradebook.reading import read_grades
from teachkit.course.gradebook.regrading import TOTAL, backup, differences, regrade
from teachkit.course.handins import grade_class
from teachkit.errors import LessonError, UnknownNameError


def changes(make_book: Any, before: Any, after: Any, **more: Any) -> list[tuple[Any, ...]]:
    first = read_grades(make_book({"ada": {"ps1": before}}))
    table = differences(first, read_grades(make_book({"ada": {"ps1": after}}, **more)))
    return [tuple(row) for row in table[["cell", "before", "after"]].to_numpy()]


def test_only_what_changed_is_listed_with_the_total(make_book) -> None:
    assert changes(make_book, (2, 4, 0), (2, 3, 4)) == [("q2-test", 4, 3), ("q3-test", 0, 4), (TOTAL, 8, 11)]
    assert changes(make_book, (2, 4, 0), (2, 4, 0)) == []


def test_a_changed_penalty_shows_in_the_total_alone(make_book) -> None:
    assert changes(make_book, (2, 4, 4), (2, 4, 4), penalty={("ada", "ps1"): 3.0}) == [(TOTAL, 12, 9)]


def test_a_question_that_was_added_has_no_score_before(make_book) -> None:
    grades = read_grades(make_book({"ada": {"ps1": (2, 4, 4)}}))
    fewer = type(grades)(grades.submissions, grades.cells[grades.cells["cell"] != "q3-test"])
    (row,) = differences(fewer, grades).to_dict("records")
    assert (row["cell"], row["after"]) == ("q3-test", 4)
    assert pd.isna(row["before"])


def test_the_copy_of_a_gradebook_is_whole(make_book, tmp_path: Path) -> None:
    book = make_book({"ada": {"ps1": (2, 4, 4)}})
    backup(book, tmp_path / "copy.db")
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("pragma integrity_check").fetchone() == ("ok",)
    assert read_grades(tmp_path / "copy.db").cells.equals(read_grades(book).cells)


def test_an_assignment_that_was_never_graded_cannot_be_graded_again(make_book, tmp_path: Path) -> None:
    make_book({"ada": {"ps1": (2, 4, 4)}})
    with pytest.raises(UnknownNameError, match="ps1"):
        regrade(tmp_path, "ps9")
    assert not (tmp_path / "regrades").exists()


def problem(key: int) -> Any:
    """A quiz of one question whose test has this key."""

    def about(grade_id: str, **kind: Any) -> dict[str, Any]:
        common = {"grade": False, "solution": False, "task": False, "locked": True, "schema_version": 3}
        return {"nbgrader": {**common, "grade_id": grade_id, **kind}}

    test = f"### BEGIN HIDDEN TESTS\nassert answer == {key}\n### END HIDDEN TESTS"
    solution = "### BEGIN SOLUTION\nanswer = 42\n### END SOLUTION"
    return new_notebook(
        cells=[
            new_code_cell(solution, metadata=about("q1", solution=True, locked=False)),
            new_code_cell(test, metadata=about("q1-test", grade=True, points=2)),
        ]
    )


def by_hand(book: Path, student: str, points: float) -> None:
    """A person overrules the test."""
    with Gradebook(f"sqlite:///{book}") as gradebook:
        grade = gradebook.find_grade("q1-test", "quiz", "ps1", student)
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()


@pytest.mark.slow
def test_a_wrong_key_is_mended_and_the_students_get_their_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEACHKIT_UNBOXED", "1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "small"\n')
    source = tmp_path / "source" / "ps1" / "quiz.ipynb"
    source.parent.mkdir(parents=True)
    nbformat.write(problem(41), source)
    assert open_api(tmp_path).generate_assignment("ps1", force=True, create=True)["success"]
    for student, answer in (("ada", 42), ("bob", 7)):
        notebook = nbformat.read(tmp_path / "release" / "ps1" / "quiz.ipynb", as_version=4)
        notebook.cells[0].source = f"answer = {answer}"
        path = tmp_path / "submitted" / student / "ps1" / "quiz.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    assert [one.score for one in grade_class(tmp_path, "ps1")] == [0, 0]
    by_hand(tmp_path / "gradebook.db", "bob", 0.5)
    nbformat.write(problem(42), source)
    done = regrade(tmp_path, "ps1")
    assert done.failed == ()
    assert done.changed[["student", "cell", "before", "after"]].to_numpy().tolist() == [
        ["ada", "q1-test", 0, 2],
        ["ada", TOTAL, 0, 2],
    ]
    assert len(pd.read_csv(done.report)) == 2
    cells = read_grades(tmp_path / "gradebook.db").cells.set_index("student")
    assert cells.loc["bob", ["score", "waiting"]].to_list() == [0.5, True]  # a person's points stay
    assert read_grades(done.report.with_suffix(".before.db")).cells["score"].sum() == 0.5
    source.write_text("{")
    with pytest.raises(LessonError, match="No score has changed"):
        regrade(tmp_path, "ps1")
