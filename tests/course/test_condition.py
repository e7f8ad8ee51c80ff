"""The verdicts about a machine, each with what was found and what to do."""

from dataclasses import replace
from pathlib import Path

import pytest

from teachkit.course import condition
from teachkit.course.gpus import Build, Driver, Gpu
from teachkit.course.machine import GIB, Machine

L4 = Gpu("NVIDIA L4", 22.5, 22.0, (8, 9))
GOOD = Machine(
    python=(3, 12, 4),
    cores=4,
    memory_total=16 * GIB,
    memory_free=12 * GIB,
    disk_free=80 * GIB,
    disk_place=Path("/home/ada"),
    driver=Driver("580.65.06", (L4,), card=True),
    torch=Build("2.15.0+cu132", "13.2"),
)


def gpu(version: str = "580.65.06", *gpus: Gpu, torch: str = "2.15.0+cu132", cuda: str = "13.2") -> Machine:
    return replace(GOOD, driver=Driver(version, gpus or (L4,), card=True), torch=Build(torch, cuda))


def test_a_good_machine_has_nothing_to_take_care_of() -> None:
    assert {check.state for check in condition.short_form(GOOD)} == {"ok"}
    assert condition.gpu_check(GOOD).found == (
        "NVIDIA L4 (22.0 of 22.5 GiB free), driver 580.65.06; torch 2.15.0+cu132 for CUDA 13.2."
    )


def test_the_line_about_a_machine_names_everything() -> None:
    for words in (
        "Python 3.12.4",
        "torch 2.15.0+cu132",
        "4 cores",
        "NVIDIA L4",
        "12.0 of 16.0 GiB",
        "80 GiB",
    ):
        assert words in condition.sentence(GOOD)
    two = replace(GOOD, cores=1, driver=Driver("580.1", (Gpu("Tesla T4"), Gpu("Tesla T4")), card=True))
    assert "1 core, 2 x Tesla T4, " in condition.sentence(two)


@pytest.mark.parametrize(
    ("machine", "state", "said", "remedy"),
    [
        (gpu("535.183.01"), "problem", "driver 535.183.01 < 580: torch 2.15.0+cu132", "cu126"),
        (gpu("579.99"), "problem", "driver 579.99 < 580", "workbench-instances-2603"),
        (gpu("580.00"), "ok", "NVIDIA L4", ""),
        (gpu("535.183.01", torch="2.15.0+cu126", cuda="12.6"), "ok", "CUDA 12.6", ""),
        (gpu("470.1", torch="2.15.0+cu126", cuda="12.6"), "problem", "470.1 < 525", ""),
        (gpu("580.1", Gpu("Tesla V100", 16, 16, (7, 0))), "problem", "V100 is older than Turing", "cu126"),
        (gpu("580.1", Gpu("Tesla T4", 15, 15, (7, 5))), "ok", "Tesla T4", ""),
        (
            gpu("580.1", Gpu("Tesla V100", 16, 16, (7, 0)), torch="2.15.0+cu126", cuda="12.6"),
            "ok",
            "V100",
            "",
        ),
        (gpu("580.1", Gpu("Tesla T4", 15, 0.4, (7, 5))), "note", "less than 2 GiB of GPU memory", "kernels"),
        (gpu(torch="2.15.0+cpu", cuda=""), "note", "built without CUDA", "requirements.lock"),
        (gpu(torch="", cuda=""), "problem", "torch is not installed", "teachkit[lessons]"),
        (replace(GOOD, driver=Driver(card=True)), "problem", "no driver answers", "--install-gpu-driver"),
        (replace(GOOD, driver=Driver()), "ok", "No NVIDIA GPU", ""),
        (gpu(cuda="17.0"), "ok", "CUDA 17.0", ""),
    ],
    ids=range(14),
)
def test_torch_driver_and_gpu_must_fit(machine: Machine, state: str, said: str, remedy: str) -> None:
    check = condition.gpu_check(machine)
    assert check.state == state
    assert said in check.found
    assert remedy in check.remedy
    assert bool(check.remedy) == (state != "ok")


@pytest.mark.parametrize(
    ("machine", "name", "said"),
    [
        (replace(GOOD, memory_free=int(1.9 * GIB)), "memory", "(1.9 of 16.0)"),
        (replace(GOOD, disk_free=GIB), "disk", "at /home/ada (1.0)"),
        (replace(GOOD, python=(3, 13, 0)), "python", "Python 3.13.0"),
        (replace(GOOD, python=(3, 10, 9)), "python", "3.11 and 3.12"),
    ],
    ids=range(4),
)
def test_what_a_machine_lacks_is_a_problem_with_a_remedy(machine: Machine, name: str, said: str) -> None:
    wrong = [check for check in condition.short_form(machine) if check.state != "ok"]
    assert [(check.name, check.state) for check in wrong] == [(name, "problem")]
    assert said in wrong[0].found
    assert wrong[0].remedy


def test_the_pythons_are_those_of_the_package(root: Path) -> None:
    import tomllib

    from packaging.specifiers import SpecifierSet

    said = tomllib.loads((root / "pyproject.toml").read_text())["project"]["requires-python"]
    allowed = [(3, minor) for minor in range(8, 20) if f"3.{minor}" in SpecifierSet(said)]
    assert tuple(allowed) == condition.PYTHONS
