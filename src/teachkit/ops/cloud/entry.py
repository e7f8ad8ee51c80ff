"""What runs in the job's container: look at the GPU, run the lessons one by one, and send what they leave.

``python -m teachkit.ops.cloud.entry --output gs://BUCKET/RUN --size full LESSON...`` works in the folder of
the course. After each lesson its files go to the bucket, so that a lesson that fails, a cancelled job or a
machine that is taken away leaves what was done. It ends with 0 when every lesson finished, else with 1.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from teachkit.cloud.bucket_store import BucketStore
from teachkit.cloud.launch import machines_of
from teachkit.cloud.store import Store
from teachkit.course.condition import gpu_check
from teachkit.course.declaration import Lesson, read_course
from teachkit.course.machine import this_machine
from teachkit.course.runner import Options, read_status
from teachkit.errors import StorageError
from teachkit.ops.cloud.files import FAILED, FINISHED, STOPPED, Manifest, download, read_manifest, upload
from teachkit.ops.cloud.plan import shares
from teachkit.paths import course_root

OUT = "build/job"  # below the course
LESSONS = "lessons/"  # what an earlier attempt hands on: reports are written anew
POLL_S = 20.0
LAST_TRIES = 15  # of sending the results; with what each try takes itself about nine minutes
OLDER_CUDA = "Build the image with the older CUDA: docs/cloud.md, 'An older driver'."
SEES_GPU = (
    "import torch; seen = torch.cuda.is_available(); print(torch.cuda.get_device_name() if seen else '')"
)


class Stopped(BaseException):
    """The machine is being taken away, or somebody cancelled the job."""


@dataclass
class Desk:
    """One machine at work: its number, where its files go, and what has been sent already."""

    store: Store
    machine: int
    out: Path
    begun: float = field(default_factory=time.monotonic)
    device: str = ""
    sent: dict[str, str] = field(default_factory=dict)

    def send(self, state: str, problem: str = "", *, tries: int = 1) -> bool:
        """Send what is new, and the list of all files; whether that worked.

        What could not be sent is sent with the next call: a lesson is not stopped for it.
        """
        for attempt in range(tries):
            seconds = round(time.monotonic() - self.begun, 1)
            manifest = Manifest(self.machine, state, problem, self.device, seconds)
            try:
                self.sent = upload(self.store, manifest, self.out, self.sent)
                return True
            except StorageError as error:
                print(f"Not sent: {error}", file=sys.stderr, flush=True)
            if attempt + 1 < tries:
                time.sleep(POLL_S)
        return False


def gpu_problem(wanted: str) -> tuple[str, str]:
    """What torch calculates on, and why that is not what was asked for; empty when it is."""
    if wanted == "none":
        return "CPU", ""
    check = gpu_check(this_machine(thorough=True))
    if check.state == "problem":
        return "CPU", f"{check.found} {OLDER_CUDA}"
    asked = subprocess.run([sys.executable, "-c", SEES_GPU], capture_output=True, text=True, check=False)
    if device := asked.stdout.strip():
        return device, ""
    last = (asked.stderr.strip().splitlines() or ["it gives no reason"])[-1]
    return "CPU", f"An accelerator '{wanted}' was asked for, and torch sees none: {check.found} ({last})"


def run_lesson(lesson: Lesson, options: Options) -> bool:
    """Run one lesson as anybody would, its output also in the log; whether it finished."""
    command = [
        sys.executable, "-m", "teachkit.cli", "run", lesson.id, "--size", options.size,
        "--seed", str(options.seed), "--out", str(options.out), "--no-grade", "--no-report",
    ]  # fmt: skip
    log = options.out / "log.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as kept:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                kept.write(line)
                kept.flush()
            process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    status = read_status(options.out, lesson)
    return status is not None and status.state == "finished"


def work(desk: Desk, lessons: Sequence[Lesson], options: Options) -> list[str]:
    """Run `lessons`, send after each, and return those that did not finish."""
    failed = []
    for lesson in lessons:
        if not run_lesson(lesson, options):
            failed.append(lesson.id)
        desk.send("running")
    if lessons:
        _report(lessons, options)
    return failed


def wait_for_others(store: Store, machines: int) -> list[str]:
    """The first machine ends last, because the job ends with it; one sentence for each that failed."""
    told = []
    for machine in range(1, machines):
        while (manifest := read_manifest(store, machine)) is None or not manifest.ended:
            time.sleep(POLL_S)
        if manifest.state != FINISHED:
            told.append(f"Machine {machine} {manifest.state}: {manifest.problem}")
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the container."""
    told = _parser().parse_args(arguments)
    course = read_course(course_root())
    here = machines_of(os.environ)
    machine, machines = (here.here, len(here.hosts)) if here else (0, 1)
    options = Options(out=course.root / OUT, size=told.size, seed=told.seed)
    piles = shares(course.select(told.lessons), machines, told.size)
    lessons = piles[machine] if machine < len(piles) else ()
    desk = Desk(BucketStore(told.output), machine, options.out)
    signal.signal(signal.SIGTERM, _stop)
    try:
        desk.device, problem = gpu_problem(told.accelerator)
        ids = ", ".join(lesson.id for lesson in lessons) or "none"
        print(f"Machine {machine} of {machines}, {desk.device}: lessons {ids}", flush=True)
        if problem:
            return _end(desk, FAILED, problem)
        _restore(desk, told.earlier, machines)
        failed = work(desk, lessons, options)
        problems = [f"Lesson {', '.join(failed)} did not finish."] if failed else []
        desk.send("running")
        if machine == 0:
            problems += wait_for_others(desk.store, machines)
        return _end(desk, FAILED if problems else FINISHED, " ".join(problems))
    except Stopped:
        return _end(desk, STOPPED, "The machine was told to stop before all lessons were done.")
    except Exception as error:
        return _end(desk, FAILED, f"{type(error).__name__}: {error}")


