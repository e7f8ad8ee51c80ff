"""The folders of one grading: one for the answers to write to, one for the tests to read from."""

import filecmp
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

MAX_NEW_FILE = 512 * 2**20


@dataclass(frozen=True)
class Folders:
    """Two copies of what was handed in, without its notebooks, which hold the hidden tests by now.

    Attributes:
        answers: where the answers run; they may change it as they like.
        tests: where the tests run; what was handed in stays there as it was.
        names: files that both had from the start.
    """

    answers: Path
    tests: Path
    names: tuple[str, ...] = ()

    @classmethod
    def lay_out(cls, handed_in: Path, scratch: Path) -> "Folders":
        """Copy `handed_in` twice into `scratch`. Links are left out: they may lead anywhere."""
        answers, tests = scratch / "answers", scratch / "tests"
        for folder in (answers, tests):
            folder.mkdir()
            _copy(handed_in, folder)
        names = sorted(str(path.relative_to(tests)) for path in tests.rglob("*") if path.is_file())
        return cls(answers, tests, tuple(names))

    def changed(self) -> list[str]:
        """Names of the files that the answers changed or deleted since the start."""
        return [name for name in self.names if not _same(self.answers / name, self.tests / name)]

    def carry_over(self) -> None:
        """Give the tests each file that the answers have made since; a file that is there stays as it is."""
        _copy(self.answers, self.tests)


def shadows(folder: Path) -> list[str]:
    """Names of modules in `folder` that an installed module has too."""
    places = [place for place in sys.path if place]
    found = []
    for path in sorted(folder.iterdir()):
        name = path.stem if path.suffix == ".py" else path.name
        if not (path.suffix == ".py" or path.is_dir()) or not name.isidentifier():
            continue
        spec = PathFinder.find_spec(name, places)
        if name in sys.stdlib_module_names or (spec is not None and spec.loader is not None):
            found.append(name)
    return found


def _same(one: Path, other: Path) -> bool:
    if one.is_symlink() or not one.is_file():
        return False
    return filecmp.cmp(one, other, shallow=False)


def _copy(source: Path, target: Path) -> None:
    """Copy plain files that `target` does not have, never through a link."""
    for folder, below, files in os.walk(source, followlinks=False):
        here = target / Path(folder).relative_to(source)
        below[:] = [name for name in below if not (Path(folder) / name).is_symlink()]
        for name in files:
            if name.endswith(".ipynb") or (here / name).exists():
                continue
            here.mkdir(parents=True, exist_ok=True)
            _copy_file(Path(folder) / name, here / name)


def _copy_file(source: Path, target: Path) -> None:
    try:
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # a link, or gone meanwhile
        return
    with os.fdopen(handle, "rb") as content:
        about = os.fstat(content.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_NEW_FILE:
            return
        with open(target, "xb") as copy:
            shutil.copyfileobj(content, copy)
