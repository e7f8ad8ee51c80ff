"""Write the stick: wheels, the students' copy, data, an installer, and the hash of every file.

``SHA256SUMS`` is written last. Without it the installer refuses, so half a stick installs nothing.
"""

import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from teachkit.course.declaration import read_course
from teachkit.errors import SettingsError
from teachkit.ops.bundle import MARK, publish
from teachkit.ops.git import git
from teachkit.ops.offline import install, sets, wheels

FACTS = "stick.json"
GROWTH = 2.3  # packages take so much more room unpacked than as wheels: 7.1 for 3.3 GiB on Linux
OURS = ("wheels", "data", "course.tar", "install.py", "README.md", FACTS, install.SUMS)


@dataclass(frozen=True)
class Stick:
    """What was written: bytes of the packages, of the course and of the data; names of the data sets."""

    folder: Path
    wheels: int
    course: int
    data: int
    sets: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.wheels + self.course + self.data


def write_stick(
    root: Path,
    folder: Path,
    *,
    publication: Path | None = None,
    kinds: Sequence[str] = ("linux",),
    python: str = "3.12",
    data: Iterable[str] = (),
) -> Stick:
    """Write into `folder` what a machine without a network needs for the course at `root`.

    Args:
        root: the instructors' course.
        folder: an empty or new folder, or an earlier stick, which is brought up to date.
        publication: what `teachkit.ops.bundle.publish` wrote; when none is given a new one is made.
        kinds: the machines that it is for: "linux", "macos", "windows".
        python: the version of Python there.
        data: names of data sets; default: all of the lessons that are here and may be given away.

    Raises:
        SettingsError: `folder` holds something else, or a set may not be given away.
        FetchError: a package could not be fetched. What arrived is kept for the next attempt.
    """
    _check_folder(folder)
    chosen = sets.wanted_sets(read_course(root), data)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / install.SUMS).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="teachkit-stick-") as scratch:
        course = publication or publish(root, Path(scratch) / "course").folder
        lock = (course / "requirements.lock").read_text(encoding="utf-8")
        wheels.fetch_wheels(lock, kinds, python, folder / "wheels")
        _pack_course(course, folder / "course.tar", Path(scratch))
    shutil.rmtree(folder / "data", ignore_errors=True)
    written = sets.copy_sets(chosen, folder / "data") if chosen else 0
    packed = sum(path.stat().st_size for path in (folder / "wheels").iterdir())
    stick = Stick(folder, packed, (folder / "course.tar").stat().st_size, written, tuple(chosen))
    _write_facts(stick, kinds, python)
    _write_sums(folder)
    return stick


def _check_folder(folder: Path) -> None:
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if there - set(OURS):
        raise SettingsError(
            f"{folder} holds '{min(there - set(OURS))}', which is not of a stick.",
            "Name a new folder.",
            path=str(folder),
        )


def _pack_course(publication: Path, archive: Path, scratch: Path) -> None:
    """The publication with its history; corrections come from where the publication itself is shared."""
    if not (publication / MARK).is_file():
        raise SettingsError(
            f"{publication} is no publication.", "Write one with: teachkit course publish FOLDER"
        )
    copy = scratch / "packed"
    git(publication, "clone", "--quiet", "--no-hardlinks", ".", str(copy))
    origin = git(publication, "remote").split()
    if "origin" in origin:
        git(copy, "remote", "set-url", "origin", git(publication, "remote", "get-url", "origin").strip())
    else:
        git(copy, "remote", "remove", "origin")
    with tarfile.open(archive, "w") as tar:
        for path in sorted(copy.iterdir()):
            tar.add(path, path.name)


def _write_facts(stick: Stick, kinds: Sequence[str], python: str) -> None:
    share = stick.wheels / len(kinds)  # a machine installs its own kind only
    room = int(GROWTH * share + stick.course + stick.data)
    facts = {
        "python": python,
        "kinds": list(kinds),
        "installed_bytes": room,
        "sets": list(stick.sets),
    }
    (stick.folder / FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    told = (
        f"{', '.join(stick.sets)}; data/{sets.LIST} names their licences" if stick.sets else "embedded sets"
    )
    installer = files("teachkit.ops.offline") / "install.py"
    (stick.folder / "install.py").write_text(installer.read_text(encoding="utf-8"), encoding="utf-8")
    (stick.folder / "README.md").write_text(
        f"""# The course without a network

For {", ".join(kinds)} with Python {python}. You need {room / 2**30:.1f} GiB of free disk.

```
python{python} install.py            # into teachkit-course in your home folder; or: install.py FOLDER
python{python} ~/teachkit-course/start.py
```

The first command compares every file with its hash. Data: {told}.
""",
        encoding="utf-8",
    )


def _write_sums(folder: Path) -> None:
    files_ = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{install.digest_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files_]
    (folder / install.SUMS).write_text("".join(lines), encoding="utf-8")
