"""A small class: one assignment, one honest student, one who did nothing, and many who cheat."""

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from teachkit.course.grading import run_nbgrader

EXAM = "exam"
QUIZZES = Path(__file__).resolve().parents[3] / "quizzes"
RIGHT_Q1 = "# minutes of an hour\nminutes = 60"
RIGHT_Q2 = (
    "# the sum of all that was counted\nwith open('counts.csv') as file:\n    total = sum(map(int, file))"
)
TEST_Q1 = """marks = Marks("Q1", globals(), points=2)
marks.wants_number("minutes")
### BEGIN HIDDEN TESTS
marks.close("minutes", 60, points=2)
marks.total()
### END HIDDEN TESTS"""
TEST_Q2 = """marks = Marks("Q2", globals(), points=3)
marks.wants_number("total")
### BEGIN HIDDEN TESTS
marks.close("total", sum(int(line) for line in open("counts.csv")), points=3)
marks.total()
### END HIDDEN TESTS"""


def exam() -> nbformat.NotebookNode:
    """The instructor's notebook: 2 and 3 points by tests."""
    solution = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
    return new_notebook(
        cells=[
            markdown("intro", "# A short exam"),
            code("setup", "from teachkit.course.marking import Marks", locked=True),
            code("q1-answer", f"minutes = None\n{solution.format(RIGHT_Q1)}", solution=True),
            code("q1-test", TEST_Q1, grade=True, locked=True, points=2),
            code("q2-answer", f"total = None\n{solution.format(RIGHT_Q2)}", solution=True),
            code("q2-test", TEST_Q2, grade=True, locked=True, points=3),
        ]
    )


def code(name: str, source: str, **settings: Any) -> nbformat.NotebookNode:
    """A code cell of nbgrader."""
    return new_code_cell(source, metadata={"nbgrader": {**about(name), **settings}})


def markdown(name: str, source: str) -> nbformat.NotebookNode:
    """A locked text."""
    return new_markdown_cell(source, metadata={"nbgrader": {**about(name), "locked": True}})


def about(name: str) -> dict[str, Any]:
    return {
        "grade": False,
        "grade_id": name,
        "locked": False,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }


class Class:
    """A course folder with the released exam, and what students hand in."""

    exam = EXAM
    right = RIGHT_Q1, RIGHT_Q2

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copyfile(QUIZZES / "nbgrader_config.py", root / "nbgrader_config.py")
        source = root / "source" / EXAM
        source.mkdir(parents=True)
        nbformat.write(exam(), source / "quiz.ipynb")
        (source / "counts.csv").write_text("3\n4\n5\n")
        run_nbgrader(root, [EXAM], ["generate"])

    def released(self) -> nbformat.NotebookNode:
        """A fresh copy of what students get."""
        return nbformat.read(self.root / "release" / EXAM / "quiz.ipynb", as_version=4)

    def cell(self, notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
        """The cell with this id."""
        return next(one for one in notebook.cells if one.metadata.get("nbgrader", {}).get("grade_id") == name)

    def answered(self, q1: str = RIGHT_Q1, q2: str = RIGHT_Q2) -> nbformat.NotebookNode:
        """A released notebook with these answers."""
        notebook = self.released()
        self.cell(notebook, "q1-answer").source = q1
        self.cell(notebook, "q2-answer").source = q2
        return notebook

    def hand_in(self, student: str, notebook: nbformat.NotebookNode | str) -> Path:
        """Put a notebook, or its text, and the file that came with it into the folder of a student."""
        folder = self.root / "submitted" / student / EXAM
        shutil.copytree(self.root / "release" / EXAM, folder, dirs_exist_ok=True)
        text = notebook if isinstance(notebook, str) else json.dumps(notebook)
        (folder / "quiz.ipynb").write_text(text)
        return folder

    def limit(self, seconds: int) -> None:
        """Let no cell run longer."""
        with open(self.root / "nbgrader_config.py", "a") as settings:
            settings.write(f"\nc.Execute.timeout = {seconds}\n")


@pytest.fixture(scope="module")
def course(need_box: None, tmp_path_factory: pytest.TempPathFactory) -> Class:
    """The course folder with the exam released and nothing handed in."""
    return Class(tmp_path_factory.mktemp("course"))
