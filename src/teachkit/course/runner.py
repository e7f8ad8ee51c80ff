"""Run lessons headless: side by side, skipping what is unchanged, resuming what was killed.

A lesson's state lies in ``OUT/lessons/ID``: ``executed.ipynb``, ``results.json`` and ``status.json``.
Only a status of "finished" with the same fingerprint is skipped, so a lesson that failed or was killed
half-way runs again, and nothing else does.
"""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from teachkit.course.box.walls import Room
from teachkit.course.declaration import SIZES, Course, Lesson
from teachkit.course.execution import KERNEL_LOG, Execution, Failure, Kernels, execute, kernel_environment
from teachkit.course.fingerprint import lesson_fingerprint
from teachkit.course.progress import RunProgress
from teachkit.course.records import RESULTS, versions
from teachkit.data import sources
from teachkit.errors import LessonError, SettingsError, nearest
from teachkit.paths import atomic

EXECUTED, STATUS = "executed.ipynb", "status.json"
State = Literal["running", "finished", "failed"]
# Two threads of a small network slow each other down many times over as soon as anything else runs; lessons
# put their runs side by side instead. OMP_NUM_THREADS overrides it.
THREADS = 1


@dataclass(frozen=True)
class Status:
    """What ``status.json`` holds about the last run of a lesson."""

    lesson: str
    state: State
    fingerprint: str
    size: str
    seed: int
    core_only: bool
    started: str
    seconds: float = 0.0
    peak_gib: float = 0.0
    cells: int = 0
    threads: int = 0
    source: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(frozen=True)
class Options:
    """How to run: size, seed, lessons side by side, output folder, and what to leave out or repeat.

    With `sandbox` each lesson runs in a box, without network: data come from folders or are embedded.
    """

    out: Path
    size: str = "smoke"
    seed: int = 0
    jobs: int = 1
    force: bool = False
    core_only: bool = False
    sandbox: bool = False

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise SettingsError(f"No size '{self.size}'.", nearest(self.size, SIZES, "sizes"), size=self.size)
        if self.jobs < 1:
            raise SettingsError(f"--jobs is {self.jobs}.", "Give at least 1.", jobs=self.jobs)


def lesson_folder(out: Path, lesson: Lesson) -> Path:
    """Where the state of one lesson lies."""
    return out / "lessons" / lesson.id


def read_status(out: Path, lesson: Lesson) -> Status | None:
    """The status of the last run; None when there was none or its file was damaged by a crash."""
    path = lesson_folder(out, lesson) / STATUS
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        failure = content.pop("failure", None)
        return Status(**content, failure=Failure(**failure) if failure else None)
    except (OSError, ValueError, TypeError):
        return None


def run_lessons(
    course: Course, lessons: Iterable[Lesson], options: Options, progress: RunProgress
) -> dict[str, Status]:
    """Run `lessons`, those that read another's results after it, and return the status of each.

    A lesson that fails stops only those that read its results.
    """
    waiting = list(lessons)
    kernels = Kernels()
    statuses: dict[str, Status] = {}
    at_work: dict[Future[Status], Lesson] = {}
    pool = ThreadPoolExecutor(max_workers=options.jobs)
    try:
        while waiting or at_work:
            for lesson in _ready(waiting, statuses):
                waiting.remove(lesson)
                at_work[pool.submit(_run_one, course, lesson, options, statuses, progress, kernels)] = lesson
            done, _ = wait(at_work, return_when=FIRST_COMPLETED)
            for future in done:
                statuses[at_work.pop(future).id] = future.result()
    except BaseException:
        kernels.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return {lesson.id: statuses[lesson.id] for lesson in course.lessons if lesson.id in statuses}


def _ready(waiting: Iterable[Lesson], statuses: Mapping[str, Status]) -> list[Lesson]:
    return [lesson for lesson in waiting if all(other in statuses for other in lesson.results_from)]


