"""A student's notebook and a corrected lesson, made one: corrections come in, own work stays.

Three versions meet: the lesson as the student got it, the student's notebook, and the corrected lesson.
Cells are recognised by their ids. Cells that only the lesson changed follow the lesson; cells that only the
student changed stay. Where both changed a cell, the student's stays and the correction stands below it.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

NOTE = "**Corrected.** You changed the cell above. In the course it now reads:"
TAG = "correction"
FENCE = "`" * 5  # longer than any that a lesson uses


@dataclass(frozen=True)
class Merged:
    """A merged notebook, and how many cells were taken, kept, and shown beside the student's own."""

    notebook: Any
    taken: int = 0
    kept: int = 0
    both: int = 0

    @property
    def sentence(self) -> str:
        """The counts in words."""
        said = f"{self.taken} cells corrected, {self.kept} of your own kept"
        if self.both:
            said += f"; in {self.both} places the course's new text stands below yours"
        return said + "."


def merge(old: Any, mine: Any, new: Any) -> Merged:
    """Bring the changes from `old` to `new` into `mine`.

    Args:
        old: the lesson as the student got it (a notebook of nbformat 4.5, whose cells have ids).
        mine: the student's notebook; outputs of cells that stay are kept.
        new: the corrected lesson.

    Returns:
        the merged notebook, in the order of `new`; the student's own cells follow the cell that they
        followed. A cell that the student deleted stays deleted, and a locked cell of a quiz follows the
        course.
    """
    before, own, corrected = _by_id(old), _by_id(mine), _by_id(new)
    added = _added(mine, {*before, *corrected})
    kept = sum(TAG not in _tags(cell) for some in added.values() for cell in some)
    cells: list[Any] = [*added.get("", [])]
    settled: set[str] = set()
    taken = both = 0
    for identifier, theirs in _in_order(old, new):
        ours, was = own.get(identifier), before.get(identifier)
        if ours is not None and _same(ours, theirs):
            cells.append(ours)
            settled.add(identifier)
        elif (ours is None and was is None) or (ours is not None and (_same(ours, was) or _locked(theirs))):
            cells += [deepcopy(theirs)] if theirs is not None else []
            taken += 1
            settled.add(identifier)
        elif ours is not None:
            cells.append(ours)
            kept += 1
            if theirs is not None and not _same(theirs, was):
                cells.append(_correction(theirs))
                both += 1
        cells += added.get(identifier, [])
    merged = deepcopy(mine)
    merged["cells"] = _once(cells, settled)
    return Merged(merged, taken, kept, both)


def _in_order(old: Any, new: Any) -> list[tuple[str, Any]]:
    """(id, corrected cell) in the order of `new`; None for a cell that it dropped, at its old place."""
    corrected = {cell["id"] for cell in new["cells"]}
    dropped: dict[str, list[str]] = {}
    last = ""
    for cell in old["cells"]:
        if cell["id"] in corrected:
            last = cell["id"]
        else:
            dropped.setdefault(last, []).append(cell["id"])
    found: list[tuple[str, Any]] = [(identifier, None) for identifier in dropped.get("", [])]
    for cell in new["cells"]:
        found.append((cell["id"], cell))
        found += [(identifier, None) for identifier in dropped.get(cell["id"], [])]
    return found


def _added(mine: Any, known: set[str]) -> dict[str, list[Any]]:
    """The student's own cells by the id of the lesson's cell above them, "" at the top."""
    found: dict[str, list[Any]] = {}
    above = ""
    for cell in mine["cells"]:
        if cell["id"] in known:
            above = cell["id"]
        else:
            found.setdefault(above, []).append(cell)
    return found


def _correction(cell: Any) -> Any:
    """A text cell that shows a corrected cell without running it."""
    kind = "python" if cell["cell_type"] == "code" else "markdown"
    return {
        "cell_type": "markdown",
        "id": _corrected(cell["id"]),
        "metadata": {"tags": [TAG]},
        "source": f"{NOTE}\n\n{FENCE}{kind}\n{_text(cell)}\n{FENCE}",
    }


def _corrected(identifier: str) -> str:
    return f"{identifier[:50]}-corrected"  # at most 64 characters


def _by_id(notebook: Any) -> dict[str, Any]:
    return {cell["id"]: cell for cell in notebook["cells"]}


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return one["cell_type"] == other["cell_type"] and _text(one) == _text(other)


def _text(cell: Any) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _tags(cell: Any) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def _locked(cell: Any) -> bool:
    """Whether this is a cell of a quiz that students may not change."""
    return bool(cell is not None and cell["metadata"].get("nbgrader", {}).get("locked"))


def _once(cells: list[Any], settled: set[str]) -> list[Any]:
    """`cells` with the newest correction of a cell, and with none for the cells in `settled`."""
    done = {_corrected(identifier) for identifier in settled}
    seen: dict[str, Any] = {}
    for cell in cells:
        if cell["id"] not in done:
            seen.setdefault(cell["id"], cell)
    return list(seen.values())
