"""A gradebook made by nbgrader's own functions: two assignments, any number of students."""

import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

DUE = datetime(2030, 1, 10, 12)
CELLS = {"q1-test": 2.0, "q2-test": 4.0, "q3-test": 4.0}

MakeBook = Callable[..., Path]


@pytest.fixture
def make_book(empty_book: Path, tmp_path: Path) -> MakeBook:
    """`make_book({"ada": {"ps1": (2, 4, 4)}}, late={("ada", "ps1"): 3600})`: nbgrader's gradebook with them.

    `waiting` holds (student, assignment) whose text a person still has to grade; `penalty` in points.
    """

    def make(
        points: Mapping[str, Mapping[str, tuple[float, ...]]],
        *,
        late: Mapping[tuple[str, str], float] | None = None,
        penalty: Mapping[tuple[str, str], float] | None = None,
        waiting: tuple[tuple[str, str], ...] = (),
        assignments: tuple[str, ...] = ("ps1", "ps2"),
    ) -> Path:
        path = Path(shutil.copyfile(empty_book, tmp_path / "gradebook.db"))
        with Gradebook(f"sqlite:///{path}") as book:
            for number, name in enumerate(assignments):
                book.add_assignment(name, duedate=DUE + timedelta(weeks=number))
                book.add_notebook("quiz", name)
                for cell, most in CELLS.items():
                    book.add_grade_cell(cell, "quiz", name, max_score=most, cell_type="code")
                book.add_grade_cell("report", "quiz", name, max_score=2.0, cell_type="markdown")
            for student, work in points.items():
                book.add_student(student)
                for name, scores in work.items():
                    seconds = (late or {}).get((student, name), -3600)
                    due = book.find_assignment(name).duedate
                    book.add_submission(name, student, timestamp=due + timedelta(seconds=seconds))
                    part = book.find_submission_notebook("quiz", name, student)
                    part.late_submission_penalty = (penalty or {}).get((student, name), 0.0)
                    for grade in part.grades:
                        by_hand = grade.name == "report"
                        score = 2.0 if by_hand else scores[list(CELLS).index(grade.name)]
                        grade.auto_score, grade.manual_score = (None, score) if by_hand else (score, None)
                        grade.needs_manual_grade = by_hand and (student, name) in waiting
                book.db.commit()
        return path

    return make
