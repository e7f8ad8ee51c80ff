"""When is a lesson unchanged? One hash over everything that can change what its notebook shows."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import teachkit
from teachkit.course.declaration import Course, Lesson

SOURCE_VARIABLES = ("TEACHKIT_OFFLINE", "TEACHKIT_DATA", "TEACHKIT_BUCKET")
PACKAGE = Path(teachkit.__file__).parent
UNSEEN_BY_LESSONS = ("cli", "ops", "leaderboard", "course/report")  # no notebook calls these rooms
DATA_ENDINGS = {".npz", ".gz", ".pth", ".png", ".csv", ".tif"}


def lesson_fingerprint(course: Course, lesson: Lesson, *, size: str, seed: int, core_only: bool) -> str:
    """Hash of notebook, package source, lock, data in force, settings and declaration."""
    digest = hashlib.sha256()
    for part in (size, str(seed), str(core_only), lesson.fingerprint(), package_hash(), data_identity()):
        digest.update(part.encode() + b"\0")
    for path in (course.notebooks / lesson.file, course.root / "requirements.lock"):
        digest.update(path.read_bytes() if path.is_file() else b"absent")
        digest.update(b"\0")
    return digest.hexdigest()


def package_hash() -> str:
    """Hash of the package's files that a lesson can reach."""
    named = ((path.relative_to(PACKAGE).as_posix(), path) for path in sorted(PACKAGE.rglob("*")))
    return content_hash(
        (name, path)
        for name, path in named
        if path.suffix != ".pyc" and not name.startswith(UNSEEN_BY_LESSONS)
    )


def content_hash(files: Iterable[tuple[str, Path]], parts: Iterable[str] = ()) -> str:
    """Hash of the name and the bytes of each of `files` that is one, and of `parts`."""
    digest = hashlib.sha256()
    for name, path in files:
        if path.is_file():
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def data_identity() -> str:
    """The source variables and, for folders, name, bytes and time of each file that could be read."""
    parts = [f"{name}={os.environ.get(name, '')}" for name in SOURCE_VARIABLES]
    for folder in filter(None, os.environ.get("TEACHKIT_DATA", "").split(os.pathsep)):
        for path in _data_files(Path(folder)):
            stat = path.stat()
            parts.append(f"{path}:{stat.st_size}:{stat.st_mtime_ns}")
    return "\n".join(parts)


def _data_files(folder: Path) -> Iterator[Path]:
    """Files of a data folder and its direct subfolders, and one level of pictures below these."""
    for pattern in ("*", "*/*", "*/*/*"):
        yield from sorted(p for p in folder.glob(pattern) if p.suffix in DATA_ENDINGS and p.is_file())
