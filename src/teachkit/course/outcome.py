"""What a run came to: each lesson's status, findings and reference grades, and whether all is well."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from teachkit.course.bands import Finding, judge
from teachkit.course.box import missing
from teachkit.course.declaration import Course, Lesson
from teachkit.course.pictures import pictures_without_text
from teachkit.course.records import RESULTS, read_results
from teachkit.course.runner import EXECUTED, Status, lesson_folder, read_status
from teachkit.errors import LessonError


class Grade(Protocol):
    """The reference solution of one quiz notebook, graded."""

    @property
    def lesson(self) -> str: ...
    @property
    def notebook(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def max_score(self) -> float: ...


@dataclass(frozen=True)
class LessonOutcome:
    """One lesson after its run; `problems` are sentences, empty when all is well."""

    lesson: Lesson
    status: Status | None
    results: Mapping[str, Any]
    findings: tuple[Finding, ...]
    grades: tuple[Grade, ...]
    problems: tuple[str, ...]
    executed: Path | None

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class Outcome:
    """The whole run."""

    course: Course
    lessons: tuple[LessonOutcome, ...]
    grading_note: str = ""
    problems: tuple[str, ...] = field(default=())

    @property
    def all_problems(self) -> tuple[str, ...]:
        """Every sentence about something that is wrong."""
        return (*self.problems, *(problem for lesson in self.lessons for problem in lesson.problems))

    @property
    def ok(self) -> bool:
        return not self.all_problems


def conclude(course: Course, lessons: Iterable[Lesson], out: Path, *, grade: bool = True) -> Outcome:
    """Read what the runs left in `out`, judge it, and grade the reference solutions of finished lessons."""
    chosen = tuple(lessons)
    grades: list[Grade] = []
    note = ""
    problems: tuple[str, ...] = ()
    finished = [lesson for lesson in chosen if _is_finished(out, lesson)]
    if grade and finished:
        grades, note, problems = _grade(course, out, finished)
    return Outcome(
        course=course,
        lessons=tuple(_outcome(lesson, out, grades) for lesson in chosen),
        grading_note=note,
        problems=problems,
    )


def _is_finished(out: Path, lesson: Lesson) -> bool:
    status = read_status(out, lesson)
    return status is not None and status.state == "finished"


def _grade(course: Course, out: Path, lessons: list[Lesson]) -> tuple[list[Grade], str, tuple[str, ...]]:
    if find_spec("nbgrader") is None:
        return [], 'Quizzes were not graded: install them with pip install "teachkit[grading]".', ()
    grading = import_module("teachkit.course.grading")
    try:
        graded = list(grading.grade_references(course.root, out, [lesson.id for lesson in lessons]))
        problem = missing()
        return graded, f"Our own solutions were graded without a box. {problem}" if problem else "", ()
    except LessonError as error:
        return [], "", (str(error),)


def _outcome(lesson: Lesson, out: Path, grades: Iterable[Grade]) -> LessonOutcome:
    folder = lesson_folder(out, lesson)
    status = read_status(out, lesson)
    problems: list[str] = []
    results: Mapping[str, Any] = {}
    findings: tuple[Finding, ...] = ()
    if status is None or status.state == "running":
        left = "has not been run" if status is None else "was killed half-way"
        problems.append(f"Lesson {lesson.id} {left}. Type: teachkit run {lesson.id}")
    elif failure := status.failure:
        problems.append(
            f"Lesson {lesson.id} stopped at In [{failure.cell}] of {lesson.file}: "
            f"{failure.name}: {failure.text}"
        )
    elif not (folder / RESULTS).is_file():
        problems.append(
            f"Lesson {lesson.id} finished but began no record: call course.preflight in its first cell."
        )
    else:
        results = read_results(folder / RESULTS)
        findings = tuple(judge(lesson, results, core_only=status.core_only))
        problems += [f"Lesson {lesson.id}: {f.sentence}" for f in findings if f.verdict == "missed"]
        problems += [f"Lesson {lesson.id}: {text}" for text in pictures_without_text(folder / EXECUTED)]
    own = tuple(grade for grade in grades if grade.lesson == lesson.id)
    problems += [
        f"Lesson {lesson.id}: the reference solution of {grade.notebook} scores {grade.score:g} "
        f"of {grade.max_score:g} points."
        for grade in own
        if grade.score < grade.max_score
    ]
    executed = folder / EXECUTED
    return LessonOutcome(
        lesson=lesson,
        status=status,
        results=results,
        findings=findings,
        grades=own,
        problems=tuple(problems),
        executed=executed if executed.is_file() else None,
    )
