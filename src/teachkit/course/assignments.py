"""Rules for graded quizzes that nbgrader does not check: what would leak, and what would grade nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from teachkit.course.quizzes import Fault

SOLUTION = "BEGIN SOLUTION"
HIDDEN = "BEGIN HIDDEN TESTS"
SCHEME = "BEGIN MARK SCHEME"


def check_assignments(folder: Path) -> list[Fault]:
    """Every fault of the source notebooks below `folder`: empty when all is well.

    Each answer cell marks its solution, each test cell hides tests and is worth points, each text for a
    person has a mark scheme, ids are unique, and no cell keeps outputs.
    """
    notebooks = sorted(folder.glob("*/*.ipynb"))
    if not notebooks:
        return [Fault(folder, "the folder", "It holds no quiz notebook.")]
    return [fault for path in notebooks for fault in _check_notebook(path)]


def _check_notebook(path: Path) -> Iterator[Fault]:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError) as error:
        yield Fault(path, "the file", f"It is no notebook: {error!r}.")
        return
    ids = [cell.get("id") for cell in cells]
    if None in ids or len(set(ids)) < len(ids):
        yield Fault(path, "the file", "Each cell needs an id of its own; a student's copy is merged by it.")
    seen: set[str] = set()
    for number, cell in enumerate(cells, start=1):
        about = cell["metadata"].get("nbgrader", {})
        place = f"cell {number} ({about.get('grade_id', cell['cell_type'])})"
        for message in _check_cell(cell, about):
            yield Fault(path, place, message)
        if about.get("grade_id") in seen:
            yield Fault(path, place, "Its grade id is used twice.")
        seen.add(about.get("grade_id", f"no id {number}"))


def _check_cell(cell: dict[str, Any], about: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    test = bool(about.get("grade")) and not about.get("solution")
    if cell.get("outputs") or cell.get("execution_count"):
        yield "It keeps outputs, which a release would show; clear them."
    for marker, meant, kind in (
        (SOLUTION, bool(about.get("solution")), "an answer cell"),
        (HIDDEN, test, "a test cell"),
        (SCHEME, bool(about.get("task")), "a task cell"),
    ):
        if source.count(marker) != source.count(marker.replace("BEGIN", "END")):
            yield f"'{marker}' has no matching end."
        if marker in source and not meant:
            yield f"It holds '{marker}' but is not {kind}, so a release would keep it."
        if meant and marker not in source:
            yield f"It is {kind} without '{marker}'."
    if (test or about.get("task")) and not about.get("points", 0) > 0:
        yield "It is graded but worth no points."
