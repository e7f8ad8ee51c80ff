"""Lessons run side by side, skip what is unchanged, resume what was killed, and a failure stays alone."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from rich.console import Console

from teachkit.course import runner
from teachkit.course.declaration import Course
from teachkit.course.execution import Execution, Failure, Kernels, MemoryWatch
from teachkit.course.progress import RunProgress
from teachkit.course.runner import Options, Status, read_status, run_lessons
from teachkit.errors import LessonError, SettingsError

pytestmark = pytest.mark.xdist_group("executed lessons")  # run once, not once per worker
TELLS = ("t1", "tells_environment")
Executed = tuple[Course, Path, dict[str, Status]]


def run(course: Course, **options: object) -> tuple[dict[str, Status], str]:
    """Statuses, and the lines that were printed."""
    console = Console(file=io.StringIO(), width=200)
    settings = Options(**({"out": course.root / "build"} | options))
    with RunProgress(console) as progress:
        statuses = run_lessons(course, course.lessons, settings, progress)
    return statuses, console.file.getvalue()


def values(course: Course, lesson: str = "t1") -> dict:
    content = json.loads((course.root / "build" / "lessons" / lesson / "results.json").read_text())
    return {name: item["value"] for name, item in content["values"].items()}


def test_a_failing_lesson_does_not_stop_the_others(executed: Executed) -> None:
    states = {name: status.state for name, status in executed[2].items()}
    assert states == {
        "t1": "finished",
        "t2": "failed",
        "t3": "finished",
        "t4": "finished",
        "t5": "finished",
        "t6": "failed",
        "t7": "finished",
        "t8": "finished",
        "t9": "failed",
    }


def test_a_failed_notebook_is_kept_with_its_error(executed: Executed) -> None:
    _, out, statuses = executed
    failure = statuses["t2"].failure
    assert failure is not None
    assert (failure.name, failure.text) == ("ValueError", "the third code cell fails on purpose")
    kept = nbformat.read(out / "lessons" / "t2" / "executed.ipynb", as_version=4)
    errors = [o for c in kept.cells for o in c.get("outputs", []) if o.output_type == "error"]
    assert [error.evalue for error in errors] == ["the third code cell fails on purpose"]


def test_a_lesson_that_reads_failed_results_says_so_and_is_not_started(executed: Executed) -> None:
    status = executed[2]["t6"]
    assert status.failure is not None
    assert "results of lesson t2, which failed" in status.failure.text
    assert status.cells == 0


def test_a_lesson_that_reads_results_runs_after_they_are_there(executed: Executed) -> None:
    assert values(executed[0], "t7") == {"seen": True}


def test_seconds_memory_and_cells_are_measured(executed: Executed) -> None:
    statuses = executed[2]
    extra = statuses["t4"].peak_gib - statuses["t1"].peak_gib
    assert 0.25 < extra < 0.5  # the lesson holds 300 MiB = 0.29 GiB more
    assert statuses["t1"].seconds > 0.5
    assert statuses["t1"].cells == 7


def test_memory_of_children_counts() -> None:
    code = "block = bytearray(b'x') * (200 * 2**20); import time; time.sleep(30)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], start_new_session=True)
    watch = MemoryWatch(process.pid)
    watch.start()
    deadline = time.monotonic() + 10
    while watch.peak_bytes < 200 * 2**20 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 200 * 2**20 < watch.finish() < 300 * 2**20


def test_the_kernel_is_headless_with_its_share_of_threads_beside_the_lessons(executed: Executed) -> None:
    assert values(executed[0], "t8") == {
        "TEACHKIT_HEADLESS": "1",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "folder": "notebooks",
    }


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Execution replaced by a copy of the notebook, and the list of what was executed."""
    seen: list[Path] = []

    def copy(notebook: Path, target: Path, **_: object) -> Execution:
        seen.append(notebook)
        shutil.copyfile(notebook, target)
        return Execution(seconds=1.0, peak_gib=0.1, cells=1, failure=None)

    monkeypatch.setattr(runner, "execute", copy)
    return seen


def test_unchanged_lessons_are_skipped_until_the_notebook_changes_or_force(
    make_course, counted: list[Path]
) -> None:
    course = make_course(TELLS, ("t2", "good"))
    first, lines = run(course)
    assert lines.count("finished") == 2
    again, lines = run(course)
    assert lines.count("unchanged, skipped") == 2
    assert again == first
    assert len(counted) == 2
    path = course.notebooks / "good.ipynb"
    path.write_text(path.read_text() + "\n")
    _, lines = run(course)
    assert "t1 Lesson t1: unchanged, skipped" in lines
    assert counted[2:] == [path]
    run(course, force=True)
    assert len(counted) == 5


