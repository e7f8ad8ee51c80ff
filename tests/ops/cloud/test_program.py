"""Training programs in the container: launched on all GPUs, their files sent, their checkpoints handed on."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from teachkit.cloud.store import MemoryStore
from teachkit.course.declaration import Course
from teachkit.ops.cloud import entry
from teachkit.ops.cloud.files import STOPPED, Manifest, read_manifest, upload

OUTPUT = ["--output", "gs://runs-of-class/run"]


def last(stores: dict[str, MemoryStore], machine: int = 0) -> Manifest:
    manifest = read_manifest(stores["gs://runs-of-class/run"], machine)
    assert manifest
    return manifest


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of programs; each adds a line to its checkpoint, and fails when told "wrong"."""
    commands: list[list[str]] = []

    def run(command: list[str], log: Path) -> int:
        commands.append(list(command[1:]))
        folder = Path(command[-1])
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "checkpoint.pt").open("a") as file:
            file.write("step\n")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("what it printed")
        return 3 if "wrong" in command else 0

    monkeypatch.setattr(entry, "logged", run)
    return commands


def test_a_program_is_launched_on_all_gpus_and_its_files_are_in_the_bucket(
    course: Course, stores: dict[str, MemoryStore], launched: list[list[str]]
) -> None:
    assert entry.main([*OUTPUT, "--program", "teachkit.mmpt.job", "big", "--size", "28"]) == 0
    folder = course.root / "build" / "job" / "program"
    words = "-m teachkit.cloud.launch -m teachkit.mmpt.job big --size 28 --out"
    assert launched == [[*words.split(), str(folder)]]
    assert set(last(stores).files) == {"program/checkpoint.pt", "machine-0.log"}


def test_a_program_that_fails_is_said(
    course: Course, stores: dict[str, MemoryStore], launched: list[list[str]]
) -> None:
    assert entry.main([*OUTPUT, "--program", "m", "wrong"]) == 1
    assert last(stores).problem == "m ended with 3; machine-0.log says why."
    assert "program/checkpoint.pt" in last(stores).files


def test_files_of_a_long_program_are_sent_while_it_runs(
    course: Course, stores: dict[str, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "SEND_S", 0.01)
    arrived = threading.Event()
    real = MemoryStore.replace

    def replace_it(self: MemoryStore, name: str, *rest: Any) -> Any:
        done = real(self, name, *rest)
        if name.endswith("manifest.json") and b"checkpoint.pt" in rest[0]:
            arrived.set()
        return done

    def run(command: list[str], log: Path) -> int:
        Path(command[-1]).mkdir(parents=True)
        (Path(command[-1]) / "checkpoint.pt").write_text("step")
        return 0 if arrived.wait(10) else 1

    monkeypatch.setattr(MemoryStore, "replace", replace_it)
    monkeypatch.setattr(entry, "logged", run)
    assert entry.main([*OUTPUT, "--program", "m"]) == 0


@pytest.mark.parametrize(("machine", "checkpoint"), [(0, "earlier\nstep\n"), (1, "step\n")])
def test_a_program_goes_on_from_the_checkpoint_that_its_first_machine_reads_for_all(
    machine: int, checkpoint: str, course: Course, stores: dict[str, MemoryStore], launched: list[list[str]],
    tmp_path: Path, in_cluster: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    earlier = stores.setdefault("gs://runs-of-class/before", MemoryStore("gs://runs-of-class/before"))
    (tmp_path / "before" / "program").mkdir(parents=True)
    (tmp_path / "before" / "program" / "checkpoint.pt").write_text("earlier\n")
    upload(earlier, Manifest(0, STOPPED), tmp_path / "before", {})
    own = stores.setdefault("gs://runs-of-class/run", MemoryStore("gs://runs-of-class/run"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / f"machine-{machine}.log").write_text("taken away before it began")
    upload(own, Manifest(machine, STOPPED), tmp_path / "own", {})
    in_cluster(machine, 2)
    monkeypatch.setattr(entry, "wait_for_others", lambda store, machines: [])
    assert entry.main([*OUTPUT, "--earlier", "gs://runs-of-class/before", "--program", "m"]) == 0
    folder = Path(launched[0][-1])
    assert (folder / "checkpoint.pt").read_text() == checkpoint
    sent = {"machine-0.log", "program/checkpoint.pt"} if machine == 0 else {"machine-1.log"}
    assert set(last(stores, machine).files) == sent
