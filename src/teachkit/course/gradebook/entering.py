"""Points that were earned elsewhere, as an assignment of their own in nbgrader's gradebook.

From there they go wherever grades go: `teachkit course export`, `at-risk`, formgrader.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from teachkit.course.gradebook.reading import open_book
from teachkit.errors import LessonError

NOTEBOOK, CELL = "leaderboard", "points"


def enter(
    gradebook: Path,
    assignment: str,
    earned: Mapping[str, tuple[float, datetime]],
    most: float,
    due: datetime | None = None,
) -> list[str]:
    """Make the points of `assignment` those of `earned`, no more and no fewer; repeat it as often as needed.

    Args:
        gradebook: nbgrader's ``gradebook.db``.
        assignment: made when it is not there.
        earned: student → points, and when it was handed in, with a time zone.
        most: the points that can be reached.
        due: with a time zone.

    Returns:
        The students whose points changed, also those who have none any more.

    Raises:
        LessonError: the assignment has notebooks of its own, so its points come from grading.
        SettingsError: there is no such gradebook.
    """
    with open_book(gradebook) as book:
        found = {one.name: one for one in book.assignments}.get(assignment)
        if found is not None and [part.name for part in found.notebooks] != [NOTEBOOK]:
            raise LessonError(
                f"'{assignment}' is an assignment with notebooks; its points come from grading.",
                "Give the challenge another name under 'assignment' in the rules.",
                assignment=assignment,
            )
        book.update_or_create_assignment(assignment, duedate=due)
        book.update_or_create_notebook(NOTEBOOK, assignment)
        book.update_or_create_grade_cell(
            CELL, NOTEBOOK, assignment, max_score=float(most), cell_type="markdown"
        )
        before = {one.student.id: float(one.score) for one in book.assignment_submissions(assignment)}
        for student, (points, handed_in) in earned.items():
            book.update_or_create_student(student)
            book.update_or_create_submission(assignment, student, timestamp=handed_in)
            grade = book.find_grade(CELL, NOTEBOOK, assignment, student)
            grade.manual_score, grade.needs_manual_grade = float(points), False
        for student in before.keys() - earned.keys():
            book.remove_submission(assignment, student)
        book.db.commit()
    after = {student: points for student, (points, _) in earned.items()}
    return sorted(who for who in before.keys() | after.keys() if before.get(who) != after.get(who))
