"""Hand-ins that share what only one person can have written."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from teachkit.course.box.flags import Flag

SHORTEST = 14  # characters of a line without blanks; shorter ones are written alike by many
LINES = 4  # shared lines that make a reason to look
SHARE = 0.6  # of the smaller of two hand-ins
RARE = 0.1  # of a class: a line that more students have is common knowledge, or the lesson's own


def alike(root: Path, assignment: str) -> dict[str, list[Flag]]:
    """For each student who handed in: with whom they share rare lines, or cells with the same random id.

    Lines of the assignment itself do not count, nor do lines that many in the class have.
    """
    handed_out = [*_cells(root / "source" / assignment)]
    given = {line for cell in handed_out for line in _lines(cell)}
    ids = {cell.get("id") for cell in handed_out}
    folders = sorted((root / "submitted").glob(f"*/{assignment}"))
    cells = {folder.parent.name: [*_cells(folder)] for folder in folders}
    own = {who: {line for cell in found for line in _lines(cell)} - given for who, found in cells.items()}
    new = {who: {cell["id"] for cell in found if cell.get("id")} - ids for who, found in cells.items()}
    times = Counter(line for lines in own.values() for line in lines)
    most = max(2, RARE * len(own))
    rare = {who: {line for line in lines if times[line] <= most} for who, lines in own.items()}
    flags: dict[str, list[Flag]] = {who: [] for who in own}
    for one, other in combinations(sorted(own), 2):
        shared = rare[one] & rare[other]
        smaller = min(len(own[one]), len(own[other]))
        for said in _said(len(shared), smaller, len(new[one] & new[other])):
            flags[one].append(Flag("alike", "", "", said.format(other)))
            flags[other].append(Flag("alike", "", "", said.format(one)))
    return flags


def _said(lines: int, of: int, cells: int) -> Iterator[str]:
    if lines >= LINES and lines >= SHARE * of:
        yield f"{lines} of {of} own lines stand in the work of {{}} too, and in few others."
    if cells:
        yield f"It shares {cells} cells with the work of {{}}, by ids that are drawn at random."


def _cells(folder: Path) -> Iterator[dict[str, Any]]:
    """Every cell of every notebook in a folder; a notebook that cannot be read has none."""
    for path in sorted(folder.glob("*.ipynb")):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            yield from (cell for cell in cells if isinstance(cell.get("source"), str | list))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            continue


def _lines(cell: dict[str, Any]) -> Iterator[str]:
    for line in "".join(cell["source"]).splitlines():
        bare = "".join(line.split())
        if len(bare) >= SHORTEST:
            yield bare
