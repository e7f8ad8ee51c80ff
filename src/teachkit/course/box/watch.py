"""A watch over one box: what the system does not limit for all its processes together."""

import threading

import psutil

from teachkit.course.box.walls import Limits

EVERY_S = 0.25


class Watch(threading.Thread):
    """Counts processes and memory of a box, and ends the whole box when there are too many.

    Killing the first process of a box ends every process in it at once, however fast they multiply.

    Attributes:
        stopped: why the box was ended, in one sentence; empty while nothing was wrong.
    """

    def __init__(self, pid: int, limits: Limits) -> None:
        super().__init__(daemon=True, name=f"watch-{pid}")
        self.pid = pid
        self.limits = limits
        self.stopped = ""
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                root = psutil.Process(self.pid)
                family = root.children(recursive=True)
            except psutil.NoSuchProcess:
                return
            if problem := self.judge(len(family), sum(map(_private_bytes, family))):
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


def _private_bytes(process: psutil.Process) -> int:
    """Resident memory that a process shares with no other; a process that ends meanwhile has none."""
    try:
        info = process.memory_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return max(0, int(info.rss - info.shared))
