"""nbgrader for one prepared course folder: ``python -m teachkit.course.autograde``.

It generates the named assignments, grades what ``submitted/`` holds, makes the feedback if asked, and
prints one line of JSON: the points. A process of its own, because nbgrader changes the working directory
and the log.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

WAIT_S = 120  # for the gradebook, while another process writes to it


def main(arguments: list[str] | None = None) -> int:
    """Run the steps; 0, or 1 with nbgrader's log on standard error when a step failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("course", type=Path)
    parser.add_argument("assignments", nargs="+")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=["generate", "autograde"])
    options = parser.parse_args(arguments)
    os.chdir(options.course)
    api = open_api(options.course)
    rows = []
    for assignment in options.assignments:
        for student, step in _work(options.course, assignment, options.steps):
            result = STEPS[step](api, assignment, student)
            if not result["success"]:
                print(f"{step} {assignment} {student}: {result.get('error')}", file=sys.stderr)
                print(result.get("log"), file=sys.stderr)
                return 1
        rows += scores(api.coursedir.db_url, assignment)
    print(json.dumps(rows))
    return 0


STEPS: dict[str, Any] = {
    "generate": lambda api, assignment, _: api.generate_assignment(assignment, force=True, create=True),
    "autograde": lambda api, assignment, student: api.autograde(assignment, student, force=True, create=True),
    "feedback": lambda api, assignment, student: api.generate_feedback(assignment, student, force=True),
}


def scores(db_url: str, assignment: str) -> list[dict[str, Any]]:
    """The points in the gradebook: one row for each student and notebook, with those of each cell.

    ``max_score`` counts what is graded by tests; ``manual`` what waits for a person.
    """
    rows = []
    with Gradebook(db_url) as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            for notebook in submission.notebooks:
                by_test = [grade for grade in notebook.grades if grade.cell.cell_type == "code"]
                by_hand = [grade for grade in notebook.grades if grade.cell.cell_type != "code"]
                rows.append(
                    {
                        "assignment": assignment,
                        "student": submission.student.id,
                        "notebook": notebook.name,
                        "score": sum(grade.auto_score or 0.0 for grade in by_test),
                        "max_score": sum(grade.cell.max_score for grade in by_test),
                        "manual": sum(grade.cell.max_score for grade in by_hand),
                        "cells": {grade.cell.name: grade.auto_score or 0.0 for grade in by_test},
                    }
                )
    return sorted(rows, key=lambda row: (row["student"], row["notebook"]))


def open_api(course: Path) -> NbGraderAPI:
    """nbgrader's own programming interface for the course folder `course`, with its settings."""
    config = Config()
    config.CourseDirectory.root = str(course.resolve())
    config.CourseDirectory.db_url = gradebook_url(course)
    config.merge(PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config())
    config.pop("ExchangeFactory", None)  # nothing is exchanged here, and a bucket would be asked each time
    return NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)


def gradebook_url(course: Path) -> str:
    """Where the gradebook lies, unless the settings say something else; a busy one is waited for."""
    return f"sqlite:///{course.resolve() / 'gradebook.db'}?timeout={WAIT_S}"


def _work(course: Path, assignment: str, steps: list[str]) -> list[tuple[str, str]]:
    students = sorted(path.parent.name for path in (course / "submitted").glob(f"*/{assignment}"))
    work = [("", "generate")] if "generate" in steps else []
    return work + [(student, step) for student in students for step in steps if step != "generate"]


if __name__ == "__main__":
    sys.exit(main())
