"""What the container does: look at the GPU, run its share, send after each lesson and when stopped."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from teachkit.cloud.store import MemoryStore
from teachkit.course.declaration import Course, Lesson
from teachkit.course.gpus import Build, Driver, Gpu
from teachkit.course.machine import this_machine
from teachkit.course.runner import Options
from teachkit.errors import StorageError
from teachkit.ops.cloud import entry
from teachkit.ops.cloud.files import FAILED, FINISHED, STOPPED, Manifest, read_manifest, upload

OUTPUT = ["--output", "gs://runs-of-class/run"]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lessons in the order in which they ran; each leaves a file; t2 fails."""
    order: list[str] = []

    def run(lesson: Lesson, options: Options, log: Path) -> bool:
        order.append(lesson.id)
        folder = options.out / "lessons" / lesson.id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(json.dumps({"lesson": lesson.id}))
        return lesson.id != "t2"

    monkeypatch.setattr(entry, "run_lesson", run)
    return order


def last(stores: dict[str, MemoryStore], machine: int = 0) -> Manifest:
    manifest = read_manifest(stores["gs://runs-of-class/run"], machine)
    assert manifest
    return manifest


def test_lessons_run_in_order_and_their_files_are_in_the_bucket(
    course: Course, stores: dict[str, MemoryStore], ran: list[str]
) -> None:
    assert entry.main([*OUTPUT, "--size", "smoke", "t1", "t3"]) == 0
    assert ran == ["t1", "t3"]
    assert (last(stores).state, last(stores).device) == (FINISHED, "CPU")
    assert set(last(stores).files) == {"lessons/t1/results.json", "lessons/t3/results.json"}


