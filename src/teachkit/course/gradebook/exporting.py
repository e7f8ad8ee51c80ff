"""Grades as Canvas and Moodle read them, and nothing else about a student than they know already.

Canvas wants its own list back: the file that *Grades, Export* gives is filled in, its identity columns
unchanged. Moodle finds students by their user name or address and lets you match columns to items.
A score that does not exist leaves its cell empty, which both platforms take as "no change".
"""

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from nbgrader.plugins import ExportPlugin

from teachkit.course.gradebook.reading import Grades, read_grades
from teachkit.course.roster import HEADINGS, Roster, read_roster
from teachkit.errors import FormatError, LessonError, UnknownNameError, nearest
from teachkit.paths import atomic

POINTS = "Points Possible"
CANVAS_OWN = ("Student", "ID", "SIS User ID", "SIS Login ID", "Root Account", "Integration ID", "Section")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Sheet:
    """A grade file: its top rows, and one row for each student, by our id."""

    top: list[list[str]]
    body: dict[str, list[str]]

    @property
    def rows(self) -> list[list[str]]:
        """All rows, as they are written."""
        return [*self.top, *self.body.values()]


@dataclass(frozen=True)
class Exported:
    """How many students a file holds, and who has a score and is not in it."""

    students: int
    left_out: tuple[str, ...]


def canvas(grades: Grades, roster: Roster, listed: Path | None = None, *, student: str = "") -> Sheet:
    """A file for Canvas' *Grades, Import*.

    Args:
        grades: what to hand on.
        roster: the students; only they are in the file.
        listed: the file that Canvas exported. Its identity columns and its names of our columns, which hold
            Canvas' numbers in brackets, are kept. Without it students are found by their login.
        student: heading of the column in `listed` with our ids, where it would not be found.

    Raises:
        FormatError: `listed` is not such a file.
    """
    names = sorted(set(grades.submissions["assignment"]))
    scores, points = _scores(grades), _points(grades)
    if listed is None:
        own = [*CANVAS_OWN[:4], CANVAS_OWN[-1]]
        rows = [[_safe(entry.name or entry.student), "", "", entry.student, ""] for entry in roster.entries]
        ids = [entry.student for entry in roster.entries]
        headings = names
    else:
        table = _table(listed)
        own = [heading for heading in table.columns if heading in CANVAS_OWN]
        key = _key(table, student, listed)
        table = table[table[key].isin([entry.student for entry in roster.entries])]
        rows, ids = table[own].to_numpy().tolist(), table[key].tolist()
        headings = [_theirs(name, list(table.columns)) for name in names]
    top = [[*own, *headings], [f"    {POINTS}", *[""] * (len(own) - 1), *(_number(points[n]) for n in names)]]
    body = {
        who: [*row, *(_number(scores.get((who, name))) for name in names)]
        for row, who in zip(rows, ids, strict=True)
    }
    return Sheet(top, body)


def moodle(grades: Grades, roster: Roster) -> Sheet:
    """A file for Moodle's *Grades, Import, CSV file*: user name, address, one column a quiz."""
    names = sorted(set(grades.submissions["assignment"]))
    scores, points = _scores(grades), _points(grades)
    head = ["Username", "Email address", *(f"{name} (of {_number(points[name])})" for name in names)]
    body = {}
    for entry in roster.entries:
        found = (_number(scores.get((entry.student, name))) for name in names)
        body[entry.student] = [entry.student, entry.principal, *found]
    return Sheet([head], body)


FORMATS: Mapping[str, Callable[..., Sheet]] = {"canvas": canvas, "moodle": moodle}


def export(
    kind: str, grades: Grades, roster: Roster, target: Path, *, unfinished: bool = False, **more: Any
) -> Exported:
    """Write `grades` to `target` in the format `kind`, "canvas" or "moodle".

    Raises:
        LessonError: a person still has to grade something, and `unfinished` does not allow that.
        UnknownNameError: there is no such format.
    """
    if kind not in FORMATS:
        raise UnknownNameError(f"No format '{kind}'.", nearest(kind, FORMATS, "formats"))
    waiting = grades.submissions[grades.submissions["waiting"]]
    if len(waiting) and not unfinished:
        open_ = ", ".join(f"{row.student} ({row.assignment})" for row in waiting.head(3).itertuples())
        raise LessonError(
            f"{len(waiting)} hand-ins still wait for a person: {open_}{' …' if len(waiting) > 3 else ''}.",
            "Grade them in formgrader, or export what there is with --unfinished.",
            waiting=len(waiting),
        )
    sheet = FORMATS[kind](grades, roster, **more)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(sheet.rows)
    with atomic(target) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
    scored = set(grades.submissions.dropna(subset=["score"])["student"])
    return Exported(len(sheet.body), tuple(sorted(scored - set(sheet.body))))


class _Export(ExportPlugin):
    """What both plug-ins of ``nbgrader export`` share."""

    kind = ""

    def export(self, gradebook: Any) -> None:
        path = Path(gradebook.engine.url.database)
        roster = read_roster(path.parent / "roster.csv")
        grades = read_grades(path, [entry.student for entry in roster.entries]).of(self.assignment)
        target = Path(self.to or f"{self.kind}.csv")
        done = export(self.kind, grades, roster, target)
        self.log.info("%s: %d students", target, done.students)
        for student in done.left_out:
            self.log.warning("%s has a score and is not in the file", student)


class CanvasExport(_Export):
    """``nbgrader export --exporter=teachkit.course.gradebook.exporting.CanvasExport``."""

    kind = "canvas"


class MoodleExport(_Export):
    """``nbgrader export --exporter=teachkit.course.gradebook.exporting.MoodleExport``."""

    kind = "moodle"


def _scores(grades: Grades) -> dict[tuple[str, str], float]:
    rows = grades.submissions
    return dict(zip(zip(rows["student"], rows["assignment"], strict=True), rows["score"], strict=True))


def _points(grades: Grades) -> dict[str, float]:
    return dict(grades.submissions.groupby("assignment")["max_score"].first())


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{round(value, 2):g}"


def _safe(text: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise FormatError(
            f"{path} cannot be read as a table: {error}.", "Export it anew in Canvas."
        ) from error


def _key(table: pd.DataFrame, student: str, path: Path) -> str:
    headings = {str(heading).strip().lower(): str(heading) for heading in table.columns}
    for wanted in [student.lower()] if student else HEADINGS["student"]:
        if wanted in headings:
            return headings[wanted]
    raise FormatError(
        f"{path} has no column with our students' ids; it has {', '.join(map(str, table.columns))}.",
        "Name it with --student.",
    )


def _theirs(name: str, headings: Sequence[str]) -> str:
    """Canvas' heading of the column `name`, which may end with its number in brackets."""
    fit = [heading for heading in headings if re.fullmatch(re.escape(name) + r"( \(\d+\))?", heading)]
    return fit[0] if fit else name
