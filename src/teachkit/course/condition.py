"""Judging the facts about a machine: the checks that both the doctor and the first cell of a lesson show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from teachkit import __version__
from teachkit.cloud import names
from teachkit.course.declaration import Course
from teachkit.course.machine import GIB, Machine

State = Literal["ok", "note", "problem"]
PYTHONS = ((3, 11), (3, 12))
LEAST_GIB = 2.0  # below this of memory or disk a lesson at size class does not end well


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what it is about, in one or two words; stable, for scripts.
        state: "ok", "note" (works, but know this) or "problem" (something will not work).
        found: one sentence.
        remedy: what to do next; empty when all is well.
        details: the same for programs.
    """

    name: str
    state: State
    found: str
    remedy: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def short_form(machine: Machine, course: Course | None = None) -> list[Check]:
    """The checks of a lesson's first cell: they need no network, no process and no torch."""
    checks = [python_check(machine), memory_check(machine), disk_check(machine), gpu_check(machine)]
    return [*checks, version_check(course)] if course else checks


def sentence(machine: Machine) -> str:
    """The machine in one line."""
    torch = machine.torch.version or "not installed"
    return (
        f"Python {_dotted(machine.python)}, teachkit {__version__}, torch {torch}; "
        f"{machine.cores} {'core' if machine.cores == 1 else 'cores'}, {_gpus(machine)}, "
        f"{machine.memory_free / GIB:.1f} of {machine.memory_total / GIB:.1f} GiB memory free, "
        f"{machine.disk_free / GIB:.0f} GiB disk free"
    )


def python_check(machine: Machine) -> Check:
    """Whether this Python is one that the course is tested with."""
    found = f"Python {_dotted(machine.python)}"
    if machine.python[:2] in PYTHONS:
        return Check("python", "ok", f"{found}.")
    known = " and ".join(_dotted(version) for version in PYTHONS)
    return Check(
        "python", "problem", f"{found}; the course is tested with {known}.", f"Install one of {known}."
    )


def memory_check(machine: Machine) -> Check:
    """Whether enough memory is free to begin a lesson."""
    free, total = machine.memory_free / GIB, machine.memory_total / GIB
    details = {"free_gib": round(free, 2), "total_gib": round(total, 2)}
    if free < LEAST_GIB:
        return Check(
            "memory",
            "problem",
            f"Less than {LEAST_GIB:g} GiB of memory is free ({free:.1f} of {total:.1f}).",
            "Shut down other kernels first.",
            details,
        )
    return Check("memory", "ok", f"{free:.1f} of {total:.1f} GiB are free.", details=details)


def disk_check(machine: Machine) -> Check:
    """Whether the disk of the cache has room for data."""
    free = machine.disk_free / GIB
    details = {"free_gib": round(free, 2), "place": str(machine.disk_place)}
    if free < LEAST_GIB:
        return Check(
            "disk",
            "problem",
            f"Less than {LEAST_GIB:g} GiB of disk is free at {machine.disk_place} ({free:.1f}).",
            "Make room, or set TEACHKIT_CACHE to a folder on a larger disk.",
            details,
        )
    return Check("disk", "ok", f"{free:.0f} GiB are free at {machine.disk_place}.", details=details)


def version_check(course: Course) -> Check:
    """Whether the package is the one that this course was written for."""
    if course.version == __version__:
        return Check("course", "ok", f"{course.title}, {course.version}, with teachkit {__version__}.")
    return Check(
        "course",
        "problem",
        f"The lessons are of version {course.version}, but teachkit is {__version__}.",
        "Install what comes with the lessons: make .venv/ready in the folder of the course.",
        {"course": course.version, "teachkit": __version__},
    )


def gpu_check(machine: Machine) -> Check:
    """Whether the GPU, its driver and this build of torch fit together."""
    driver, torch = machine.driver, machine.torch
    details = {
        "torch": torch.version,
        "cuda": torch.cuda,
        "driver": driver.version,
        "gpus": [vars(gpu) for gpu in driver.gpus],
    }
    state, found, remedy = _gpu_verdict(machine)
    return Check("gpu", state, found, remedy, details)


def _gpu_verdict(machine: Machine) -> tuple[State, str, str]:
    driver, torch = machine.driver, machine.torch
    if not torch.version:
        return "problem", "torch is not installed.", 'Install it with: pip install "teachkit[lessons]"'
    if not driver.version:
        if driver.card:
            return (
                "problem",
                "An NVIDIA GPU is here, but no driver answers.",
                "Restart the machine. A new instance gets the driver with --install-gpu-driver.",
            )
        return "ok", f"No NVIDIA GPU; torch {torch.version} computes on the processor.", ""
    here = f"{_gpus(machine)}, driver {driver.version}"
    if not torch.cuda:
        return (
            "note",
            f"{here}, but torch {torch.version} was built without CUDA and computes on the processor.",
            "Install the torch of requirements.lock in this environment.",
        )
    generation = torch.cuda.partition(".")[0]
    oldest = names.DRIVER_FOR_CUDA.get(generation)
    if oldest and driver.major < oldest:
        return (
            "problem",
            f"driver {driver.version} < {oldest}: torch {torch.version} was built for CUDA {torch.cuda}, "
            f"which needs driver {oldest} or newer.",
            f"Use the image {names.WORKBENCH_IMAGE_FAMILY}, or install torch's build {names.FALLBACK_CUDA}.",
        )
    least = names.CAPABILITY_FOR_CUDA.get(generation)
    old = [gpu for gpu in driver.gpus if least and gpu.capability and gpu.capability < least]
    if least and old:
        return (
            "problem",
            f"{old[0].name} is older than {names.ARCHITECTURE.get(least, _dotted(least))}, "
            f"the oldest that torch {torch.version} for CUDA {torch.cuda} computes on.",
            f"Choose a T4 or newer, or install torch's build {names.FALLBACK_CUDA}.",
        )
    full = [gpu for gpu in driver.gpus if gpu.free_gib is not None and gpu.free_gib < LEAST_GIB]
    if full:
        return (
            "note",
            f"{here}: less than {LEAST_GIB:g} GiB of GPU memory is free.",
            "Shut down other kernels; each holds its own part.",
        )
    return "ok", f"{here}; torch {torch.version} for CUDA {torch.cuda}.", ""


def _gpus(machine: Machine) -> str:
    """All GPUs of a machine in a few words."""
    gpus = machine.driver.gpus
    if not gpus:
        return "a GPU driver" if machine.driver.version else "no GPU"
    first = gpus[0]
    memory = ""
    if first.total_gib is not None and first.free_gib is not None:
        memory = f" ({first.free_gib:.1f} of {first.total_gib:.1f} GiB free)"
    return f"{len(gpus)} x {first.name}{memory}" if len(gpus) > 1 else f"{first.name}{memory}"


def _dotted(parts: Iterable[int]) -> str:
    return ".".join(map(str, parts))
