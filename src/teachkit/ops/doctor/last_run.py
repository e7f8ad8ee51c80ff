"""What the last run of a lesson left: its results, and the cell that stopped a notebook."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = ("notebooks/results/*/results.json", "*/lessons/*/results.json")
NOTEBOOKS = ("notebooks/*.ipynb", "quizzes/*/*.ipynb", "*/lessons/*/executed.ipynb")


@dataclass(frozen=True)
class ErrorCell:
    """A cell that ended in an error; `number` counts all cells from 1."""

    notebook: str
    number: int
    source: str
    traceback: str

    def __str__(self) -> str:
        head = f"{self.notebook}, cell {self.number}"
        return f"{head}\n\n--- the cell\n{self.source}\n\n--- its error\n{self.traceback}\n"


def last_results(root: Path) -> tuple[str, Any] | None:
    """(where, content) of the newest results below the course at `root`."""
    for path in _newest(root, RESULTS):
        if (content := _json(path)) is not None:
            return str(path.relative_to(root)), content
    return None


def last_error(root: Path) -> ErrorCell | None:
    """The first failed cell of the newest notebook that has one."""
    for path in _newest(root, NOTEBOOKS):
        if found := _failed(path, str(path.relative_to(root))):
            return found
    return None


def _failed(path: Path, name: str) -> ErrorCell | None:
    content = _json(path)
    cells = content.get("cells", []) if isinstance(content, dict) else []
    for number, cell in enumerate(cells, start=1):
        for output in cell.get("outputs", ()):
            if output.get("output_type") == "error":
                traceback = "\n".join(output.get("traceback") or ())
                said = f"{output.get('ename', '')}: {output.get('evalue', '')}"
                return ErrorCell(name, number, "".join(cell.get("source", "")), traceback or said)
    return None


def _newest(root: Path, patterns: Iterable[str]) -> list[Path]:
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
