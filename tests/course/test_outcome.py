"""What a run came to: one sentence per thing that is wrong, and the verdict over all."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from teachkit.course import grading
from teachkit.course.declaration import Course
from teachkit.course.outcome import conclude
from teachkit.course.runner import Status
from teachkit.errors import LessonError

pytestmark = pytest.mark.xdist_group("executed lessons")
Executed = tuple[Course, Path, dict[str, Status]]


@dataclass(frozen=True)
class Graded:
    lesson: str
    notebook: str
    score: float
    max_score: float


def problems(executed: Executed) -> dict[str, tuple[str, ...]]:
    course, out, _ = executed
    outcome = conclude(course, course.lessons, out, grade=False)
    return {lesson.lesson.id: lesson.problems for lesson in outcome.lessons}


def test_each_problem_is_a_sentence_with_lesson_place_and_value(executed: Executed) -> None:
    found = problems(executed)
    assert found["t1"] == ()
    assert found["t2"] == (
        "Lesson t2 stopped at In [5] of raises.ipynb: ValueError: the third code cell fails on purpose",
    )
    assert "Lesson t3: 'score' is 0.99, outside its band range of 0.45 to 0.55." in found["t3"]
    assert len(found["t3"]) == 3
    assert "call course.preflight in its first cell" in found["t5"][0]


def test_one_problem_spoils_the_verdict(executed: Executed) -> None:
    course, out, _ = executed
    assert not conclude(course, course.lessons, out, grade=False).ok
    assert conclude(course, course.select(["t1", "t4"]), out, grade=False).ok


def test_lessons_never_run_or_killed_are_problems(executed: Executed, tmp_path: Path) -> None:
    course, out, _ = executed
    (never,) = conclude(course, course.select(["t1"]), tmp_path, grade=False).lessons
    assert never.problems == ("Lesson t1 has not been run. Type: teachkit run t1",)
    shutil.copytree(out / "lessons" / "t1", tmp_path / "lessons" / "t1")
    status = tmp_path / "lessons" / "t1" / "status.json"
    status.write_text(json.dumps(json.loads(status.read_text()) | {"state": "running"}))
    (killed,) = conclude(course, course.select(["t1"]), tmp_path, grade=False).lessons
    assert "was killed half-way" in killed.problems[0]


def test_a_picture_without_alternative_text_is_a_problem(executed: Executed, tmp_path: Path) -> None:
    course, out, _ = executed
    shutil.copytree(out / "lessons" / "t1", tmp_path / "lessons" / "t1")
    notebook = tmp_path / "lessons" / "t1" / "executed.ipynb"
    text = notebook.read_text()
    assert "A blue rectangle" in text
    notebook.write_text(text.replace("A blue rectangle", ""))
    (lesson,) = conclude(course, course.select(["t1"]), tmp_path, grade=False).lessons
    assert "In [5] shows 1 pictures without alternative text" in lesson.problems[0]


def test_a_reference_solution_that_loses_points_is_a_problem(
    executed: Executed, monkeypatch: pytest.MonkeyPatch
) -> None:
    course, out, _ = executed
    graded = [Graded("t1", "quiz", 7, 8), Graded("t4", "quiz", 8, 8)]
    asked: list[list[str]] = []

    def grade(root: Path, folder: Path, lessons: list[str]) -> list[Graded]:
        asked.append(lessons)
        return graded

    monkeypatch.setattr(grading, "grade_references", grade)
    outcome = conclude(course, course.select(["t1", "t2", "t4"]), out)
    assert asked == [["t1", "t4"]]  # t2 failed, so there are no results to ask about
    assert outcome.lessons[0].problems == ("Lesson t1: the reference solution of quiz scores 7 of 8 points.",)
    assert outcome.lessons[2].grades == (graded[1],)
    assert outcome.lessons[2].ok


def test_grading_that_cannot_be_done_is_a_problem_of_the_run(
    executed: Executed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LessonError("nbgrader stopped.", "Look at its log.")

    monkeypatch.setattr(grading, "grade_references", fail)
    course, out, _ = executed
    outcome = conclude(course, course.select(["t1"]), out)
    assert outcome.problems == ("nbgrader stopped. Look at its log.",)
    assert not outcome.ok
