"""All checks, one after the other; what goes wrong in one becomes its finding and stops no other."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from teachkit import __version__
from teachkit.course.condition import Check, disk_check, memory_check, python_check
from teachkit.course.machine import this_machine
from teachkit.errors import SettingsError, TeachkitError
from teachkit.ops.doctor.buckets import DATA_BUCKET, account_check, bucket_checks
from teachkit.ops.doctor.course import course_check
from teachkit.ops.doctor.data import data_check
from teachkit.ops.doctor.extensions import extensions_check
from teachkit.ops.doctor.gpu import TorchAsked
from teachkit.ops.doctor.kernels import kernels_check
from teachkit.ops.doctor.packages import packages_check
from teachkit.ops.doctor.place import idle_check, place_check
from teachkit.ops.doctor.sandbox import sandbox_check
from teachkit.paths import course_root

Question = Callable[[], Check | Iterable[Check]]


def examine(start: Path | None = None) -> list[Check]:
    """Look at this machine, for the course around `start` (default: the current folder)."""
    asked = TorchAsked()
    root = root_or_none(start)
    buckets = list(_answers("buckets", lambda: bucket_checks(root)))
    silent = any(check.name == DATA_BUCKET and check.state == "problem" for check in buckets)
    machine = cache(lambda: this_machine(thorough=True))  # in a question, so that a failure is a finding
    questions: dict[str, Question] = {
        "python": lambda: python_check(machine()),
        "packages": lambda: packages_check(root),
        "gpu": lambda: asked.check(machine()),
        "course": lambda: course_check(root),
        "memory": lambda: memory_check(machine()),
        "disk": lambda: disk_check(machine()),
        "data": lambda: data_check(root, silent=silent),
        "buckets": lambda: buckets,
        "account": account_check,
        "place": place_check,
        "idle shutdown": idle_check,
        "kernels": kernels_check,
        "nbgrader": extensions_check,
        "sandbox": lambda: sandbox_check(root),
    }
    # torch comes last, because it has then had the time of all others to load.
    order = sorted(questions, key=lambda name: name == "gpu")
    answers = {name: list(_answers(name, questions[name])) for name in order}
    return [check for name in questions for check in answers[name]]


def summary(checks: Iterable[Check]) -> dict[str, Any]:
    """The checks as one table for programs; "ok" is false when there is a problem."""
    checks = list(checks)
    return {
        "teachkit": __version__,
        "checked": datetime.now(UTC).isoformat(timespec="seconds"),
        "ok": not any(check.state == "problem" for check in checks),
        "checks": [{**vars(check), "details": dict(check.details)} for check in checks],
    }


def _answers(name: str, question: Question) -> Iterator[Check]:
    try:
        said = question()
        yield from [said] if isinstance(said, Check) else said
    except TeachkitError as error:
        yield Check(name, "problem", error.what, error.remedy)
    except Exception as error:  # a doctor that falls over helps nobody
        yield Check(
            name,
            "problem",
            f"This could not be looked at: {type(error).__name__}: {error}",
            "Tell your instructor; the other lines are right all the same.",
        )


def root_or_none(start: Path | None = None) -> Path | None:
    """The course around `start` (default: the current folder), or None."""
    try:
        return course_root(start)
    except SettingsError:
        return None
