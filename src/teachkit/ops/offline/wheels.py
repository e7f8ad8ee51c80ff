"""The wheels of the lock, for this machine or for another kind: fetched by pip, which compares every hash."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from teachkit.errors import FetchError, FormatError, UnknownNameError, nearest

PYTHONS = ("3.11", "3.12")
PATCHES = (0, 99)  # the lock may choose by the third number too, and a stick serves the oldest and the newest


@dataclass(frozen=True)
class Kind:
    """A kind of machine: what markers of the lock see there, and which wheels pip may take."""

    markers: Mapping[str, str]
    platforms: tuple[str, ...]


_LINUX = (*(f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)), "manylinux2014_x86_64")
_MACOS = tuple(f"macosx_{major}_0_{chip}" for major in range(15, 10, -1) for chip in ("arm64", "universal2"))
KINDS: Mapping[str, Kind] = {
    "linux": Kind(
        {
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_machine": "x86_64",
            "os_name": "posix",
        },
        (*_LINUX, "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
    ),
    "macos": Kind(
        {
            "sys_platform": "darwin",
            "platform_system": "Darwin",
            "platform_machine": "arm64",
            "os_name": "posix",
        },
        (*_MACOS, "macosx_10_9_universal2", "macosx_10_13_universal2"),
    ),
    "windows": Kind(
        {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64", "os_name": "nt"},
        ("win_amd64",),
    ),
}


def needed(lock: str, kind: str, python: str, patch: int) -> list[str]:
    """The entries of a lock that a machine of that kind installs, each with its hashes, without its marker.

    Args:
        lock: the text of the lock.
        kind: one of `KINDS`.
        python: first two numbers of its Python, such as "3.12".
        patch: the third one.

    Raises:
        UnknownNameError: no such kind of machine, or no such Python.
        FormatError: the lock has an entry that is no requirement with a hash.
    """
    if kind not in KINDS:
        raise UnknownNameError(f"No kind of machine is called '{kind}'.", nearest(kind, KINDS, "kinds"))
    if python not in PYTHONS:
        raise UnknownNameError(
            f"The course does not run on Python {python}.", nearest(python, PYTHONS, "versions")
        )
    seen: dict[str, str] = {
        **{name: str(value) for name, value in default_environment().items()},
        **KINDS[kind].markers,
        "python_version": python,
        "python_full_version": f"{python}.{patch}",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = []
    for text, hashes in _entries(lock):
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(seen):
            found.append(" ".join([f"{requirement.name}{requirement.specifier}", *hashes]))
    return found


def fetch_wheels(lock: str, kinds: Sequence[str], python: str, folder: Path) -> None:
    """Let `folder` hold the wheels of `lock` for these kinds of machines; what is there is not fetched again.

    Raises:
        UnknownNameError, FormatError: as `needed`.
        FetchError: pip could not bring one of them; its last line is quoted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = set()
    for kind in kinds:
        done: list[list[str]] = []
        for patch in PATCHES:
            entries = needed(lock, kind, python, patch)
            wanted |= {_pin(entry) for entry in entries}
            if entries not in done:
                _download(entries, kind, f"{python}.{patch}", folder)
                done.append(entries)
    for path in folder.glob("*.whl"):  # of an older lock
        if parse_wheel_filename(path.name)[:2] not in wanted:
            path.unlink()


def _pin(entry: str) -> tuple[str, Version]:
    name, version = entry.split()[0].split("==")
    return canonicalize_name(name), Version(version)


def _download(entries: Sequence[str], kind: str, python: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="teachkit-lock-") as scratch:
        chosen = Path(scratch) / "requirements.lock"
        chosen.write_text("\n".join(entries) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", str(chosen)]
        command += ["--find-links", str(folder), "--dest", str(folder), "--python-version", python]
        command += ["--implementation", "cp"]
        for platform in KINDS[kind].platforms:
            command += ["--platform", platform]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line] or ["no message"]
        raise FetchError(
            f"The packages for {kind} and Python {python} are not complete: {said[-1]}",
            "Check the network and run the same command again; what arrived is kept.",
            kind=kind,
        )


def _entries(lock: str) -> Iterator[tuple[str, list[str]]]:
    """(requirement with its marker, its hashes) for each entry."""
    for line in lock.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        hashes = re.findall(r"--hash=\S+", line)
        if not hashes:
            raise FormatError(
                f"The lock has an entry without a hash: '{line.strip()}'.", "Make it anew: make lock"
            )
        yield line.partition("--hash=")[0].strip(), hashes