def _run_one(
    course: Course,
    lesson: Lesson,
    options: Options,
    statuses: Mapping[str, Status],
    progress: RunProgress,
    kernels: Kernels,
) -> Status:
    title = f"{lesson.id} {lesson.title}"
    folder = lesson_folder(options.out, lesson)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.parent / f".{lesson.id}.lock", timeout=0):
            status = _skip_or_execute(course, lesson, options, statuses, progress, kernels, title)
    except Timeout as error:
        raise LessonError(
            f"Lesson {lesson.id} is being run into {folder} by another process.",
            "Wait for it, or choose another folder with --out.",
            lesson=lesson.id,
        ) from error
    return status


def _skip_or_execute(
    course: Course,
    lesson: Lesson,
    options: Options,
    statuses: Mapping[str, Status],
    progress: RunProgress,
    kernels: Kernels,
    title: str,
) -> Status:
    fingerprint = lesson_fingerprint(
        course, lesson, size=options.size, seed=options.seed, core_only=options.core_only
    )
    before = read_status(options.out, lesson)
    folder = lesson_folder(options.out, lesson)
    if (
        before is not None
        and before.state == "finished"
        and before.fingerprint == fingerprint
        and (folder / EXECUTED).is_file()
        and not options.force
    ):
        progress.end(lesson.id, title, "unchanged, skipped")
        return before
    for name in (EXECUTED, RESULTS, KERNEL_LOG, "model_card.md"):
        (folder / name).unlink(missing_ok=True)
    status = Status(
        lesson=lesson.id,
        state="running",
        fingerprint=fingerprint,
        size=options.size,
        seed=options.seed,
        core_only=options.core_only,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        threads=THREADS,
        source=sources.current().label,
        versions=versions(),
    )
    _write_status(folder, status)
    blocked = [other for other in lesson.results_from if statuses[other].state != "finished"]
    if blocked:
        failure = Failure(
            0, "LessonError", f"It reads the results of lesson {', '.join(blocked)}, which failed.", ""
        )
        execution = Execution(0.0, 0.0, 0, failure)
    else:
        progress.start(lesson.id, title)
        execution = execute(
            course.notebooks / lesson.file,
            folder / EXECUTED,
            parameters={"SIZE": options.size, "SEED": options.seed, "OUT": str(folder.resolve())},
            environment=kernel_environment(THREADS),
            core_only=options.core_only,
            cell_timeout=max(600, int(10 * lesson.budget[options.size].seconds)),
            on_cell=lambda done, total: progress.cell(lesson.id, done, total),
            kernels=kernels,
            room=_room(course, folder) if options.sandbox else None,
        )
    if kernels.stopped and execution.failure:
        progress.end(lesson.id, title, "interrupted")
        return status  # still "running" on disk: the next run takes it up again
    status = _finished(status, execution)
    _write_status(folder, status)
    progress.end(lesson.id, title, _note(status))
    return status


def _room(course: Course, folder: Path) -> Room:
    """What a lesson in a box sees: notebooks, self-checks, results of others, and its own to write."""
    return Room(
        writable=False,
        read=(course.notebooks, course.root / "quizzes" / "self_checks", folder.parent),
        write=(folder,),
    )


def _finished(status: Status, execution: Execution) -> Status:
    content = {name: getattr(status, name) for name in status.__dataclass_fields__}
    content |= {
        "state": "failed" if execution.failure else "finished",
        "seconds": round(execution.seconds, 2),
        "peak_gib": round(execution.peak_gib, 3),
        "cells": execution.cells,
        "failure": execution.failure,
    }
    return Status(**content)


def _note(status: Status) -> str:
    if failure := status.failure:
        first_line = failure.text.partition("\n")[0]
        return f"FAILED at In [{failure.cell}]: {failure.name}: {first_line}"
    return f"finished, {status.seconds:.1f} s, peak {status.peak_gib:.2f} GiB"


def _write_status(folder: Path, status: Status) -> None:
    with atomic(folder / STATUS) as temporary:
        temporary.write_text(json.dumps(asdict(status), indent=1) + "\n", encoding="utf-8")
