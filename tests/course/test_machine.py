"""Facts about a machine: a container's limit counts where it is smaller, and a missing folder has a disk."""

from pathlib import Path

import psutil
import pytest

from teachkit.course import machine

GIB = 2**30


def test_the_machine_is_the_one_that_the_system_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEACHKIT_CACHE", str(tmp_path / "not" / "yet"))
    monkeypatch.setattr(machine, "LIMITS", (tmp_path / "none",))
    monkeypatch.setattr(machine, "USED", (tmp_path / "none",))
    found = machine.this_machine()
    assert found.memory_total == psutil.virtual_memory().total
    assert found.disk_place == tmp_path
    assert found.disk_free > 0
    assert found.cores == len(psutil.Process().cpu_affinity())


@pytest.mark.parametrize(("limit", "used", "expected"), [("4", "1", (4, 3)), ("4", "5", (4, 0))])
def test_a_container_has_what_its_limit_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, used: str, expected: tuple[int, int]
) -> None:
    class Host:
        total, available = 64 * GIB, 60 * GIB

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Host)
    monkeypatch.setattr(machine, "LIMITS", (tmp_path / "max",))
    monkeypatch.setattr(machine, "USED", (tmp_path / "current",))
    (tmp_path / "max").write_text(f"{int(limit) * GIB}\n")
    (tmp_path / "current").write_text(f"{int(used) * GIB}\n")
    found = machine.this_machine()
    assert (found.memory_total // GIB, found.memory_free // GIB) == expected


@pytest.mark.parametrize("said", ["max", "9223372036854771712"])
def test_a_container_without_a_limit_has_what_the_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(machine, "LIMITS", (tmp_path / "max",))
    monkeypatch.setattr(machine, "USED", (tmp_path / "max",))
    (tmp_path / "max").write_text(f"{said}\n")
    assert machine.this_machine().memory_total == psutil.virtual_memory().total
