"""Is this a course, and is the package the one it was written for?"""

import csv
import io
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from teachkit import __version__
from teachkit.course.condition import Check, version_check
from teachkit.course.declaration import read_course

AWAY = "Change to the folder of the course and call it again."
INSTALL = "Install it: make .venv/ready in the folder of the course. Then restart the kernel."
ENTRY = "teachkit/__init__.py"


def course_check(root: Path | None) -> Check:
    """The version of teachkit against that of the lessons, and its files against the wheel beside them."""
    if root is None:
        return Check("course", "note", f"No course in this folder; teachkit is {__version__}.", AWAY)
    checked = version_check(read_course(root))
    wheels = sorted(root.glob("wheel/teachkit-*.whl"))
    if checked.state != "ok" or not wheels:
        return checked
    here = installed_files()
    if ENTRY not in here:
        found = f"{checked.found} It runs from its source, not from {wheels[-1].name}."
        return Check("course", "note", found, "Nothing, if you write the course.")
    there = files_of_wheel(wheels[-1])
    differ = sorted(name for name in there.keys() | here.keys() if there.get(name) != here.get(name))
    if differ:
        found = f"The installed teachkit is not that of {wheels[-1].name}: differing files: {len(differ)}."
        return Check("course", "problem", found, INSTALL, {"differ": differ})
    return checked


def files_of_wheel(wheel: Path) -> dict[str, str]:
    """File of the package → its hash, as a wheel lists them."""
    with zipfile.ZipFile(wheel) as archive:
        record = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
        rows = csv.reader(io.StringIO(archive.read(record).decode()))
    return {name: hashed for name, hashed, _ in rows if name.startswith("teachkit/")}


def installed_files() -> dict[str, str]:
    """File of the package → its hash, as the installation lists them; of a source folder it lists none."""
    try:
        files = distribution("teachkit").files or []
    except PackageNotFoundError:
        return {}
    hashed = {str(file): f"{file.hash.mode}={file.hash.value}" for file in files if file.hash}
    return {name: value for name, value in hashed.items() if name.startswith("teachkit/")}
