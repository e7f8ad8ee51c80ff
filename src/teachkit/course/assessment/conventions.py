"""How every quiz and challenge of the course is built, so that students and graders find their way.

A question ``q3`` has a text cell ``q3`` whose heading says its points, an answer cell ``q3-answer`` that is
open, and a test cell ``q3-test``. One text is read by a person, with a mark scheme of one numbered line a
point. A challenge begins with a table of its points and says what it trusts in.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from teachkit.course.assessment.keys import Keys

HEADING = re.compile(r"\((\d+) points?\b")
ROW = re.compile(r"^\| *([\d +]+?) *\|", re.MULTILINE)
NUMBERED = re.compile(r"^\d+\. ", re.MULTILINE)
TRUST = ("**Honour system.**", "**Hidden labels.**")
QUESTIONS = 8  # of a quiz, at least
ON_OWN_RUN = 2


def check_conventions(
    notebook: NotebookNode, keys: Keys, name: str, lesson: str
) -> Iterator[tuple[str, str]]:
    """(place, message) of each convention that a notebook breaks.

    Args:
        notebook: the source.
        keys: what is stated about it.
        name: "quiz" or "challenge".
        lesson: the id of the lesson, such as "01".
    """
    cells = {_about(cell)["grade_id"]: cell for cell in notebook.cells if _about(cell)}
    yield from _cells(notebook)
    yield from _graded(cells)
    yield from _beside(cells)
    stated = {mistake.cell for mistake in keys.of(name)}
    for grade_id, cell in cells.items():
        if _about(cell).get("solution") and grade_id not in stated:
            yield grade_id, f"No wrong answer is stated for it; add one to {keys.path.name}."
    if name == "quiz":
        yield from _quiz(cells, keys, lesson)
    else:
        yield from _challenge(cells)


def _about(cell: NotebookNode) -> dict[str, Any]:
    return dict(cell.metadata.get("nbgrader", {}))


def _cells(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    for number, cell in enumerate(notebook.cells, start=1):
        about = _about(cell)
        if not about:
            continue
        place = str(about.get("grade_id", f"cell {number}"))
        if about.get("schema_version") != 3:
            yield place, f"Its nbgrader schema is {about.get('schema_version')!r}, not 3."
        if bool(about.get("locked")) == bool(about.get("solution")):
            yield place, "An answer cell must be open, and every other cell with an id must be locked."


def _graded(cells: dict[str, NotebookNode]) -> Iterator[tuple[str, str]]:
    order = list(cells)
    for grade_id, cell in cells.items():
        about = _about(cell)
        question = grade_id.removesuffix("-test")
        if about.get("task"):
            points = len(NUMBERED.findall(cell.source.partition("BEGIN MARK SCHEME")[2]))
            if points != about["points"]:
                yield (
                    grade_id,
                    f"Its mark scheme numbers {points} points; the cell is worth {about['points']:g}.",
                )
            yield from _heading(grade_id, cell.source, about["points"])
        if not about.get("grade"):
            continue
        if grade_id == question:
            yield grade_id, "Name a test cell after its question: q1-test."
        if question in cells:
            yield from _heading(grade_id, cells[question].source, about["points"])
        if f"{question}-answer" in cells and order.index(f"{question}-answer") > order.index(grade_id):
            yield grade_id, "It stands above the answer that it tests."


def _beside(cells: dict[str, NotebookNode]) -> Iterator[tuple[str, str]]:
    """Tests run apart from answers and see their values alone, unless a locked cell says otherwise."""
    from teachkit.course.box.execute import BESIDE

    written: set[str] = set()
    for grade_id, cell in cells.items():
        if cell.cell_type != "code":
            continue
        if _about(cell).get("solution"):
            written |= {
                part.name for part in ast.parse(cell.source).body if isinstance(part, ast.FunctionDef)
            }
        elif BESIDE in cell.source:
            return
        elif _about(cell).get("grade"):
            used = {part.id for part in ast.walk(ast.parse(cell.source)) if isinstance(part, ast.Name)}
            for name in sorted(written & used):
                yield grade_id, f"It calls the student's {name}; a locked cell must then hold '{BESIDE}'."


def _heading(place: str, text: str, points: float) -> Iterator[tuple[str, str]]:
    said = HEADING.search(text)
    if said and float(said.group(1)) != points:
        yield place, f"Its heading says {said.group(1)} points; the cell is worth {points:g}."


def _quiz(cells: dict[str, NotebookNode], keys: Keys, lesson: str) -> Iterator[tuple[str, str]]:
    tests = {name: cell for name, cell in cells.items() if _about(cell).get("grade")}
    for name in tests:
        question = name.removesuffix("-test")
        for part, what in ((question, "text"), (f"{question}-answer", "answer")):
            if part not in cells:
                yield name, f"It has no {what} cell '{part}'."
        if question in cells and not HEADING.search(cells[question].source):
            yield question, "Its heading does not say its points."
    if keys.warm_up:
        return
    total = sum(_about(cell)["points"] for cell in tests.values())
    intro = cells["intro"].source if "intro" in cells else ""
    if f"{total:g} points" not in intro:
        yield "intro", f"It does not say that the questions are worth {total:g} points."
    if len(tests) < QUESTIONS:
        yield "the file", f"It has {len(tests)} questions; a quiz has at least {QUESTIONS}."
    if not any(_about(cell).get("task") for cell in cells.values()):
        yield "the file", "It has no text for a person to read."
    own = [name for name, cell in tests.items() if "own_results(" in cell.source]
    if len(own) < ON_OWN_RUN:
        yield "the file", f"{len(own)} tests take their key from the student's own run; at least 2 should."
    if own and not any(f'place_results("{lesson}")' in cell.source for cell in cells.values()):
        yield "setup", f'Its first code cell should hold course.place_results("{lesson}").'
    if own and len(keys.runs) < ON_OWN_RUN:
        yield "its keys", "State runs with other outcomes (one seed, no difference, the other arm better)."


def _challenge(cells: dict[str, NotebookNode]) -> Iterator[tuple[str, str]]:
    total = sum(_about(cell)["points"] for cell in cells.values() if _about(cell).get("grade"))
    intro = cells["intro"].source if "intro" in cells else ""
    said = sum(int(part) for row in ROW.findall(intro) for part in row.split("+") if part.strip())
    if said != total:
        yield "intro", f"The rows of its table add up to {said} points; its tests give {total:g}."
    if not any(words in intro for words in TRUST):
        yield "intro", f"It does not say what it trusts in: {' or '.join(TRUST)}"
    if not any(_about(cell).get("task") for cell in cells.values()):
        yield "the file", "It has no report for a person to read."