def test_a_lesson_that_fails_is_said_and_the_others_run_and_are_sent(
    course: Course, stores: dict[str, MemoryStore], ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main([*OUTPUT, "t1", "t2", "t3"]) == 1
    assert ran == ["t1", "t2", "t3"]
    assert (last(stores).state, last(stores).problem) == (FAILED, "Lesson t2 did not finish.")
    assert len(last(stores).files) == 3
    assert "Lesson t2 did not finish." in capsys.readouterr().err


def test_what_a_lesson_left_is_sent_before_the_next_begins(
    course: Course, stores: dict[str, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def run(lesson: Lesson, options: Options, log: Path) -> bool:
        store = stores["gs://runs-of-class/run"]
        before = read_manifest(store, 0)
        seen.append(set(before.files) if before else set())
        (options.out / lesson.id).parent.mkdir(parents=True, exist_ok=True)
        (options.out / lesson.id).write_text("x")
        return True

    monkeypatch.setattr(entry, "run_lesson", run)
    entry.main([*OUTPUT, "t1", "t3"])
    assert seen == [set(), {"t1"}]


def test_a_machine_that_is_taken_away_sends_what_it_has(
    course: Course, stores: dict[str, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(lesson: Lesson, options: Options, log: Path) -> bool:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"{lesson.id}.txt").write_text("half")
        if lesson.id == "t3":
            os.kill(os.getpid(), signal.SIGTERM)
        return True

    monkeypatch.setattr(entry, "run_lesson", run)
    assert entry.main([*OUTPUT, "t1", "t3"]) == 1
    assert last(stores).state == STOPPED
    assert set(last(stores).files) == {"t1.txt", "t3.txt"}


def test_an_error_of_our_own_is_sent_too(
    course: Course, stores: dict[str, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(lesson: Lesson, options: Options, log: Path) -> bool:
        raise OSError("No space left on device")

    monkeypatch.setattr(entry, "run_lesson", run)
    assert entry.main([*OUTPUT, "t1"]) == 1
    assert last(stores).problem == "OSError: No space left on device"


def test_a_bucket_that_is_silent_for_a_while_costs_no_lesson_and_no_result(
    course: Course, stores: dict[str, MemoryStore], ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = entry.upload
    left = [3]

    def upload_later(*arguments: Any) -> dict[str, str]:
        left[0] -= 1
        if left[0] >= 0:
            raise StorageError("No answer from the bucket.")
        return real(*arguments)

    monkeypatch.setattr(entry, "upload", upload_later)
    monkeypatch.setattr(entry.time, "sleep", lambda seconds: None)
    assert entry.main([*OUTPUT, "t1"]) == 0
    assert (last(stores).state, set(last(stores).files)) == (FINISHED, {"lessons/t1/results.json"})


def test_results_that_could_not_be_sent_are_no_success(
    course: Course, stores: dict[str, MemoryStore], ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def refuse(*_: Any) -> dict[str, str]:
        raise StorageError("Your account may not do this.")

    monkeypatch.setattr(entry, "upload", refuse)
    monkeypatch.setattr(entry.time, "sleep", waits.append)
    assert entry.main([*OUTPUT, "t1"]) == 1
    assert len(waits) == entry.LAST_TRIES - 1


def test_nothing_runs_when_the_gpu_that_was_asked_for_is_not_there(
    course: Course, stores: dict[str, MemoryStore], ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "gpu_problem", lambda wanted: ("CPU", f"no {wanted}"))
    assert entry.main([*OUTPUT, "--accelerator", "l4", "t1"]) == 1
    assert ran == []
    assert (last(stores).state, last(stores).problem) == (FAILED, "no l4")


@pytest.mark.parametrize(
    ("driver", "sees", "told"),
    [
        ("535.104.05", "NVIDIA L4", r"driver 535\.104\.05 < 580: .*'An older driver'"),
        ("580.65.06", "", r"'l4' was asked for, and torch sees none: .*NVIDIA L4.*\(no reason at all\)"),
        ("580.65.06", "NVIDIA L4", None),
    ],
)
def test_driver_and_gpu_are_looked_at_first(
    driver: str, sees: str, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = replace(
        this_machine(),
        driver=Driver(driver, (Gpu("NVIDIA L4", 22.5, 22.0, (8, 9)),), card=True),
        torch=Build("2.15.0", "13.0"),
    )
    monkeypatch.setattr(entry, "this_machine", lambda thorough: machine)
    answer = subprocess.CompletedProcess([], 0, stdout=f"{sees}\n", stderr="Traceback\nno reason at all\n")
    monkeypatch.setattr(entry.subprocess, "run", lambda *_, **__: answer)
    device, problem = entry.gpu_problem("l4")
    if told is None:
        assert (device, problem) == ("NVIDIA L4", "")
    else:
        assert device == "CPU"
        assert re.search(told, problem), problem


def test_a_job_without_a_gpu_does_not_look_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "this_machine", lambda thorough: pytest.fail("it looked"))
    assert entry.gpu_problem("none") == ("CPU", "")


def test_what_an_earlier_attempt_finished_is_brought_before_anything_runs(
    course: Course, stores: dict[str, MemoryStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = stores.setdefault("gs://runs-of-class/before", MemoryStore("gs://runs-of-class/before"))
    folder = tmp_path / "before" / "lessons" / "t1"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("finished before")
    (tmp_path / "before" / "log.txt").write_text("old log")
    upload(earlier, Manifest(0, STOPPED), tmp_path / "before", {})
    found: list[dict[str, str]] = []

    def run(lesson: Lesson, options: Options, log: Path) -> bool:
        found.append({p.name: p.read_text() for p in options.out.rglob("*") if p.is_file()})
        return True

    monkeypatch.setattr(entry, "run_lesson", run)
    assert entry.main([*OUTPUT, "--earlier", "gs://runs-of-class/before", "t1"]) == 0
    assert found == [{"results.json": "finished before"}]


def test_machines_share_the_lessons_and_the_first_ends_last(
    course: Course,
    stores: dict[str, MemoryStore],
    ran: list[str],
    monkeypatch: pytest.MonkeyPatch,
    in_cluster: Callable[[int, int], None],
) -> None:
    looks: list[float] = []

    def meanwhile(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            in_cluster(1, 2)
            assert entry.main([*OUTPUT, "t1", "t2", "t4"]) == 1

    monkeypatch.setattr(entry.time, "sleep", meanwhile)
    in_cluster(0, 2)
    assert entry.main([*OUTPUT, "t1", "t2", "t4"]) == 1
    assert ran == ["t1", "t4", "t2"]
    assert looks == [entry.POLL_S] * 2
    assert (last(stores, 1).state, last(stores, 1).problem) == (FAILED, "Lesson t2 did not finish.")
    assert last(stores, 0).problem == "Machine 1 failed: Lesson t2 did not finish."


def test_a_machine_without_a_share_ends_well(
    course: Course,
    stores: dict[str, MemoryStore],
    ran: list[str],
    monkeypatch: pytest.MonkeyPatch,
    in_cluster: Callable[[int, int], None],
) -> None:
    in_cluster(1, 2)
    assert entry.main([*OUTPUT, "t1"]) == 0
    assert ran == []
    assert last(stores, 1).state == FINISHED


def test_output_is_seen_at_once_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "new" / "machine-0.log"
    told = [sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(4)"]
    assert entry.logged(told, log) == 4
    assert sorted(log.read_text().split()) == ["err", "out"] == sorted(capsys.readouterr().out.split())


def test_a_program_that_does_not_stop_when_told_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "STOP_S", 0.1)
    children: list[subprocess.Popen[str]] = []
    real = subprocess.Popen

    def remember(*arguments: Any, **options: Any) -> Any:
        children.append(real(*arguments, **options))
        return children[-1]

    def told_to_stop(*_: Any, **__: Any) -> None:
        raise entry.Stopped

    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    monkeypatch.setattr(entry.subprocess, "Popen", remember)
    monkeypatch.setattr("builtins.print", told_to_stop)
    with pytest.raises(entry.Stopped):
        entry.logged([sys.executable, "-c", deaf], tmp_path / "log")
    assert children[0].returncode == -signal.SIGKILL


def test_what_an_earlier_attempt_of_this_machine_said_is_replaced_before_it_works(
    course: Course, stores: dict[str, MemoryStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stores.setdefault("gs://runs-of-class/run", MemoryStore("gs://runs-of-class/run"))
    (tmp_path / "old").mkdir()
    upload(store, Manifest(0, STOPPED, "taken away"), tmp_path / "old", {})
    states: list[str] = []

    def run(lesson: Lesson, options: Options, log: Path) -> bool:
        states.append(last(stores).state)
        return True

    monkeypatch.setattr(entry, "run_lesson", run)
    assert entry.main([*OUTPUT, "t1"]) == 0
    assert states == ["running"]


@pytest.mark.slow
def test_the_real_thing_sends_a_lesson_that_fails(course: Course, bucket: Any) -> None:
    """As the container does it: our command, the course as working directory, a real storage server."""
    done = subprocess.run(
        [sys.executable, "-m", "teachkit.ops.cloud.entry", *OUTPUT, "--size", "smoke", "t2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Lesson t2 did not finish." in done.stderr
    written = {blob.name.removeprefix("run/machine-0/") for blob in bucket.list_blobs()}
    assert {"manifest.json", "machine-0.log", "report/index.html"} <= written
    assert {"lessons/t2/executed.ipynb", "lessons/t2/status.json"} <= written
    assert not [name for name in written if "/." in name]
    manifest = json.loads(bucket.blob("run/machine-0/manifest.json").download_as_bytes())
    assert (manifest["state"], manifest["device"]) == (FAILED, "CPU")
