"""What grading noticed about one student's work, kept for the person who looks at it.

A flag is a reason to look, never a verdict, and takes no points away. The flags of one student and assignment
lie in ``grading/ASSIGNMENT/STUDENT.json`` of the course folder, beside the gradebook: no student sees them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from teachkit.paths import atomic

FOLDER = "grading"


@dataclass(frozen=True)
class Flag:
    """One reason to look.

    Attributes:
        kind: "locked", "deleted", "double", "unknown", "order", "settings", "prefilled", "reach", "printed",
            "files", "ended", "beside", "alike" or "failed".
        notebook: which notebook of the assignment; empty for the whole hand-in.
        cell: id of the cell; empty when it has none.
        text: what was seen, in one sentence.
    """

    kind: str
    notebook: str
    cell: str
    text: str

    def __str__(self) -> str:
        place = " ".join(part for part in (self.notebook, self.cell) if part)
        return f"{place}: {self.text}" if place else self.text


def file_of(root: Path, assignment: str, student: str) -> Path:
    """Where the flags of one student's assignment lie in the course folder `root`."""
    return root / FOLDER / assignment / f"{student}.json"


def read_report(root: Path, assignment: str, student: str) -> dict[str, Any]:
    """What is kept about one student's assignment; empty when it was never graded or its file is damaged."""
    try:
        found = json.loads(file_of(root, assignment, student).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_flags(root: Path, assignment: str, student: str) -> list[Flag]:
    """The flags of one student's assignment, in the order in which they were raised."""
    return [Flag(**row) for row in read_report(root, assignment, student).get("flags", [])]


def write_report(root: Path, assignment: str, student: str, values: Mapping[str, Any]) -> None:
    """Put `values` into what is kept about one student's assignment; other entries stay."""
    path = file_of(root, assignment, student)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {**read_report(root, assignment, student), **values}
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def replace_flags(
    root: Path, assignment: str, student: str, notebook: str, kinds: Iterable[str], flags: Iterable[Flag]
) -> None:
    """Keep `flags` in place of those of the same `notebook` and `kinds`, left by an earlier grading."""
    stale = frozenset(kinds)
    others = [
        flag
        for flag in read_flags(root, assignment, student)
        if flag.notebook != notebook or flag.kind not in stale
    ]
    rows = [asdict(flag) for flag in (*others, *flags)]
    write_report(root, assignment, student, {"flags": rows})
