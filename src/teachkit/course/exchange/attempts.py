"""Hand-ins as the server knows them, and as folders on disk."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from teachkit.cloud import Store, Stored
from teachkit.course.exchange import names
from teachkit.course.exchange.archive import Limits, unpack
from teachkit.course.exchange.base import SECRET, TIMESTAMP, whole_folder
from teachkit.course.exchange.names import Attempt


@dataclass(frozen=True)
class HandIn:
    """One attempt and what the server says about its object."""

    attempt: Attempt
    stored: Stored

    @property
    def moment(self) -> datetime:
        """When it was handed in, by the server's clock, in UTC."""
        return self.stored.created

    @property
    def notebooks(self) -> list[str]:
        """The notebooks that the student's machine says are inside: good enough to show, not to grade."""
        return notebooks_of(self.stored)


def hand_ins(store: Store, course: str, student: str = "", assignment: str = "") -> list[HandIn]:
    """What has been handed in, oldest first; `student` and `assignment` narrow it."""
    found = []
    for stored in store.list(names.inbound(course, student, assignment)):
        attempt = names.read_attempt(stored.name)
        if attempt and assignment in {"", attempt.assignment}:
            found.append(HandIn(attempt, stored))
    return sorted(found, key=lambda one: (one.moment, one.attempt.token))


def notebooks_of(stored: Stored) -> list[str]:
    """The list of notebooks in an object's metadata; empty when there is none that makes sense."""
    try:
        listed = json.loads(stored.metadata.get("notebooks", "[]"))
    except ValueError:
        return []
    return sorted(str(name) for name in listed) if isinstance(listed, list) else []


def lay_out(content: bytes, target: Path, *, stamp: str, token: str, limits: Limits) -> None:
    """Turn an archive into the folder `target` with the two files that nbgrader's next steps read.

    Both say what the server knows. Files of the same names in the archive are overwritten.
    """
    with whole_folder(target) as fresh:
        unpack(content, fresh, limits)
        (fresh / TIMESTAMP).write_text(stamp, encoding="utf-8")
        (fresh / SECRET).write_text(token, encoding="utf-8")


def keep(folder: Path, one: HandIn, content: bytes, *, stamp: str, limits: Limits) -> Path:
    """Put a copy of a hand-in into the cache `folder` of its course; where it lies."""
    name = f"{one.attempt.student}+{one.attempt.assignment}+{stamp}"
    target = folder / name
    if target.exists() and token_of(target) != one.attempt.token:  # two in the same instant
        target = folder / f"{name}.{one.attempt.token[:8]}"
    lay_out(content, target, stamp=stamp, token=one.attempt.token, limits=limits)
    return target


def kept(folder: Path) -> dict[str, Path]:
    """token → folder, for all copies in a cache."""
    copies = ((token_of(path), path) for path in sorted(folder.glob("*+*+*")))
    return {token: path for token, path in copies if token}


def token_of(folder: Path) -> str:
    """The attempt that a folder of nbgrader's belongs to; "" when it is none of ours."""
    try:
        token = (folder / SECRET).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return token if names.ATTEMPT.fullmatch(token) else ""


def newest_first(found: Iterable[HandIn]) -> dict[str, list[HandIn]]:
    """student → hand-ins, newest first."""
    grouped: dict[str, list[HandIn]] = {}
    for one in found:
        grouped.setdefault(one.attempt.student, []).insert(0, one)
    return dict(sorted(grouped.items()))
