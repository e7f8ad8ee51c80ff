"""What a lesson took: time, memory, and on a machine of the cloud its price and when it stops by itself."""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from teachkit.cloud import metadata, names, prices
from teachkit.cloud.launch import SPEC
from teachkit.course.gpus import quick_driver
from teachkit.course.machine import GIB
from teachkit.errors import TeachkitError
from teachkit.extras import need

STOP = "gcloud workbench instances stop {name} --location={zone}"


@dataclass(frozen=True)
class Reading:
    """What this process took so far.

    Attributes:
        seconds: since the lesson began.
        peak_gib: the largest memory of this process and of its helpers that are alive, added up; 0 where
            the system does not say.
        helpers: how many helpers that are.
        gpu_gib: the largest memory that torch held on all GPUs; None when none was used.
    """

    seconds: float
    peak_gib: float
    helpers: int
    gpu_gib: float | None

    def record(self) -> dict[str, float]:
        """What is kept beside the results. It never takes part in a comparison."""
        kept = {"seconds": round(self.seconds, 1), "peak_gib": round(self.peak_gib, 2)}
        return kept if self.gpu_gib is None else {**kept, "gpu_gib": round(self.gpu_gib, 2)}


def read_meter(seconds: float) -> Reading:
    """The reading now, for a lesson that began so many seconds ago."""
    psutil = need("psutil", "lessons")
    own = _peak_bytes(Path("/proc/self"))
    try:
        pids = [child.pid for child in psutil.Process().children(recursive=True)]
    except psutil.Error:  # a process that ends while they are counted
        pids = []
    children = [_peak_bytes(Path("/proc", str(pid))) for pid in pids]
    return Reading(
        seconds=seconds,
        peak_gib=(own + sum(children)) / GIB,
        helpers=sum(1 for peak in children if peak),
        gpu_gib=_gpu_gib(),
    )


def meter_rows(reading: Reading) -> Iterator[tuple[str, str]]:
    """The rows of the closing box: what the lesson took; on a cloud's machine also its price and its end."""
    yield "This took", _took(reading)
    try:
        machine = metadata.instance()
    except TeachkitError as error:
        yield "Price", f"not known. {error.what}"
        return
    if machine is None:
        return
    yield "Price", _price(machine, reading.seconds)
    if machine.workbench:
        yield "When you stop", idle_sentence(machine)


def idle_sentence(machine: metadata.Instance) -> str:
    """When a Workbench instance stops by itself, and how to stop it now."""
    command = STOP.format(name=machine.name, zone=machine.zone)
    now = f"Stop it yourself when you are done: {command} (its disk is kept, and still costs a little)."
    if machine.idle_s is None:
        return (
            f"The instance does not say whether it stops when idle; {names.IDLE_DEFAULT_S // 60} minutes "
            f"are usual. {now}"
        )
    if machine.idle_s == 0:
        return f"The instance does not stop when idle, and costs money until somebody stops it. {now}"
    return f"The instance stops after {machine.idle_s / 60:.0f} minutes without work. {now}"


def _took(reading: Reading) -> str:
    parts = [f"{_duration(reading.seconds)} since the first cell"]
    if reading.peak_gib:
        helpers = f" (with {reading.helpers} helper processes)" if reading.helpers > 1 else ""
        helpers = " (with one helper process)" if reading.helpers == 1 else helpers
        parts.append(f"at most {reading.peak_gib:.1f} GiB of memory{helpers}")
    if reading.gpu_gib is not None:
        parts.append(f"at most {reading.gpu_gib:.1f} GiB of GPU memory")
    return ", ".join(parts)


def _price(machine: metadata.Instance, seconds: float) -> str:
    gpus = quick_driver().gpus
    try:
        accelerator = _accelerator(gpus[0].name) if gpus else "none"
        in_a_job = bool(os.environ.get(SPEC))
        price = prices.hourly(machine.machine, accelerator, len(gpus), spot=machine.spot, training=in_a_job)
    except TeachkitError as error:
        return f"This machine's price is not in our table: {error.what}"
    spent = prices.dollars(prices.cost(price, seconds))
    return f"{price}; the time since the first cell: {spent}"


def _accelerator(gpu: str) -> str:
    """Our short name of a GPU, such as "t4" for "Tesla T4"; the driver's name when we have none."""
    words = re.split(r"[\s-]+", gpu.lower())
    return next((short for short in names.ACCELERATORS if short in words), gpu)


def _peak_bytes(process: Path) -> int:
    """The largest memory that a process of Linux ever had; 0 for one that has ended, or on other systems."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", (process / "status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def _gpu_gib() -> float | None:
    """Asked of torch only when the lesson has loaded it and used a GPU."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    held = (torch.cuda.max_memory_reserved(index) for index in range(torch.cuda.device_count()))
    return float(sum(held)) / GIB


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
