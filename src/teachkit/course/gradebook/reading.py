"""nbgrader's gradebook as two plain tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.extras import need

FEWEST = 5  # figures about fewer students than this would be about persons

SUBMISSIONS = [
    "student",
    "assignment",
    "handed_in",
    "due",
    "late_s",
    "raw",
    "penalty",
    "score",
    "max_score",
    "waiting",
]
CELLS = ["student", "assignment", "notebook", "cell", "by_hand", "score", "max_score", "waiting"]


@dataclass(frozen=True)
class Grades:
    """A gradebook.

    `submissions` has one row for each student and assignment. `handed_in` and `due` are in UTC without a
    zone, `late_s` in seconds after extensions, `score` is `raw` less `penalty`, in points, and at least 0.
    What was never handed in has ``handed_in`` NaT and a score of nan. `waiting` is true where a person still
    has to grade.

    `cells` has one row for each graded cell of what was handed in.
    """

    submissions: pd.DataFrame
    cells: pd.DataFrame

    def of(self, assignments: Iterable[str]) -> "Grades":
        """The rows of these assignments; all when none is named.

        Raises:
            UnknownNameError: the gradebook does not know one of them.
        """
        known, chosen = set(self.submissions["assignment"]), list(assignments)
        for name in chosen:
            if name not in known:
                raise UnknownNameError(f"No grades of '{name}'.", nearest(name, known, "assignments"))
        if not chosen:
            return self
        return Grades(*(part[part["assignment"].isin(chosen)] for part in (self.submissions, self.cells)))


def read_grades(gradebook: Path, students: Iterable[str] = ()) -> Grades:
    """All grades in the file `gradebook`.

    Args:
        gradebook: nbgrader's ``gradebook.db``.
        students: ids of students who may not be in it yet, because they never handed in.

    Raises:
        SettingsError: there is no such file.
    """
    with open_book(gradebook) as book:
        ids = sorted({student.id for student in book.students} | set(students))
        submissions, cells = [], []
        for assignment in sorted(book.assignments, key=lambda found: found.name):
            handed_in = {found.student.id: found for found in assignment.submissions}
            for student in ids:
                submissions.append(_submission(student, assignment, handed_in.get(student)))
            for student, found in sorted(handed_in.items()):
                cells += [
                    _cell(student, assignment, grade) for part in found.notebooks for grade in part.grades
                ]
    return Grades(pd.DataFrame(submissions, columns=SUBMISSIONS), pd.DataFrame(cells, columns=CELLS))


def open_book(gradebook: Path) -> Any:
    """nbgrader's ``Gradebook`` of the file `gradebook`; close it, or use it as a context.

    Raises:
        SettingsError: there is no such file.
    """
    if not gradebook.is_file():
        raise SettingsError(
            f"There is no gradebook {gradebook}.",
            "nbgrader makes it with the first assignment: cd quizzes; nbgrader generate_assignment NAME",
            path=str(gradebook),
        )
    return need("nbgrader.api", "grading").Gradebook(f"sqlite:///{gradebook.resolve()}")


def _submission(student: str, assignment: Any, found: Any) -> dict[str, Any]:
    nothing = found is None
    due = assignment.duedate and (assignment if nothing else found).duedate
    raw = float("nan") if nothing else float(found.score)
    penalty = 0.0 if nothing else float(found.late_submission_penalty)
    return {
        "student": student,
        "assignment": assignment.name,
        "handed_in": pd.NaT if nothing else pd.Timestamp(found.timestamp),
        "due": pd.Timestamp(due) if due else pd.NaT,
        "late_s": 0.0 if nothing else float(found.total_seconds_late),
        "raw": raw,
        "penalty": penalty,
        "score": raw if nothing else max(0.0, raw - penalty),
        "max_score": float(assignment.max_score),
        "waiting": False if nothing else bool(found.needs_manual_grade),
    }


def _cell(student: str, assignment: Any, grade: Any) -> dict[str, Any]:
    return {
        "student": student,
        "assignment": assignment.name,
        "notebook": grade.notebook.name,
        "cell": grade.cell.name,
        "by_hand": grade.cell.cell_type != "code",
        "score": float(grade.score),
        "max_score": float(grade.cell.max_score),
        "waiting": bool(grade.needs_manual_grade),
    }
