"""A student's copy of the course: put a lesson back, or take corrections without losing own work.

The copy is a clone of a publication. What is about to be changed is first copied to ``yours/TIME/``.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from teachkit.course.declaration import read_course
from teachkit.course.merging import merge
from teachkit.errors import FormatError, SettingsError
from teachkit.ops.git import content, git
from teachkit.paths import atomic

KEPT = "yours"


@dataclass(frozen=True)
class Change:
    """What an update does to one file: `after` is its new content, None when it goes."""

    path: str
    after: bytes | None
    said: str
    keep: bool = False  # whether the student's version is worth a copy

    def __str__(self) -> str:
        return f"{self.path}: {self.said}"


def reset(root: Path, lesson: str) -> Path | None:
    """Put the notebook of `lesson` back as the course gave it.

    Returns:
        where the student's version was kept; None when it was unchanged.

    Raises:
        UnknownNameError: there is no such lesson.
        SettingsError: `root` is no clone of a course, or the notebook is not in it.
    """
    path = f"notebooks/{read_course(root).lesson(lesson).file}"
    original = content(root, _base(root), path)
    if original is None:
        raise SettingsError(f"The course has no version of {path}.", "Clone the course again.", path=path)
    target = root / path
    mine = target.read_bytes() if target.is_file() else None
    if mine == original:
        return None
    kept = _keep(root, path) if mine is not None else target
    _write(target, original)
    return kept


def update(root: Path) -> list[Change]:
    """Take the corrections that the course has published since; the changes, empty when there is nothing new.

    Raises:
        SettingsError: `root` is no clone of a course, or its address does not answer.
        FormatError: a notebook cannot be merged because it is damaged. Nothing is changed.
    """
    git(root, "fetch", "--quiet")
    new = git(root, "rev-parse", _upstream(root)).strip()
    base = _base(root)
    if base == new:
        return []
    changes = list(_changes(root, base, new))
    for change in changes:
        if change.keep:
            _keep(root, change.path)
        if change.after is None:
            (root / change.path).unlink(missing_ok=True)
        else:
            _write(root / change.path, change.after)
    if git(root, "rev-parse", "HEAD").strip() == base:
        git(root, "reset", "--quiet", new)  # files stay as they are; only what git compares with moves
    else:  # the student has commits of his or her own
        git(root, "reset", "--quiet")
        git(root, "merge", "--quiet", "--strategy=ours", "--no-edit", new)
    return changes


def _changes(root: Path, base: str, new: str) -> Iterator[Change]:
    for path in filter(None, git(root, "diff", "--name-only", "--no-renames", "-z", base, new).split("\0")):
        was, now = content(root, base, path), content(root, new, path)
        target = root / path
        mine = target.read_bytes() if target.is_file() else None
        if mine == now:
            continue
        if mine == was or mine is None:
            yield Change(path, now, "new" if was is None else "gone" if now is None else "corrected")
        elif now is None:
            continue  # the course dropped it, and the student worked in it
        elif was is not None and path.endswith(".ipynb"):
            merged = merge(*(_notebook(path, version) for version in (was, mine, now)))
            text = json.dumps(merged.notebook, indent=1, ensure_ascii=False) + "\n"
            yield Change(path, text.encode(), merged.sentence, keep=True)
        else:
            yield Change(path, now, f"corrected; your version is in the folder {KEPT}", keep=True)


def _notebook(path: str, version: bytes) -> dict[str, object]:
    try:
        notebook = json.loads(version)
        if not all({"id", "source", "metadata", "cell_type"} <= set(cell) for cell in notebook["cells"]):
            raise ValueError("its cells have no ids")
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"{path} cannot take corrections: {error}.",
            "Open and save it in JupyterLab; or put it back with: teachkit lesson reset",
            path=path,
        ) from error
    return dict(notebook)


def _upstream(root: Path) -> str:
    return _asked(root, lambda: git(root, "rev-parse", "--symbolic-full-name", "@{upstream}").strip())


def _base(root: Path) -> str:
    """The newest publication that this copy has taken."""
    return _asked(root, lambda: git(root, "merge-base", "HEAD", _upstream(root)).strip())


def _asked(root: Path, question: Callable[[], str]) -> str:
    try:
        return question()
    except SettingsError as error:
        raise SettingsError(
            f"{root} is no clone of a course: {error.what}",
            "Get the course with git clone, from the address that your instructor names.",
            path=str(root),
        ) from error


def _keep(root: Path, path: str) -> Path:
    """Copy the student's version of `path` into a folder of this minute; never over another copy."""
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M")
    target = root / KEPT / stamp / path
    number = 1
    while target.exists():
        number += 1
        target = root / KEPT / f"{stamp}-{number}" / path
    _write(target, (root / path).read_bytes())
    return target


def _write(target: Path, text: bytes) -> None:
    with atomic(target) as temporary:
        temporary.write_bytes(text)
