"""Grading again, and what that changed: nobody's score moves without a line that says so."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from teachkit.course.autograde import STEPS, open_api
from teachkit.course.gradebook.reading import Grades, read_grades
from teachkit.course.handins import Marked, grade_class
from teachkit.errors import LessonError

KEYS = ["student", "assignment", "notebook", "cell"]
CHANGED = [*KEYS, "before", "after"]
TOTAL = "total, less lateness"


@dataclass(frozen=True)
class Regraded:
    """Scores that changed, the file that says so, and who could not be graded."""

    changed: pd.DataFrame
    report: Path
    failed: tuple[Marked, ...]


def differences(before: Grades, after: Grades) -> pd.DataFrame:
    """Every score that differs: one row a cell, and one row a student's total of an assignment.

    A cell that is only on one side has nan on the other.
    """
    cells = _joined(before.cells, after.cells, KEYS)
    totals = _joined(before.submissions, after.submissions, KEYS[:2])
    totals["notebook"], totals["cell"] = "", TOTAL
    found = pd.concat([cells, totals])[CHANGED]
    changed = found[~_equal(found["before"], found["after"])]
    return changed.sort_values(KEYS[:2], kind="stable").reset_index(drop=True)


def regrade(
    course: Path,
    assignment: str,
    students: Sequence[str] = (),
    *,
    jobs: int = 1,
    on_done: Callable[..., None] = lambda *_: None,
) -> Regraded:
    """Grade `assignment` again with the tests as they stand now in ``source/``.

    Points that a person gave stay; nbgrader marks these cells for another look. The gradebook of before is
    kept as ``regrades/ASSIGNMENT-TIME.before.db``, and the changes are written beside it.

    Args:
        course: nbgrader's course folder, with ``gradebook.db`` and ``submitted/``.
        assignment: its name.
        students: ids; all when empty.
        jobs: submissions at the same time.
        on_done: called after each student, as by `teachkit.course.handins.grade_class`.

    Raises:
        LessonError: nbgrader cannot make the assignment anew, or nobody handed it in.
        BoxMissingError: as `grade_class`.
        UnknownNameError: the gradebook has no such assignment.
    """
    course = course.resolve()
    book = course / "gradebook.db"
    before = read_grades(book).of([assignment])
    folder = course / "regrades"
    folder.mkdir(exist_ok=True)
    name = f"{assignment}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    backup(book, folder / f"{name}.before.db")
    made: dict[str, Any] = STEPS["generate"](open_api(course), assignment, "")
    if not made["success"]:
        said = str(made.get("error") or made.get("log")).strip().splitlines()
        raise LessonError(
            f"nbgrader cannot make {assignment} anew: {said[-1] if said else 'no message'}",
            f"Mend source/{assignment}, then repeat. No score has changed.",
            assignment=assignment,
        )
    marked = grade_class(course, assignment, students=students, jobs=jobs, again=True, on_done=on_done)
    changed = differences(before, read_grades(book).of([assignment]))
    report = folder / f"{name}.csv"
    changed.to_csv(report, index=False)
    return Regraded(changed, report, tuple(one for one in marked if one.state == "failed"))


def backup(book: Path, target: Path) -> None:
    """Copy a gradebook in one consistent state, also while another program writes to it."""
    with closing(sqlite3.connect(book)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _joined(before: pd.DataFrame, after: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    parts = [part.set_index(keys)["score"] for part in (before, after)]
    return pd.concat(parts, axis=1, keys=["before", "after"]).reset_index()


def _equal(one: pd.Series, other: pd.Series) -> pd.Series:
    return ((one - other).abs() < 1e-9) | (one.isna() & other.isna())
