"""Where things live: cache, course files and outputs. Nothing is created until something is written."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from teachkit.errors import SettingsError


def cache_dir() -> Path:
    """The folder for downloads and unpacked arrays: ``TEACHKIT_CACHE``, else ``XDG_CACHE_HOME/teachkit``."""
    if chosen := os.environ.get("TEACHKIT_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "teachkit"


def course_root(start: Path | None = None) -> Path:
    """The folder that holds ``notebooks/course.toml``: `start` (default: here) or the nearest one above it.

    Raises:
        SettingsError: when there is no course above `start`.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "notebooks" / "course.toml").is_file():
            return folder
    raise SettingsError(
        f"No course here: neither '{here}' nor a folder above it holds notebooks/course.toml.",
        "Change to the folder of the course and try again.",
        path=str(here),
    )


@contextmanager
def atomic(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; it takes the real name when the block ends without error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        temporary = folder / target.name
        yield temporary
        os.replace(temporary, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
