"""Our own reference solutions, graded like a student's work: they must earn every point that tests give.

A temporary nbgrader course is made from ``quizzes/``. The source notebooks, which hold the solutions, are
handed in as the work of one student and graded by nbgrader itself. Reference solutions are ours, so where a
machine can build no box they are graded without one.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from teachkit.course.box.walls import UNBOXED
from teachkit.course.fingerprint import content_hash, data_identity, package_hash
from teachkit.course.records import RESULTS
from teachkit.errors import LessonError
from teachkit.extras import need
from teachkit.paths import atomic

REFERENCE = "reference"
TIME_LIMIT_S = 1200


@dataclass(frozen=True)
class Graded:
    """The points of one notebook: `score` of `max_score` by tests, and `manual` more that a person
    gives."""

    lesson: str
    notebook: str
    score: float
    max_score: float
    manual: float = 0.0

    @property
    def full(self) -> bool:
        """Whether tests gave every point they can give."""
        return abs(self.score - self.max_score) < 1e-9


def grade_references(course_root: Path, out: Path, lessons: Iterable[str], *, jobs: int = 2) -> list[Graded]:
    """Grade the reference solutions of `lessons`; an unchanged one is not graded again.

    Args:
        course_root: the folder with ``quizzes/nbgrader_config.py`` and ``quizzes/source/``.
        out: the folder of a run: results are read from ``out/lessons/ID/results.json``, and the points are
            kept in ``out/grading/``.
        lessons: ids ("01"); a lesson without quizzes adds nothing.
        jobs: how many lessons are graded at the same time, each with one thread.

    Raises:
        LessonError: a quiz asks for the results of a lesson that has not run, or nbgrader fails; its log
            is quoted.
        MissingExtraError: nbgrader is not installed.
    """
    quizzes = course_root / "quizzes"
    graded: dict[str, list[Graded]] = {}
    stale: dict[str, tuple[str, Path]] = {}
    for lesson in lessons:
        for folder in sorted((quizzes / "source").glob(f"{lesson}_*")):
            results = _results(folder, out)
            digest = _digest(quizzes, folder, results)
            kept = out / "grading" / f"{folder.name}.json"
            graded[folder.name] = _kept(kept, digest)
            if not graded[folder.name]:
                stale[folder.name] = digest, kept
    if stale:
        need("nbgrader", "grading")
        with ThreadPoolExecutor(max_workers=jobs) as pool:  # each thread waits for one process
            for name, rows in zip(
                stale, pool.map(lambda name: _grade(quizzes, name, out), stale), strict=True
            ):
                digest, kept = stale[name]
                graded[name] = rows
                _keep(kept, digest, rows)
    return [row for rows in graded.values() for row in rows]


def run_nbgrader(
    course: Path, assignments: Sequence[str], steps: Sequence[str] = ("generate", "autograde")
) -> list[dict[str, Any]]:
    """Run nbgrader's steps in a prepared course folder; the points, as `teachkit.course.autograde.scores`
    gives them.

    Notebooks run under this interpreter whatever kernels the machine knows, with one thread for each
    library.

    Raises:
        LessonError: a step fails or takes longer than twenty minutes.
    """
    command = [
        sys.executable,
        "-m",
        "teachkit.course.autograde",
        str(course),
        *assignments,
        "--steps",
        *steps,
    ]
    try:
        done = subprocess.run(
            command,
            env=_environment(course),
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LessonError(
            f"Grading {', '.join(assignments)} took longer than {TIME_LIMIT_S} s.",
            "Run the quiz notebook by hand to see which cell does not end.",
            assignments=assignments,
        ) from error
    if done.returncode:
        raise LessonError(
            f"nbgrader could not grade {', '.join(assignments)}:\n{done.stderr[-3000:].strip()}\n",
            "The last lines name the step and the notebook.",
            assignments=assignments,
        )
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def _grade(quizzes: Path, name: str, out: Path) -> list[Graded]:
    with tempfile.TemporaryDirectory(prefix="teachkit-grading-") as scratch:
        course = Path(scratch)
        _hand_in(quizzes, course, name, _results(quizzes / "source" / name, out))
        return [_graded(row) for row in run_nbgrader(course, [name])]


def _environment(course: Path) -> dict[str, str]:
    kernel = course / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(
        json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}), encoding="utf-8"
    )
    environment = {
        **os.environ,
        "JUPYTER_PATH": str(course / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(course / "jupyter"),  # an instructor's own nbgrader settings stay out
        # nbgrader calls the program `alembic`, which lies beside the interpreter of an environment
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "TEACHKIT_HEADLESS": "1",
        UNBOXED: "1",  # this code is ours; it runs in a box wherever one can be built
    }
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment.setdefault(name, "1")
    for name in ("TEACHKIT_DATA", "TEACHKIT_CACHE"):  # kernels start in another folder
        if chosen := environment.get(name):
            environment[name] = os.pathsep.join(os.path.abspath(part) for part in chosen.split(os.pathsep))
    return environment


def _hand_in(quizzes: Path, course: Path, name: str, results: Path | None) -> None:
    """Lay out a course with one student, whose work is the source with its solutions."""
    shutil.copyfile(quizzes / "nbgrader_config.py", course / "nbgrader_config.py")
    shutil.copytree(quizzes / "source" / name, course / "source" / name)
    submitted = course / "submitted" / REFERENCE / name
    shutil.copytree(quizzes / "source" / name, submitted)
    if results is not None:
        shutil.copyfile(results, submitted / RESULTS)


def _results(folder: Path, out: Path) -> Path | None:
    """The results that the quizzes in `folder` ask for; None when they ask for none."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.ipynb")))
    asked = re.search(r"place_results\(\\?[\"'](\w+)", sources)
    if asked is None:
        return None
    path = out / "lessons" / asked.group(1) / RESULTS
    if not path.is_file():
        raise LessonError(
            f"The quiz {folder.name} asks about a run of lesson {asked.group(1)}, and {path} is not there.",
            f"Run the lesson first: teachkit run {asked.group(1)} --out {out}",
            path=path,
        )
    return path


def _digest(quizzes: Path, folder: Path, results: Path | None) -> str:
    files = [quizzes / "nbgrader_config.py", *sorted(folder.rglob("*")), *([results] if results else [])]
    return content_hash(((path.name, path) for path in files), (package_hash(), data_identity()))


def _kept(path: Path, digest: str) -> list[Graded]:
    if not path.is_file():
        return []
    saved = json.loads(path.read_text(encoding="utf-8"))
    return [Graded(**row) for row in saved["graded"]] if saved["digest"] == digest else []


def _keep(path: Path, digest: str, graded: list[Graded]) -> None:
    with atomic(path) as temporary:
        text = json.dumps({"digest": digest, "graded": [asdict(row) for row in graded]}, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")


def _graded(row: dict[str, Any]) -> Graded:
    lesson = row["assignment"].partition("_")[0]
    return Graded(lesson, row["notebook"], row["score"], row["max_score"], row["manual"])
