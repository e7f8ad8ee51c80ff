"""A watch over one box: what the system does not limit for all its processes together."""

import os
import threading
from pathlib import Path

import psutil

from teachkit.course.box.walls import Limits

EVERY_S = 0.25
MAX_FILES = 20_000  # in a folder that is watched


class Watch(threading.Thread):
    """Counts processes and memory of a box, and ends the whole box when there are too many.

    Killing the first process of a box ends every process in it at once, however fast they multiply.

    Attributes:
        stopped: why the box was ended, in one sentence; empty while nothing was wrong.
    """

    def __init__(self, pid: int, limits: Limits, folder: Path | None = None, full_mib: int = 0) -> None:
        super().__init__(daemon=True, name=f"watch-{pid}")
        self.pid = pid
        self.limits = limits
        self.folder = folder
        self.full_mib = full_mib
        self.stopped = ""
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                root = psutil.Process(self.pid)
                family = root.children(recursive=True)
            except psutil.NoSuchProcess:
                return
            problem = self.judge(len(family), sum(map(_private_bytes, family)))
            if not problem and self.folder and self.full_mib:
                problem = too_full(self.folder, self.full_mib)
            if problem:
                self.stopped = problem
                for process in (root, *family):  # the first child is the first process inside
                    try:
                        process.kill()
                    except psutil.NoSuchProcess:
                        continue
                return

    def judge(self, processes: int, memory: int) -> str:
        """Which limit so many processes with so many bytes break; empty when none."""
        if processes > self.limits.processes:
            return f"More than {self.limits.processes} processes ran at once, so they were all ended."
        if memory > self.limits.memory_gib * 2**30:
            return f"More than {self.limits.memory_gib:g} GiB of memory was used, so the kernel was ended."
        return ""

    def finish(self) -> None:
        """Stop watching."""
        self._over.set()


def too_full(folder: Path, mib: int) -> str:
    """Whether a folder holds more than `mib` MiB or far too many files, in one sentence; empty when not."""
    files = size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            files += 1
            try:
                size += os.lstat(os.path.join(place, name)).st_blocks * 512
            except FileNotFoundError:  # gone meanwhile
                continue
            if files > MAX_FILES:
                return f"More than {MAX_FILES} files were written, so the kernel was ended."
            if size > mib * 2**20:
                return f"More than {mib} MiB were written, so the kernel was ended."
    return ""


def _private_bytes(process: psutil.Process) -> int:
    """Resident memory that a process shares with no other; a process that ends meanwhile has none."""
    try:
        info = process.memory_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return max(0, int(info.rss - info.shared))
