"""nbgrader's step that makes a hand-in whole again before it is graded, and flags what was changed.

nbgrader puts the text of locked cells back. It leaves deleted cells deleted, drops what two cells with one id
mean, and refuses metadata that it cannot read. Here every notebook gets the cells of the assignment back, in
their order, with their settings; only the text of answers is the student's.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from teachkit.course.box.flags import Flag, replace_flags
from teachkit.course.box.reach import reaches
from teachkit.course.feedback import split

KINDS = ("locked", "deleted", "double", "unknown", "order", "settings", "prefilled", "reach")
ROLES = ("grade", "solution", "locked", "task")
SKIP = "skip-execution"  # the tag of a cell that is not to run
MARK_LINE = re.compile(r"(^|\n)[^\n]*: (not )?right \([\d.]+ of [\d.]+\)")


@dataclass(frozen=True)
class Original:
    """One cell of the assignment as the gradebook keeps it; `settings` is its nbgrader metadata."""

    name: str
    kind: str
    source: str
    settings: dict[str, Any]

    @property
    def answer(self) -> bool:
        """Whether its text is the student's."""
        return bool(self.settings["solution"])

    @property
    def shown(self) -> str:
        """What a student saw of it."""
        return split(self.source)[0].strip()

    def cell(self) -> NotebookNode:
        """The cell as it was handed out, with hidden tests."""
        new = new_code_cell if self.kind == "code" else new_markdown_cell
        return new(self.source, metadata={"nbgrader": dict(self.settings)})


class Integrity(NbGraderPreprocessor):
    """Make a notebook whole, and keep the flags beside the gradebook."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        about = resources["nbgrader"]
        course = course_of(self)
        source = Path(course.format_path(course.source_directory, ".", about["assignment"]))
        originals = _originals(about, source / f"{about['notebook']}.ipynb")
        flags = [Flag(kind, about["notebook"], cell, text) for kind, cell, text in mend(nb, originals)]
        for flag in flags:
            self.log.warning("%s: %s", about["student"], flag)
        root = Path(course.root)
        replace_flags(root, about["assignment"], about["student"], about["notebook"], KINDS, flags)
        return nb, resources


def course_of(step: Any) -> Any:
    """nbgrader's course directory, from any of its steps."""
    while not hasattr(step, "coursedir"):
        step = step.parent
    return step.coursedir


def mend(nb: NotebookNode, originals: Sequence[Original]) -> list[tuple[str, str, str]]:
    """Give a hand-in the cells of its assignment back, in place.

    Returns:
        (kind, id of the cell, what was seen), one for each change and each thing worth a look.
    """
    known = {original.name: original for original in originals}
    seen = [*_drop_unknown(nb.cells, known), *_by_place(nb.cells, originals), *_drop_double(nb.cells)]
    here = {name: cell for cell in nb.cells if (name := _name(cell))}
    for name, cell in here.items():
        seen += _compare(cell, known[name])
    seen += [
        ("deleted", original.name, f"The {_role(original)} was deleted; it was put back.")
        for original in originals
        if original.name not in here
    ]
    if [_name(cell) for cell in nb.cells if _name(cell)] != [o.name for o in originals if o.name in here]:
        seen.append(("order", "", "The cells of the assignment stood in another order; theirs was restored."))
    nb.cells = _in_order(nb.cells, originals, here)
    for cell in nb.cells:
        name = _name(cell)
        if cell.cell_type == "code" and (not name or known[name].answer):
            seen += [("reach", name, text) for text in reaches(cell.source)]
    return seen


def _drop_unknown(cells: Iterable[NotebookNode], known: Iterable[str]) -> list[tuple[str, str, str]]:
    seen = []
    for cell in cells:
        about = cell.metadata.get("nbgrader")
        name = _name(cell)
        if about is None or name in known:
            continue
        if isinstance(about, dict) and any(about.get(role) for role in ROLES):
            seen.append(("unknown", name, "The assignment has no such cell; it was taken as a plain one."))
        del cell.metadata["nbgrader"]
    return seen


def _by_place(cells: Iterable[NotebookNode], originals: Sequence[Original]) -> list[tuple[str, str, str]]:
    """Where all ids are there and only stand at each other's place, the place tells what a cell is."""
    here = [cell for cell in cells if _name(cell)]
    names, wanted = [_name(cell) for cell in here], [original.name for original in originals]
    alike = [cell.cell_type for cell in here] == [original.kind for original in originals] and all(
        original.answer or cell.source.strip() == original.shown
        for cell, original in zip(here, originals, strict=True)
    )
    if names == wanted or Counter(names) != Counter(wanted) or not alike:
        return []
    moved = [name for name, right in zip(names, wanted, strict=True) if name != right]
    for cell, original in zip(here, originals, strict=True):
        cell.metadata["nbgrader"] = dict(original.settings)
    return [("order", "", f"The ids of {', '.join(moved)} were exchanged; each cell has its own again.")]


