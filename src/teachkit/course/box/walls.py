"""The walls of the box: one bubblewrap command line, and whether this machine can build it.

Inside there is the system's ``/usr``, this Python with its packages, the course's data, and one folder.
There is no network, no other process, no home folder, and no variable that is not named here.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import teachkit

BWRAP = "bwrap"
OLDEST = (0, 8)  # Debian 12 and Ubuntu 24.04; older ones know neither --size nor --disable-userns
HOME = "/tmp/home"
UNBOXED = "TEACHKIT_UNBOXED"

# What a lesson or a quiz reads of its environment. Everything else stays outside: keys, tokens, addresses.
KEPT = (
    "MKL_NUM_THREADS",
    "MPLBACKEND",
    "NBGRADER_EXECUTION",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "PYTHONSAFEPATH",
    "TEACHKIT_HEADLESS",
    "TEACHKIT_OFFLINE",
    "TEACHKIT_OUT",
    "TZ",
)


@dataclass(frozen=True)
class Room:
    """Which folders of this machine a box holds besides the one it runs in.

    Attributes:
        writable: whether it may write to the folder it runs in.
        read: further folders that it may read.
        write: further folders that it may write to.
        full_mib: MiB that the folder it runs in may hold before the box is ended; 0: it is not watched.
    """

    writable: bool = True
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    full_mib: int = 0


@dataclass(frozen=True)
class Limits:
    """How much one box may use.

    Attributes:
        memory_gib: memory of all its processes together, and of each one.
        processes: processes, all together.
        file_mib: size of one file, and of each of the two folders that live in memory.
        cpu_minutes: processor time of one process.
    """

    memory_gib: float = 6.0
    processes: int = 64
    file_mib: int = 512
    cpu_minutes: int = 60

    def command(self) -> list[str]:
        """The part of the command line, inside the box, that sets what the kernel of the system enforces."""
        seconds = self.cpu_minutes * 60
        limits = [
            f"--data={int(self.memory_gib * 2**30)}",
            f"--fsize={self.file_mib * 2**20}",
            f"--cpu={seconds}:{seconds + 5}",
            "--core=0",
        ]
        if _counts_by_namespace(platform.release()):
            limits.append(f"--nproc={self.processes * THREADS_EACH}")
        return ["prlimit", *limits, "--"]


ROOM = Room()
LIMITS = Limits()
THREADS_EACH = 8  # the system counts threads; the watch counts processes


def _counts_by_namespace(release: str) -> bool:
    """Whether this Linux counts processes for each box alone; before 5.14 it counts all of one user."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return found is not None and (int(found[1]), int(found[2])) >= (5, 14)


def walls(
    folder: Path,
    *,
    room: Room = ROOM,
    limits: Limits = LIMITS,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """What stands in front of a command so that it runs in the box.

    Args:
        folder: where it runs; unless `room` says more, the only place of this machine where it may write.
        room: see `Room`.
        limits: see `Limits`.
        environment: the variables to choose from; default: those of this process.
    """
    around = os.environ if environment is None else environment
    place = os.path.realpath(folder)
    size = str(limits.file_mib * 2**20)
    line = [BWRAP, "--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
    line += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv", "--hostname", "box"]
    line += ["--proc", "/proc", "--dev", "/dev", "--size", size, "--tmpfs", "/dev/shm"]
    line += ["--size", size, "--tmpfs", "/tmp", "--dir", HOME]
    line += _system()
    for path in [*_python(), *_data(around)]:
        line += ["--ro-bind", path, path]
    line += ["--bind" if room.writable else "--ro-bind", place, place]
    for path in map(os.path.realpath, room.read):
        line += ["--ro-bind-try", path, path]
    for path in map(os.path.realpath, room.write):
        line += ["--bind", path, path]
    for name, value in _variables(around).items():
        line += ["--setenv", name, value]
    return [*line, "--chdir", place, "--remount-ro", "/", "--remount-ro", "/dev", "--", *limits.command()]


def _system() -> Iterable[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):  # links into /usr on a merged system
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", os.readlink(path), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for file in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts"):
        yield from ("--ro-bind-try", file, file)


def _python() -> list[str]:
    """This interpreter, its packages, teachkit itself and its list of data sets, each once."""
    from teachkit.data.registry import registry_path  # slow to load, and no code inside a box needs it

    return _outermost(
        [sys.base_prefix, sys.prefix, str(Path(teachkit.__file__).parent), str(registry_path())]
    )


def _data(environment: Mapping[str, str]) -> list[str]:
    chosen = environment.get("TEACHKIT_DATA", "")
    return [os.path.abspath(part) for part in chosen.split(os.pathsep) if part and os.path.isdir(part)]


def _outermost(paths: Iterable[str]) -> list[str]:
    """`paths` without those that lie in another one of them, or in ``/usr``, which is there already."""
    kept: list[str] = []
    for path in sorted({os.path.abspath(path) for path in paths}):
        if not any(Path(path).is_relative_to(other) for other in ["/usr", *kept]):
            kept.append(path)
    return kept


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    chosen = {name: environment[name] for name in KEPT if name in environment}
    if data := _data(environment):
        chosen["TEACHKIT_DATA"] = os.pathsep.join(data)
    elif "TEACHKIT_BUCKET" not in environment:
        chosen["TEACHKIT_OFFLINE"] = "1"  # there is no network to fetch from
    return {
        "HOME": HOME,
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join([os.path.join(sys.prefix, "bin"), "/usr/bin", "/bin"]),
        "MPLBACKEND": "Agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        **chosen,
    }


def allowed_without(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the person at work has said that code may run without a box."""
    return (os.environ if environment is None else environment).get(UNBOXED) == "1"


@cache
def missing() -> str:
    """Why this machine can build no box, in one sentence; empty when it can. Tried once, not guessed."""
    if platform.system() != "Linux":
        return f"A box needs Linux, and this is {platform.system()}."
    for program, package in ((BWRAP, "bubblewrap"), ("prlimit", "util-linux")):
        if shutil.which(program) is None:
            return f"The program {program} is not installed (apt-get install {package})."
    version = subprocess.run([BWRAP, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        return f"bubblewrap {'.'.join(map(str, OLDEST))} or newer is needed, and this is '{version.strip()}'."
    trial = subprocess.run(
        [*walls(Path("/usr/share"), room=Room(writable=False)), "true"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if trial.returncode:
        return f"bubblewrap can build no walls here: {trial.stderr.strip()[-200:]}"
    return ""
