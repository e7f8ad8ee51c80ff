"""Facts about the machine at work: Python, processors, memory, disk, GPU and torch; nothing is judged."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage

from teachkit.course.gpus import Build, Driver, full_driver, quick_driver, torch_build
from teachkit.extras import need
from teachkit.paths import cache_dir

GIB = 2**30
# Where the system says how much memory a container may use: version 2 and version 1 of control groups.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
USED = (Path("/sys/fs/cgroup/memory.current"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"))


@dataclass(frozen=True)
class Machine:
    """One machine; memory and disk in bytes, `disk_place` is the folder whose disk was looked at."""

    python: tuple[int, int, int]
    cores: int
    memory_total: int
    memory_free: int
    disk_free: int
    disk_place: Path
    driver: Driver
    torch: Build


def this_machine(*, thorough: bool = False) -> Machine:
    """The facts as they are now.

    Args:
        thorough: also ask nvidia-smi for the memory and the generation of each GPU, which can take a second.
    """
    total, free = _memory()
    place = _existing(cache_dir())
    return Machine(
        python=sys.version_info[:3],
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_total=total,
        memory_free=free,
        disk_free=disk_usage(place).free,
        disk_place=place,
        driver=full_driver() if thorough else quick_driver(),
        torch=torch_build(),
    )


def _memory() -> tuple[int, int]:
    """(all, free) bytes of memory: those of the container where one limits them, else of the machine."""
    psutil = need("psutil", "lessons")
    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    for limit_file, used_file in zip(LIMITS, USED, strict=True):
        try:
            limit, used = int(limit_file.read_text()), int(used_file.read_text())
        except (OSError, ValueError):  # no such file, or "max"
            continue
        if limit < total:
            return limit, min(free, max(limit - used, 0))
    return total, free


def _existing(folder: Path) -> Path:
    """`folder`, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())
