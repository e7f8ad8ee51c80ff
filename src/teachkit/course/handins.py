"""Grading the hand-ins of a class: side by side, and resumed where it was stopped."""

import os
import re
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from joblib import Parallel, delayed

from teachkit.course.autograde import open_api, scores
from teachkit.course.box import missing
from teachkit.course.box.flags import Flag, read_flags, read_report, replace_flags, write_report
from teachkit.course.box.walls import UNBOXED, allowed_without
from teachkit.course.fingerprint import content_hash, data_identity, package_hash
from teachkit.course.likeness import alike
from teachkit.errors import BoxMissingError, LessonError, nearest


@dataclass(frozen=True)
class Marked:
    """One student's assignment after grading.

    Attributes:
        state: "graded", "unchanged" (graded before, from the same files) or "failed".
        seconds: time it took, 0 when it was not graded now.
        score: points that tests gave, of `max_score`; `manual` more are given by a person.
        problem: why it could not be graded; empty when it could.
    """

    student: str
    state: str
    seconds: float = 0.0
    score: float = 0.0
    max_score: float = 0.0
    manual: float = 0.0
    flags: tuple[Flag, ...] = field(default=())
    problem: str = ""


def grade_class(
    course: Path,
    assignment: str,
    *,
    students: Iterable[str] = (),
    jobs: int = 1,
    again: bool = False,
    on_done: Callable[[Marked, int, int], None] = lambda *_: None,
) -> list[Marked]:
    """Grade every submission of an assignment; one that fails stops no other.

    A submission is graded again when its files, the assignment, the package or the data have changed since.

    Args:
        course: the course folder, with ``nbgrader_config.py``, the gradebook and ``submitted/``.
        students: ids; default: everyone who handed in.
        jobs: submissions at the same time, each with one thread.
        again: grade unchanged ones too.
        on_done: called with each student's result, how many are done, and how many there are.

    Returns:
        One row a student, by id.

    Raises:
        BoxMissingError: no box can be built here, and nobody said that the code may run without.
        LessonError: nobody handed anything in, or a student who was asked for did not.
    """
    if (problem := missing()) and not allowed_without():
        raise BoxMissingError(
            f"Work of students is graded in a box only. {problem}",
            f"Install it, or set {UNBOXED}=1 to run code that you trust without a box.",
            problem=problem,
        )
    root = course.resolve()
    chosen = _chosen(root, assignment, list(students))
    shared = surroundings(root, assignment)
    digests = {student: digest(root, assignment, student, shared) for student in chosen}
    todo = [one for one in chosen if again or not _is_graded(root, assignment, one, digests[one])]
    results = [Marked(student, "unchanged") for student in chosen if student not in todo]
    for count, one in enumerate(results, start=1):
        on_done(one, count, len(chosen))
    tasks = (delayed(_grade)(root, assignment, student, digests[student]) for student in todo)
    for one in Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks):
        results.append(one)
        on_done(one, len(results), len(chosen))
    for student, flags in alike(root, assignment).items():
        replace_flags(root, assignment, student, "", ["alike"], flags)
    return _with_points(root, assignment, results)


def surroundings(root: Path, assignment: str) -> str:
    """Hash of what the gradings of a class share: assignment, settings, package and data."""
    files = (root / "nbgrader_config.py", *sorted((root / "source" / assignment).rglob("*")))
    return content_hash(_named(root, files), (package_hash(), data_identity()))


def digest(root: Path, assignment: str, student: str, shared: str) -> str:
    """Hash of what a grading depends on: the hand-in and its `surroundings`."""
    files = sorted((root / "submitted" / student / assignment).rglob("*"))
    return content_hash(_named(root, files), (shared,))


def _named(root: Path, files: Iterable[Path]) -> list[tuple[str, Path]]:
    """Files by their name in the course folder; links of a hand-in are not followed."""
    return [(path.relative_to(root).as_posix(), path) for path in files if not path.is_symlink()]


def _chosen(root: Path, assignment: str, students: Sequence[str]) -> list[str]:
    there = sorted(path.parent.name for path in (root / "submitted").glob(f"*/{assignment}"))
    if not there:
        raise LessonError(
            f"Nobody has handed in {assignment}: there is no {root / 'submitted'}/STUDENT/{assignment}.",
            f"Collect it first: nbgrader collect {assignment}",
            assignment=assignment,
        )
    for student in students:
        if student not in there:
            raise LessonError(
                f"{student} has not handed in {assignment}.",
                nearest(student, there, "students"),
                student=student,
            )
    return sorted(students) or there


def _is_graded(root: Path, assignment: str, student: str, now: str) -> bool:
    kept = read_report(root, assignment, student)
    done = kept.get("state") == "graded" and kept.get("digest") == now
    return done and (root / "autograded" / student / assignment).is_dir()


def _grade(root: Path, assignment: str, student: str, now: str) -> Marked:
    """Grade one submission in this process; whatever goes wrong is its result."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TEACHKIT_HEADLESS", "1")
    write_report(root, assignment, student, {"state": "running", "digest": now, "flags": []})
    began = time.monotonic()
    try:
        result = open_api(root).autograde(assignment, student, force=True, create=True)
    except Exception:  # this submission failed, the others go on
        result = {"success": False, "error": traceback.format_exc(), "log": ""}
    seconds = round(time.monotonic() - began, 2)
    said = f"{result.get('error') or ''}\n{result.get('log') or ''}".strip()
    problem = "" if result["success"] else _reason(said)
    if problem:
        text = f"It could not be graded, and has no points from tests yet. {problem}"
        replace_flags(root, assignment, student, "", ["failed"], [Flag("failed", "", "", text)])
    state = "failed" if problem else "graded"
    write_report(
        root, assignment, student, {"state": state, "seconds": seconds, "log": said if problem else ""}
    )
    return Marked(student, state, seconds, problem=problem)


def _reason(log: str) -> str:
    """The line of a log that names the error which stopped nbgrader."""
    named = re.findall(r"^\s*(?:\w+\.)*\w*(?:Error|Exception)\b.*", log, flags=re.MULTILINE)
    return (named or log.splitlines() or ["nbgrader gave no reason."])[-1].strip()[:300]


def _with_points(root: Path, assignment: str, results: Iterable[Marked]) -> list[Marked]:
    rows = scores(open_api(root).coursedir.db_url, assignment)
    return [
        replace(
            one,
            **{
                part: sum(row[part] for row in rows if row["student"] == one.student)
                for part in ("score", "max_score", "manual")
            },
            flags=tuple(read_flags(root, assignment, one.student)),
        )
        for one in sorted(results, key=lambda one: one.student)
    ]
