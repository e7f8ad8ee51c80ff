"""What the tests of lessons share: a lesson's cells, the functions it defines, and what a run of it left.

Which lesson is meant stands in the name of the test file: test_lesson_05.py is about lesson 05.
"""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cell = dict[str, Any]


@pytest.fixture(scope="module")
def lesson_id(request: pytest.FixtureRequest) -> str:
    return request.path.stem[-2:]


@pytest.fixture(scope="module")
def cells(root: Path, lesson_id: str) -> list[Cell]:
    """The cells of the lesson as students get it."""
    (notebook,) = (root / "notebooks").glob(f"{lesson_id}_*.ipynb")
    return json.loads(notebook.read_text())["cells"]


@pytest.fixture(scope="module")
def text(cells: list[Cell]) -> str:
    """All that the lesson says between its code."""
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@pytest.fixture(scope="module")
def functions(cells: list[Cell]) -> Callable[..., dict[str, Any]]:
    """`functions("a", "b", np=np)` gives functions a and b of the lesson's cells, which may use np."""

    def find(*wanted: str, **given: Any) -> dict[str, Any]:
        names = dict(given)
        for cell in cells:
            if cell["cell_type"] == "code":
                body: list[ast.stmt] = [
                    part
                    for part in ast.parse("".join(cell["source"])).body
                    if isinstance(part, ast.FunctionDef) and part.name in wanted
                ]
                exec(compile(ast.Module(body, []), "cell", "exec"), names)
        return {name: names[name] for name in wanted}

    return find


@pytest.fixture(scope="module")
def quoted(root: Path, lesson_id: str) -> Callable[[str], tuple[list[str], list[str]]]:
    """`quoted(text)` gives the means and differences with intervals in a text, and those that no table of
    the study holds."""
    results = (root / "docs" / "results.md").read_text().replace("−", "-")
    tables = results.partition(f"\n## {lesson_id} ")[2].partition("\n## ")[0]

    def find(text: str) -> tuple[list[str], list[str]]:
        found = re.findall(r"[+-]?\d\.\d{3} \[[+-]?\d\.\d{3}, [+-]?\d\.\d{3}\]", text.replace("−", "-"))
        return found, [each for each in found if each not in tables]

    return find


@pytest.fixture(scope="module")
def folder(course_build: Path, lesson_id: str) -> Path:
    """Where the executed lesson left its files."""
    return course_build / "lessons" / lesson_id


@pytest.fixture(scope="module")
def recorded(folder: Path) -> dict[str, dict[str, Any]]:
    """What the lesson recorded, each name with value, interval and unit."""
    return json.loads((folder / "results.json").read_text())["values"]


@pytest.fixture(scope="module")
def found(recorded: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The recorded values alone."""
    return {name: entry["value"] for name, entry in recorded.items()}


@pytest.fixture(scope="module")
def spoken(folder: Path) -> str:
    """All that the cells printed."""
    executed = json.loads((folder / "executed.ipynb").read_text())["cells"]
    outputs = [output for cell in executed for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", "")) for output in outputs)