def _report(lessons: Sequence[Lesson], options: Options) -> None:
    """Write the report of these lessons; it is a help to read, and no reason to fail."""
    command = [sys.executable, "-m", "teachkit.cli", "report", *(lesson.id for lesson in lessons)]
    subprocess.run([*command, "--out", str(options.out), "--no-grade"], check=False)


def _end(desk: Desk, state: str, problem: str) -> int:
    print(problem or "All lessons finished.", file=sys.stderr if problem else sys.stdout, flush=True)
    # A machine that is being taken away has seconds; any other one can wait for a bucket that is silent.
    sent = desk.send(state, problem, tries=1 if state == STOPPED else LAST_TRIES)
    return 0 if sent and state == FINISHED else 1


def _restore(desk: Desk, earlier: str, machines: int) -> None:
    """Bring what was finished earlier: by this job before it was restarted, or by the run before."""
    places = [(desk.store, [desk.machine])]
    if earlier:
        places.append((BucketStore(earlier), list(range(max(machines, 1)))))
    for store, numbers in places:
        for machine in numbers:
            try:
                found = download(store, machine, desk.out, only=LESSONS)
            except StorageError as error:  # an earlier attempt is a help, not a need
                print(f"Nothing is taken over from {store.url}: {error}", flush=True)
                continue
            if found:
                print(f"{len(found.files)} files of an earlier attempt are here.", flush=True)
        if desk.out.exists() and any(desk.out.iterdir()):
            return


def _stop(*_: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough: there is little time to send
    raise Stopped


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m teachkit.ops.cloud.entry", description=__doc__)
    parser.add_argument("lessons", nargs="+")
    parser.add_argument("--output", required=True, help="folder of this run in a bucket")
    parser.add_argument("--earlier", default="", help="folder of an earlier run to go on from")
    parser.add_argument("--size", default="full")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--accelerator", default="none", help="the GPU that must be there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
