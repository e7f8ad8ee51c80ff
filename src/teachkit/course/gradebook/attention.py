"""Who may need a word from you, and how long the lessons take.

The list names students and reasons, for the people who teach them. The times are about the class: they come
from the results that students hand in, and from fewer than five students there is no figure.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles

import pandas as pd

from teachkit.course.gradebook.reading import FEWEST, Grades
from teachkit.course.records import RESULTS

LOW = 0.5
DROP = 0.25
TIMES = ["lesson", "n", "lower_quartile_min", "median_min", "upper_quartile_min"]


@dataclass(frozen=True)
class Concern:
    """A student and why this person is on the list."""

    student: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.student}: {'; '.join(self.reasons)}"


def at_risk(grades: Grades, now: datetime, *, low: float = LOW) -> list[Concern]:
    """The students with a reason, those with the most reasons first.

    Reasons are: something due was never handed in; less than `low` of the points over all that was graded;
    late twice or more; the newest work a quarter of the points below the mean of the earlier work.

    Args:
        grades: the gradebook, with the students of the roster.
        now: in UTC without a zone.
        low: a share of the points.
    """
    found = []
    for student, rows in grades.submissions.groupby("student", sort=True):
        if reasons := _reasons(rows, now, low):
            found.append(Concern(str(student), tuple(reasons)))
    return sorted(found, key=lambda concern: -len(concern.reasons))


def times(handed_in: Path) -> pd.DataFrame:
    """Minutes from the opening of a lesson to its last recorded number, over the students who handed in.

    Args:
        handed_in: a folder ``STUDENT/ASSIGNMENT/``, such as ``submitted``, with the students' results.json.

    Returns:
        One row a lesson, quartiles in minutes; nan for fewer than five students.
    """
    spent: dict[str, list[float]] = {}
    for path in sorted(handed_in.glob(f"*/*/{RESULTS}")):
        lesson, minutes = _minutes(path)
        if minutes is not None:
            spent.setdefault(lesson, []).append(minutes)
    rows = []
    for lesson, values in sorted(spent.items()):
        enough = len(values) >= FEWEST
        three = quantiles(values, n=4, method="inclusive") if enough else [float("nan")] * 3
        rows.append((lesson, len(values), *three))
    return pd.DataFrame(rows, columns=TIMES)


def _reasons(rows: pd.DataFrame, now: datetime, low: float) -> list[str]:
    reasons = []
    missing = rows[rows["handed_in"].isna() & (rows["due"] < now)]
    if len(missing):
        reasons.append(f"never handed in {', '.join(missing['assignment'])}")
    graded = rows[rows["handed_in"].notna() & ~rows["waiting"] & (rows["max_score"] > 0)]
    if len(graded) and graded["score"].sum() < low * graded["max_score"].sum():
        share = graded["score"].sum() / graded["max_score"].sum()
        reasons.append(f"has {share:.0%} of the points")
    late = rows[rows["late_s"] > 0]
    if len(late) >= 2:
        reasons.append(f"late {len(late)} times, by {_days(late['late_s'].max())} at most")
    shares = (graded["score"] / graded["max_score"]).to_list()
    if len(shares) >= 3 and shares[-1] <= sum(shares[:-1]) / len(shares[:-1]) - DROP:
        reasons.append(f"fell to {shares[-1]:.0%} in {graded['assignment'].iloc[-1]}")
    return reasons


def _days(seconds: float) -> str:
    length = timedelta(seconds=seconds)
    return f"{length.days} days" if length >= timedelta(days=2) else f"{seconds / 3600:.1f} hours"


def _minutes(path: Path) -> tuple[str, float | None]:
    """The lesson of a results.json and its minutes; None where a student's file does not say."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        begun, last = (datetime.fromisoformat(results["times"][name]) for name in ("begun", "last"))
        minutes = (last - begun).total_seconds() / 60
        return str(results["lesson"]), minutes if minutes >= 0 else None
    except (OSError, ValueError, KeyError, TypeError):
        return "", None
