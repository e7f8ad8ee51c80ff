"""Driver and GPUs come from files where they are, else from nvidia-smi; the build of torch from its file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from teachkit.course import gpus
from teachkit.course.gpus import Gpu

VERSION = """NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder)
GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)
"""


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without driver, cards or programs."""
    monkeypatch.setattr(gpus, "DRIVER_FILE", tmp_path / "version")
    monkeypatch.setattr(gpus, "CARDS", tmp_path / "gpus")
    monkeypatch.setattr(gpus, "DEVICES", tmp_path / "devices")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def nvidia_smi(tmp_path: Path) -> Callable[[str], None]:
    """`nvidia_smi(script)` installs a program of that name."""

    def install(script: str) -> None:
        program = tmp_path / "bin" / "nvidia-smi"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return install


def card(folder: Path, vendor: str, kind: str) -> None:
    folder.mkdir(parents=True)
    (folder / "vendor").write_text(vendor + "\n")
    (folder / "class").write_text(kind + "\n")


def test_the_quick_look_reads_the_files_of_the_driver_and_starts_nothing(
    tmp_path: Path, nvidia_smi: Callable[[str], None]
) -> None:
    (tmp_path / "version").write_text(VERSION)
    (tmp_path / "gpus" / "0000:00:04.0").mkdir(parents=True)
    (tmp_path / "gpus" / "0000:00:04.0" / "information").write_text("Model: \t\t Tesla T4\nIRQ:   3\n")
    nvidia_smi(f"echo > {tmp_path}/started")
    found = gpus.quick_driver()
    assert (found.version, found.major, found.gpus) == ("580.65.06", 580, (Gpu("Tesla T4"),))
    assert not (tmp_path / "started").exists()


def test_nvidia_smi_tells_memory_and_generation(nvidia_smi: Callable[[str], None], tmp_path: Path) -> None:
    nvidia_smi(
        f'echo "$@" > {tmp_path}/asked\n'
        "echo 'NVIDIA L4, 535.183.01, 23034, 22525, 8.9'\necho 'GB10, 580.1, [N/A], [N/A], 12.1'"
    )
    found = gpus.quick_driver()
    assert found == gpus.full_driver()
    assert found.version == "535.183.01"
    assert found.gpus[0].name == "NVIDIA L4"
    assert found.gpus[0].total_gib == pytest.approx(22.49, abs=0.01)
    assert found.gpus[0].free_gib == pytest.approx(22.0, abs=0.01)
    assert found.gpus[0].capability == (8, 9)
    assert found.gpus[1] == Gpu("GB10", None, None, (12, 1))
    assert (
        "--query-gpu=name,driver_version,memory.total,memory.free,compute_cap"
        in (tmp_path / "asked").read_text()
    )


@pytest.mark.parametrize("script", ["echo 'NVIDIA-SMI has failed'; exit 9", "echo 'No devices were found'"])
def test_a_driver_that_does_not_answer_is_none(nvidia_smi: Callable[[str], None], script: str) -> None:
    nvidia_smi(script)
    assert gpus.full_driver() == gpus.Driver()


def test_an_nvidia_smi_that_hangs_is_given_up(
    nvidia_smi: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "PATIENCE_S", 0.1)
    nvidia_smi("exec /bin/sleep 30")
    assert gpus.full_driver() == gpus.Driver()


def test_a_card_without_a_driver_is_seen(tmp_path: Path) -> None:
    card(tmp_path / "devices" / "0000:00:01.0", "0x8086", "0x030000")
    card(tmp_path / "devices" / "0000:00:02.0", "0x10de", "0x040300")  # the sound of a graphics card
    assert not gpus.full_driver().card
    card(tmp_path / "devices" / "0000:00:04.0", "0x10de", "0x030200")
    assert gpus.full_driver() == gpus.Driver(card=True)


def test_the_build_is_the_one_that_torch_itself_tells() -> None:
    import torch

    assert gpus.torch_build() == gpus.Build(torch.__version__, torch.version.cuda or "")


def test_no_torch_is_an_empty_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus.importlib.util, "find_spec", lambda name: None)
    assert gpus.torch_build() == gpus.Build()