def test_a_skipped_lesson_needs_its_executed_notebook(make_course, counted: list[Path]) -> None:
    course = make_course(TELLS)
    run(course)
    (course.root / "build" / "lessons" / "t1" / "executed.ipynb").unlink()
    run(course)
    assert len(counted) == 2


def test_a_new_run_removes_the_results_of_the_old_one_first(make_course, counted: list[Path]) -> None:
    course = make_course(TELLS)
    results = course.root / "build" / "lessons" / "t1" / "results.json"
    results.parent.mkdir(parents=True)
    results.write_text("old")
    run(course)
    assert not results.exists()


def test_core_only_leaves_deeper_cells_out(make_course) -> None:
    course = make_course(("t1", "deeper_fails"))
    statuses, _ = run(course, core_only=True)
    assert statuses["t1"].state == "finished"
    assert values(course) == {"answer": 42}


def test_a_lesson_whose_kernel_dies_is_a_failure(executed: Executed) -> None:
    status = executed[2]["t9"]
    assert status.failure is not None
    assert (status.failure.cell, status.failure.name) == (4, "DeadKernelError")


def test_an_unreadable_notebook_is_a_failure(make_course) -> None:
    statuses, lines = run(make_course(("t1", "not_json")))
    assert statuses["t1"].failure is not None
    assert "FAILED at In [0]: NotJSONError" in lines


def test_a_killed_run_resumes_with_what_was_not_finished(make_course, offline: Path) -> None:
    course = make_course(TELLS, ("t2", "waits"))
    out = course.root / "build"
    command = [sys.executable, "-m", "teachkit.cli", "run", "--no-grade", "--no-report", "--out", str(out)]
    first = subprocess.Popen(command, cwd=course.root, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (out / "lessons" / "t2" / "results.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    half = {lesson.id: read_status(out, lesson) for lesson in course.lessons}
    assert half["t1"] is not None
    assert half["t2"] is not None
    assert (half["t1"].state, half["t2"].state) == ("finished", "running")
    (out / "lessons" / "t2" / "go").touch()
    second = subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert "t1 Lesson t1: unchanged, skipped" in second.stdout
    assert "t2 Lesson t2: finished" in second.stdout


def test_two_runs_into_one_folder_are_refused(make_course) -> None:
    course = make_course(TELLS)
    lessons = course.root / "build" / "lessons"
    lessons.mkdir(parents=True)
    with FileLock(lessons / ".t1.lock"), pytest.raises(LessonError, match=r"another process.*--out"):
        run(course)


def test_a_damaged_status_counts_as_no_run(make_course) -> None:
    course = make_course(TELLS)
    folder = course.root / "build" / "lessons" / "t1"
    folder.mkdir(parents=True)
    for text in ("{", "[]", '{"lesson": "t1"}'):
        (folder / "status.json").write_text(text)
        assert read_status(course.root / "build", course.lessons[0]) is None


def test_stopping_ends_exactly_the_kernels_of_this_run() -> None:
    ours, other = (subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in "ab")
    kernels = Kernels()
    kernels.add(ours.pid)
    kernels.add(other.pid)
    kernels.remove(other.pid)
    kernels.stop()
    assert ours.wait(timeout=10) == -signal.SIGKILL
    assert other.poll() is None
    other.communicate(b"\n")


def test_an_interrupted_lesson_is_not_called_failed(make_course, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, kernels: Kernels, **__: object) -> Execution:
        kernels.stop()
        return Execution(1.0, 0.1, 1, Failure(1, "DeadKernelError", "Kernel died", ""))

    monkeypatch.setattr(runner, "execute", stopped)
    statuses, lines = run(make_course(TELLS))
    assert statuses["t1"].state == "running"
    assert "interrupted" in lines
    assert "FAILED" not in lines


@pytest.mark.parametrize(
    ("options", "words"), [({"size": "smoky"}, "Did you mean 'smoke'"), ({"jobs": 0}, "--jobs is 0")]
)
def test_impossible_options_are_refused(tmp_path: Path, options: dict, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Options(out=tmp_path, **options)
