"""A small quiz that keeps every promise, and the faults of a changed one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from teachkit.course.assessment.check import check_topic

KEYS = """
warm_up = true

[run]
count = 4

[runs.none]
count = 0

[[mistakes]]
belief = "takes half for twice"
cell = "q1-answer"
answer = "half = 4"
loses = { q1-test = 2 }
"""
ANSWER = "half = None\n### BEGIN SOLUTION\nhalf = own_results('count')['count'] / 2\n### END SOLUTION"
TEST = """marks = Marks("Q1", globals(), points=2)
### BEGIN HIDDEN TESTS
marks.close("half", own_results("count")["count"] / 2, points=2)
marks.total()
### END HIDDEN TESTS"""


def meta(grade_id: str, **changes: Any) -> dict[str, Any]:
    base = {"grade": False, "solution": False, "task": False, "locked": True, "schema_version": 3}
    return {"nbgrader": {**base, "grade_id": grade_id, **changes}}


def cells() -> dict[str, NotebookNode]:
    """The cells of the small quiz, by grade id."""
    return {
        "setup": new_code_cell(
            "from teachkit.course.marking import Marks, own_results", metadata=meta("setup")
        ),
        "q1": new_markdown_cell("## Q1. Half (2 points)", metadata=meta("q1")),
        "q1-answer": new_code_cell(ANSWER, metadata=meta("q1-answer", solution=True, locked=False)),
        "q1-test": new_code_cell(TEST, metadata=meta("q1-test", grade=True, points=2)),
    }


@pytest.fixture
def parts() -> dict[str, NotebookNode]:
    """The cells of the small quiz by grade id, to be changed."""
    return cells()


@pytest.fixture
def make_quiz(tmp_path: Path) -> Callable[..., Path]:
    """`make_quiz(cells, keys, name)` writes a course folder with one topic; gives the topic's folder."""

    def make(parts: dict[str, NotebookNode], keys: str = KEYS, name: str = "quiz") -> Path:
        folder = tmp_path / "quizzes" / "source" / "01_topic"
        folder.mkdir(parents=True, exist_ok=True)
        (tmp_path / "quizzes" / "keys").mkdir(exist_ok=True)
        (tmp_path / "quizzes" / "keys" / "01_topic.toml").write_text(keys)
        nbformat.write(new_notebook(cells=list(parts.values())), folder / f"{name}.ipynb")
        return folder

    return make


@pytest.fixture
def faults_of(make_quiz: Callable[..., Path]) -> Callable[..., str]:
    """`faults_of(cells, keys, name)`: all faults that the checker finds, as one text."""

    def faults(*what: Any, **settings: Any) -> str:
        return "\n".join(map(str, check_topic(make_quiz(*what, **settings))))

    return faults


@pytest.fixture
def keys_text() -> Callable[..., str]:
    """`keys_text(old, new)`: the keys of the small quiz with one thing changed."""

    def text(old: str = "", new: str = "") -> str:
        assert old in KEYS
        return KEYS.replace(old, new) if old else KEYS

    return text


@pytest.fixture
def results_text() -> str:
    """A results.json with the number that the small quiz asks about."""
    return json.dumps({"values": {"count": {"value": 4, "interval": None, "unit": ""}}})
