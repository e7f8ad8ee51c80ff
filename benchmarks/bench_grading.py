"""Grading a class: nbgrader as it comes, against answers in one box and tests in another.

Every way grades the same hand-ins, our own solutions of the quiz of lesson 00, and must give the same points.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import Timing, in_turns, report

from teachkit.course.autograde import gradebook_url, scores
from teachkit.course.grading import run_nbgrader

QUIZZES = Path(__file__).resolve().parents[1] / "quizzes"
ASSIGNMENT, STUDENTS, ROUNDS = "00_start_here", 10, 3
PLAIN = "nbgrader as it comes, without a box"


def main() -> None:
    """Grade the same class in turns, and keep the seconds of one hand-in."""
    with tempfile.TemporaryDirectory() as folder:
        plain, boxed = (lay_out(Path(folder, name), boxed=name == "boxed") for name in ("plain", "boxed"))
        program = Path(sys.executable).parent
        nbgrader = [str(program / "nbgrader"), "autograde", ASSIGNMENT, "--force", "--quiet"]
        ours = [str(program / "teachkit"), "course", "autograde", ASSIGNMENT, "--again", "--jobs"]
        ways = {
            PLAIN: lambda: grade(plain, nbgrader),
            "two boxes, one hand-in after the other": lambda: grade(boxed, nbgrader),
            "two boxes, two hand-ins at a time": lambda: grade(boxed, [*ours, "2"]),
        }
        timings = in_turns(ways, ROUNDS)
    each = [Timing(one.name, [taken / STUDENTS for taken in one.seconds]) for one in timings]
    report("grading", f"One of {STUDENTS} hand-ins of the quiz of lesson 00, 2 cores", PLAIN, each)


def lay_out(course: Path, *, boxed: bool) -> Path:
    """A course folder in which everybody has handed in our solution."""
    shutil.copytree(QUIZZES / "source" / ASSIGNMENT, course / "source" / ASSIGNMENT)
    settings = (QUIZZES / "nbgrader_config.py").read_text()
    (course / "nbgrader_config.py").write_text(settings if boxed else settings.replace("use_box(c)", ""))
    run_nbgrader(course, [ASSIGNMENT], ["generate"])
    for number in range(STUDENTS):
        shutil.copytree(course / "source" / ASSIGNMENT, course / "submitted" / f"s{number}" / ASSIGNMENT)
    return course


def grade(course: Path, command: list[str]) -> None:
    """Run a command in the course folder; all must end with full points, for speed alone is worth nothing."""
    environment = {
        **os.environ,
        "JUPYTER_PATH": str(course / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(course / "jupyter"),
        "OMP_NUM_THREADS": "1",
        "TEACHKIT_HEADLESS": "1",
    }
    subprocess.run(command, cwd=course, env=environment, check=True, capture_output=True)
    rows = scores(gradebook_url(course), ASSIGNMENT)
    if len(rows) != STUDENTS or any(row["score"] != row["max_score"] for row in rows):
        raise SystemExit(f"{' '.join(command)} gave {[row['score'] for row in rows]}")


if __name__ == "__main__":
    main()
