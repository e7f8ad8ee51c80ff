"""Install the course from this stick, without a network: python3 install.py [FOLDER]

It compares every file with SHA256SUMS first. Run it again when it was interrupted: it goes on.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

STICK = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"
START = '''"""Open the lessons: python3 start.py"""

import os
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
programs = here / "course" / ".venv" / ("Scripts" if os.name == "nt" else "bin")
os.environ["PATH"] = str(programs) + os.pathsep + os.environ["PATH"]
os.environ.setdefault("JUPYTER_CONFIG_PATH", str(here / "course" / "quizzes"))
if not any(name in os.environ for name in ("TEACHKIT_DATA", "TEACHKIT_BUCKET", "TEACHKIT_OFFLINE")):
    data = here / "data"
    os.environ.update({"TEACHKIT_DATA": str(data)} if data.is_dir() else {"TEACHKIT_OFFLINE": "1"})
sys.exit(subprocess.call([str(programs / "jupyter"), "lab", *sys.argv[1:]], cwd=here / "course"))
'''


def main() -> None:
    """Check the stick, then lay out course, environment and data in the folder that was named."""
    if len(sys.argv) > 2 or sys.argv[1:2] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    target = Path(sys.argv[1] if len(sys.argv) > 1 else Path.home() / "teachkit-course").resolve()
    facts = json.loads((STICK / "stick.json").read_text(encoding="utf-8"))
    check_machine(facts, target)
    print(f"Comparing the files of this stick with {SUMS} ...", flush=True)
    check_files()
    target.mkdir(parents=True, exist_ok=True)
    course = target / "course"
    if not course.exists():
        place(STICK / "course.tar", course)
    if (STICK / "data").is_dir():
        copy_files(STICK / "data", target / "data")
    install(course)
    (target / "start.py").write_text(START, encoding="utf-8")
    print(f"Ready. Open the lessons with: {Path(sys.executable).name} {target / 'start.py'}")


def check_machine(facts: dict, target: Path) -> None:
    """End with a sentence when this Python or this machine is another one than the stick is for."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if here != facts["python"]:
        wanted = facts["python"]
        sys.exit(f"This stick is for Python {wanted}, and this is {here}. Type: python{wanted} install.py")
    kind = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    if kind not in facts["kinds"]:
        sys.exit(f"This stick is for {', '.join(facts['kinds'])}, and this is {kind}. Ask for another one.")
    around = next(folder for folder in (target, *target.parents) if folder.exists())
    free, wanted = shutil.disk_usage(around).free, facts["installed_bytes"]
    if free < wanted:
        sys.exit(
            f"{around} has {free / 2**30:.1f} GiB left; the course needs about {wanted / 2**30:.1f} GiB. "
            "Name another folder: python3 install.py FOLDER"
        )


def check_files() -> None:
    """End with a sentence when a file is absent or its hash is another one."""
    sums = STICK / SUMS
    if not sums.is_file():
        sys.exit(f"{sums} is not there: this stick was not written to its end. Ask for another one.")
    for line in sums.read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ", 1)
        path = STICK / name
        if not path.is_file():
            sys.exit(f"{name} is not on this stick. Copy the whole stick again.")
        if digest_of(path) != digest:
            sys.exit(f"{name} is damaged: its hash is another one. Copy the whole stick again.")


def digest_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


def place(archive: Path, course: Path) -> None:
    """Unpack the course; the folder gets its name when it is whole."""
    half = course.with_name("course.unpacking")
    shutil.rmtree(half, ignore_errors=True)
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(half, filter="data")
        else:
            tar.extractall(half)
    half.rename(course)


def copy_files(source: Path, target: Path) -> None:
    """Copy a folder without its permissions: a stick and a data folder may be read-only, a copy is not."""
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def install(course: Path) -> None:
    """Make the environment of the course from the wheels alone; every hash of the lock is compared again."""
    environment = course / ".venv"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    # isolated: what the owner of the machine set for pip names places that this machine cannot reach
    pip = [str(python), "-m", "pip", "--isolated", "--disable-pip-version-check"]
    pip += ["install", "--quiet", "--no-index"]
    print("Installing the packages: several minutes ...", flush=True)
    lock = ["--find-links", str(STICK / "wheels"), "--require-hashes", "--requirement", "requirements.lock"]
    (wheel,) = (course / "wheel").glob("teachkit-*.whl")
    for command in ([*pip, *lock], [*pip, "--no-deps", "--force-reinstall", str(wheel)]):
        if subprocess.run(command, cwd=course, check=False).returncode:
            sys.exit(
                "pip could not install the packages; its message stands above. Send it to your instructor."
            )
    (environment / "ready").touch()  # make lab and make update have nothing left to do


if __name__ == "__main__":
    main()