def _drop_double(cells: Sequence[NotebookNode]) -> list[tuple[str, str, str]]:
    """Of cells with one id the last counts, as nbgrader has it; the others become plain cells."""
    seen = []
    names: set[str] = set()
    for cell in reversed(cells):
        name = _name(cell)
        if name in names:
            seen.append(("double", name, "More than one cell has this id; the last one counts."))
            del cell.metadata["nbgrader"]
        elif name:
            names.add(name)
    return seen


def _compare(cell: NotebookNode, original: Original) -> list[tuple[str, str, str]]:
    seen = []
    about = cell.metadata["nbgrader"]
    watched = (*ROLES, "points") if original.settings["grade"] else ROLES
    changed = [key for key in watched if (about.get(key) or False) != (original.settings.get(key) or False)]
    if SKIP in cell.metadata.get("tags", []) and not original.answer:
        changed.append("tags")
    if cell.cell_type != original.kind:
        changed.append("cell type")
    if changed:
        said = f"These settings were changed, and put back: {', '.join(changed)}."
        seen.append(("settings", original.name, said))
    if not original.answer and cell.source.strip() not in (original.shown, original.source.strip()):
        seen.append(
            ("locked", original.name, f"The text of the {_role(original)} was changed; it was put back.")
        )
    if not original.answer and _claims(cell):
        seen.append(
            ("prefilled", original.name, "It was handed in with points as its output; they were not used.")
        )
    cell.metadata["nbgrader"] = dict(original.settings)
    if not original.answer:
        cell.metadata.pop("tags", None)
    return seen


def _claims(cell: NotebookNode) -> bool:
    """Whether the outputs of a cell hold points, which only grading gives."""
    return any(
        output.output_type == "execute_result"
        or (output.output_type == "stream" and MARK_LINE.search(output.text) is not None)
        for output in cell.get("outputs", [])
        if cell.metadata["nbgrader"].get("grade")
    )


def _in_order(
    cells: Sequence[NotebookNode], originals: Sequence[Original], here: dict[str, NotebookNode]
) -> list[NotebookNode]:
    """The cells of the assignment in its order; one of the student's stays behind the one before it."""
    behind: dict[str, list[NotebookNode]] = {"": []}
    last = ""
    for cell in cells:
        last = _name(cell) or last
        if _name(cell):
            behind.setdefault(last, [])
        else:
            behind[last].append(cell)
    whole = list(behind[""])
    for original in originals:
        whole += [here.get(original.name) or original.cell(), *behind.get(original.name, [])]
    return whole


def _name(cell: NotebookNode) -> str:
    about = cell.metadata.get("nbgrader")
    return str(about.get("grade_id", "")) if isinstance(about, dict) else ""


def _role(original: Original) -> str:
    if original.settings["grade"] and not original.answer:
        return "test"
    return "answer" if original.answer else "locked cell"


def _originals(about: dict[str, str], source: Path) -> list[Original]:
    """The cells of the assignment from the gradebook, in the order of the instructor's notebook."""
    with Gradebook(about["db_url"]) as gradebook:
        notebook = gradebook.find_notebook(about["notebook"], about["assignment"])
        grades = {cell.name: float(cell.max_score) for cell in notebook.grade_cells}
        tasks = {cell.name: float(cell.max_score) for cell in notebook.task_cells}
        solutions = {cell.name for cell in notebook.solution_cells}
        found = {
            cell.name: Original(
                cell.name,
                cell.cell_type,
                cell.source,
                {
                    "grade": cell.name in grades,
                    "grade_id": cell.name,
                    "locked": bool(cell.locked),
                    "schema_version": 3,
                    "solution": cell.name in solutions,
                    "task": cell.name in tasks,
                    "checksum": cell.checksum,
                    **({"points": grades[cell.name]} if cell.name in grades else {}),
                    **({"points": tasks[cell.name]} if cell.name in tasks else {}),
                },
            )
            for cell in notebook.source_cells
        }
    order = [_name(NotebookNode(cell)) for cell in json.loads(source.read_text(encoding="utf-8"))["cells"]]
    return [found[name] for name in order if name in found]
