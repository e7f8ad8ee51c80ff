"""Is the environment the one of requirements.lock? Each package and version is compared."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from teachkit.course.condition import Check

LOCK = "requirements.lock"
SHOWN = 4
NEEDED = ("", "lessons")  # extras without which no lesson runs; the others are for graders and servers
LINE = re.compile(r"^([A-Za-z0-9][\w.-]*==[^\\#\n]+)", re.MULTILINE)
AWAY = "Call it in the folder of the course."
MINOR = "Nothing, unless you grade or serve on this machine."
INSTALL = "Bring the environment up to date: make .venv/ready in the folder of the course."


def packages_check(root: Path | None) -> Check:
    """Compare what is installed here with the lock of the course at `root`."""
    path = root / LOCK if root else None
    if path is None or not path.is_file():
        return Check("packages", "note", "There is no requirements.lock here to compare with.", AWAY)
    text = path.read_text(encoding="utf-8")
    wanted, here = locked(text), installed()
    lock = hashlib.sha256(text.encode()).hexdigest()[:12]
    differ = {
        name: (here[name], wanted[name]) for name in wanted if name in here and here[name] != wanted[name]
    }
    builds = {name: pair for name, pair in differ.items() if _same_release(*pair)}
    differ = {name: pair for name, pair in differ.items() if name not in builds}
    missing = sorted(set(wanted) - set(here))
    lacking = sorted(needed(missing))
    details = {
        "lock_sha256": lock,
        "locked": len(wanted),
        "differ": {name: {"installed": a, "locked": b} for name, (a, b) in sorted(differ.items())},
        "other_build": {name: {"installed": a, "locked": b} for name, (a, b) in sorted(builds.items())},
        "missing": missing,
    }
    head = f"{len(wanted)} packages are in the lock {lock}"
    wrong = [_listed("of another version", _pairs(differ)), _listed("missing", lacking)]
    if said := [part for part in wrong if part]:
        return Check("packages", "problem", f"{head}; {'; '.join(said)}.", INSTALL, details)
    minor = [
        _listed("missing, but no lesson needs them", missing),
        _listed("of another build", _pairs(builds)),
    ]
    if said := [part for part in minor if part]:
        return Check("packages", "note", f"{head}; {'; '.join(said)}.", MINOR, details)
    return Check("packages", "ok", f"All {len(wanted)} packages are as in the lock {lock}.", details=details)


def locked(text: str) -> dict[str, str]:
    """Package → version of a lock file, of the lines that apply to this Python on this system."""
    found: dict[str, str] = {}
    for line in LINE.findall(text):
        requirement = Requirement(line.strip())
        if requirement.marker is None or requirement.marker.evaluate():
            found[canonicalize_name(requirement.name)] = next(iter(requirement.specifier)).version
    return found


def installed() -> dict[str, str]:
    """Package → version of everything that this Python can import; the first on the path counts."""
    found: dict[str, str] = {}
    for distribution in distributions():
        if name := distribution.metadata["Name"]:
            found.setdefault(canonicalize_name(name), distribution.version)
    return found


def needed(missing: Iterable[str]) -> set[str]:
    """Those of `missing` that the core and the lessons of teachkit reach, through whatever packages."""
    absent = set(missing)
    if not absent:
        return set()
    reached: set[str] = set()
    queue: list[tuple[str, tuple[str, ...]]] = [("teachkit", NEEDED)]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while queue:
        name, extras = queue.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        reached.add(name)
        if name in absent:
            continue
        for line in requires(name) or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or ("",)):
                queue.append((canonicalize_name(requirement.name), ("", *sorted(requirement.extras))))
    return reached & absent


def _same_release(here: str, wanted: str) -> bool:
    """2.15.0+cu126 and 2.15.0 are one release in two builds."""
    return here.partition("+")[0] == wanted.partition("+")[0]


def _pairs(differ: Mapping[str, tuple[str, str]]) -> list[str]:
    return [f"{name} {here} (lock: {wanted})" for name, (here, wanted) in sorted(differ.items())]


def _listed(what: str, items: list[str]) -> str:
    """How many and which, cut short; "" for none."""
    rest = len(items) - SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    return f"{what}: {len(items)} ({', '.join(items[:SHOWN])}{more})" if items else ""
