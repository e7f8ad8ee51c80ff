"""Check the course without running it: notebooks, declaration, links and public names.

Every function here returns sentences, one per thing to mend, each naming file, cell and value.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import yaml

from teachkit.course.declaration import Course, Lesson, read_course
from teachkit.course.links import link_problems
from teachkit.course.names import name_problems
from teachkit.data import registry
from teachkit.errors import LessonError, UnknownNameError

MOST_LINES = 20
SECTIONS = ("Objectives", "Prerequisites", "Clean up", "References")
LEVELS = {"core", "deeper"}
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$", re.MULTILINE)


def problems(root: Path) -> list[str]:
    """Everything to mend in the course at `root`; empty when all is well."""
    try:
        course = read_course(root)
    except LessonError as error:
        return [str(error)]
    found = [*_declared_files(course), *_declared_data(course), *_environment(root)]
    readable: dict[str, Any] = {}
    for lesson in course.lessons:
        path = course.notebooks / lesson.file
        if path.is_file():
            notebook, complaints = _read(path, root)
            found += complaints
            if notebook is not None:
                readable[lesson.id] = notebook
                found += notebook_problems(lesson, notebook)
    return [*found, *link_problems(course), *name_problems(course, readable)]


def notebook_problems(lesson: Lesson, notebook: Any) -> list[str]:
    """What is wrong in one lesson's notebook, by the rules of its kind."""
    rules = (_outputs, _parameters, _tags, _headings, _sections, _lengths)
    return [f"notebooks/{lesson.file}{complaint}" for rule in rules for complaint in rule(lesson, notebook)]


def _declared_files(course: Course) -> Iterator[str]:
    declared = {lesson.file for lesson in course.lessons}
    here = {path.name for path in course.notebooks.glob("*.ipynb")}
    for name in sorted(declared - here):
        yield f"notebooks/course.toml names {name}, which is not there. Add the notebook or remove its table."
    for name in sorted(here - declared):
        yield f"notebooks/{name} has no [[lesson]] table in course.toml. Add one, or move the notebook."


def _declared_data(course: Course) -> Iterator[str]:
    for lesson in course.lessons:
        for name in (*lesson.data, *(name for band in lesson.bands for name in band.data)):
            try:
                registry.entry(name)
            except UnknownNameError as error:
                yield f"notebooks/course.toml, lesson {lesson.id}: {error}"


def _environment(root: Path) -> Iterator[str]:
    """Students on Workbench install from environment.yml, so its pip part must be the same lock."""
    path = root / "environment.yml"
    if not path.is_file():
        yield "environment.yml is missing. It names Python and 'pip: -r requirements.lock'."
        return
    parts = yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]
    pip = [line for part in parts if isinstance(part, dict) for line in part.get("pip", [])]
    if pip != ["-r requirements.lock"]:
        yield f"environment.yml installs {pip} with pip; it must hold exactly '-r requirements.lock'."


def _read(path: Path, root: Path) -> tuple[Any | None, list[str]]:
    name = path.relative_to(root).as_posix()
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (nbformat.ValidationError, nbformat.reader.NotJSONError) as error:
        first = str(error).partition("\n")[0][:200]
        return None, [f"{name} is not a valid notebook: {first} Open and save it in JupyterLab."]
    return notebook, []


def _outputs(_: Lesson, notebook: Any) -> Iterator[str]:
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            yield f", cell {number}: it holds outputs of a run. Clear all outputs before you commit."


def _parameters(lesson: Lesson, notebook: Any) -> Iterator[str]:
    expected = {"SIZE": "class", "SEED": 0, "OUT": f"results/{lesson.id}", "DATA": ""}
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if len(tagged) != 1 or not code or code[0] is not tagged[0]:
        count = len(tagged)
        yield f": it has {count} cells tagged 'parameters'; the first code cell, and only it, has this tag."
        return
    try:
        tree = ast.parse(tagged[0].source)
        given = {
            target.id: ast.literal_eval(statement.value)
            for statement in tree.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
    except (SyntaxError, ValueError) as error:
        yield f": its parameters cell is not plain assignments ({error}). Write NAME = value, one a line."
        return
    if given != expected:
        wanted = ", ".join(f"{name} = {value!r}" for name, value in expected.items())
        yield f": its parameters cell sets {given}; it must set {wanted}."


def _tags(_: Lesson, notebook: Any) -> Iterator[str]:
    below = False
    for number, cell in enumerate(notebook.cells, 1):
        tags = set(cell.metadata.get("tags", []))
        if below and len(tags & LEVELS) != 1:
            carried = " and ".join(sorted(tags & LEVELS)) or "neither core nor deeper"
            yield f", cell {number}: it is tagged {carried}; tag it with one of core and deeper."
        below = below or "parameters" in tags


def _headings(_: Lesson, notebook: Any) -> Iterator[str]:
    level = 0
    for number, depth, text in headings(notebook):
        if level == 0 and depth != 1:
            yield f", cell {number}: the first heading is '{text}'; open with one title (#)."
        elif level and depth == 1:
            yield f", cell {number}: '{text}' is a second title (#); use ## for sections."
        elif level and depth > level + 1:
            yield f", cell {number}: '{text}' jumps from level {level} to {depth}."
        level = depth
    if level == 0:
        yield ": it has no heading; open with one title (#)."


def _sections(_: Lesson, notebook: Any) -> Iterator[str]:
    present = {text for _, depth, text in headings(notebook) if depth == 2}
    for section in SECTIONS:
        if section not in present:
            yield f": the section '## {section}' is missing."


def _lengths(_: Lesson, notebook: Any) -> Iterator[str]:
    for number, cell in enumerate(notebook.cells, 1):
        lines = len(cell.source.splitlines())
        if cell.cell_type == "code" and lines > MOST_LINES:
            yield (
                f", cell {number}: {lines} lines of code, at most {MOST_LINES}. "
                "Split it, or move the long part into teachkit."
            )


def headings(notebook: Any) -> list[tuple[int, int, str]]:
    """(cell number from 1, level, text) of each heading outside code blocks."""
    return [
        (number, len(match[1]), match[2])
        for number, cell in enumerate(notebook.cells, 1)
        if cell.cell_type == "markdown"
        for match in HEADING.finditer(FENCED.sub("", cell.source))
    ]
