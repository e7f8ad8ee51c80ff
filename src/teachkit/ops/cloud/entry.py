"""What runs in the job's container: look at the GPU, run the lessons one by one, and send what they leave.

``python -m teachkit.ops.cloud.entry --output gs://BUCKET/RUN --size full LESSON...`` works in the folder of
the course; ``--program MODULE ARGUMENTS`` trains instead, on all GPUs of all machines. After each lesson its
files go to the bucket, so that a lesson that fails, a cancelled job or a machine that is taken away leaves
what was done. It ends with 0 when all is done, else with 1.
"""

import os
import signal
import subprocess
import sys
import threading
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
from teachkit.ops.cloud.words import parser
from teachkit.paths import course_root

OUT = "build/job"  # below the course
PROGRAM = "program"  # folder of what a program writes
SEND_S = 300.0  # between two times that a program's files are sent
LESSONS = "lessons/"  # what an earlier attempt hands on: reports are written anew
POLL_S = 20.0
STOP_S = 8.0  # a machine that is taken away has half a minute, and the files must still be sent
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

    @property
    def log(self) -> Path:
        """What the programs of this machine print."""
        return self.out / f"machine-{self.machine}.log"

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


def run_lesson(lesson: Lesson, options: Options, log: Path) -> bool:
    """Run one lesson as anybody would, its output also in the log; whether it finished."""
    command = [
        sys.executable, "-m", "teachkit.cli", "run", lesson.id, "--size", options.size,
        "--seed", str(options.seed), "--out", str(options.out), "--no-grade", "--no-report",
    ]  # fmt: skip
    logged(command, log)
    status = read_status(options.out, lesson)
    return status is not None and status.state == "finished"


def run_program(desk: Desk, program: Sequence[str]) -> list[str]:
    """Train on every GPU of every machine; files are sent every few minutes. One sentence if it failed.

    The first machine's folder is what counts: it holds the checkpoint, and is the only one that is sent.
    """
    folder = (desk.out if desk.machine == 0 else desk.out.parent) / PROGRAM
    command = [sys.executable, "-m", "teachkit.cloud.launch", "-m", *program, "--out", str(folder)]
    over = threading.Event()

    def send_now_and_then() -> None:
        while not over.wait(SEND_S):
            desk.send("running")

    sender = threading.Thread(target=send_now_and_then, daemon=True)
    sender.start()
    try:
        status = logged(command, desk.log)
    finally:
        over.set()
        sender.join()
    return [f"{program[0]} ended with {status}; {desk.log.name} says why."] if status else []


def logged(command: Sequence[str], log: Path) -> int:
    """Run `command`, its output here and in the log, and return its exit status."""
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
            _stop_child(process)
            raise
    return process.returncode


def run_lessons(desk: Desk, lessons: Sequence[Lesson], options: Options) -> list[str]:
    """Run `lessons` and send after each; one sentence about those that did not finish."""
    failed = []
    for lesson in lessons:
        if not run_lesson(lesson, options, desk.log):
            failed.append(lesson.id)
        desk.send("running")
    if lessons:
        _report(lessons, options)
    return [f"Lesson {', '.join(failed)} did not finish."] if failed else []


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
    told = parser().parse_args(arguments)
    course = read_course(course_root())
    here = machines_of(os.environ)
    machine, machines = (here.here, len(here.hosts)) if here else (0, 1)
    options = Options(out=course.root / OUT, size=told.size, seed=told.seed)
    piles = [] if told.program else shares(course.select(told.lessons), machines, told.size)
    lessons = piles[machine] if machine < len(piles) else ()
    desk = Desk(BucketStore(told.output), machine, options.out)
    signal.signal(signal.SIGTERM, _stop)
    try:
        desk.device, problem = gpu_problem(told.accelerator)
        what = " ".join(told.program) or f"lessons {', '.join(lesson.id for lesson in lessons) or 'none'}"
        print(f"Machine {machine} of {machines}, {desk.device}: {what}", flush=True)
        if problem:
            return _end(desk, FAILED, problem)
        _restore(desk, told.earlier, machines, program=bool(told.program))
        desk.send("running")  # also in place of what an earlier attempt of this machine said
        problems = run_program(desk, told.program) if told.program else run_lessons(desk, lessons, options)
        desk.send("running")
        if machine == 0:
            problems += wait_for_others(desk.store, machines)
        return _end(desk, FAILED if problems else FINISHED, " ".join(problems))
    except Stopped:
        return _end(desk, STOPPED, "The machine was told to stop before all was done.")
    except Exception as error:
        return _end(desk, FAILED, f"{type(error).__name__}: {error}")


def _report(lessons: Sequence[Lesson], options: Options) -> None:
    """Write the report of these lessons; it is a help to read, and no reason to fail."""
    command = [sys.executable, "-m", "teachkit.cli", "report", *(lesson.id for lesson in lessons)]
    subprocess.run([*command, "--out", str(options.out), "--no-grade"], check=False)


def _end(desk: Desk, state: str, problem: str) -> int:
    print(problem or "All is done.", file=sys.stderr if problem else sys.stdout, flush=True)
    # A machine that is being taken away has seconds; any other one can wait for a bucket that is silent.
    sent = desk.send(state, problem, tries=1 if state == STOPPED else LAST_TRIES)
    return 0 if sent and state == FINISHED else 1


def _restore(desk: Desk, earlier: str, machines: int, *, program: bool) -> None:
    """Bring what was finished earlier: by this job before it was restarted, or by the run before.

    The first machine of a program reads its checkpoint for all; lessons need what any machine has finished.
    """
    if program and desk.machine:
        return
    places = [(desk.store, [desk.machine])]
    if earlier:
        places.append((BucketStore(earlier), [0] if program else list(range(machines))))
    wanted = f"{PROGRAM}/" if program else LESSONS
    for store, numbers in places:
        for machine in numbers:
            try:
                found = download(store, machine, desk.out, only=wanted)
            except StorageError as error:  # an earlier attempt is a help, not a need
                print(f"Nothing is taken over from {store.url}: {error}", flush=True)
                continue
            brought = [name for name in found.files if name.startswith(wanted)] if found else []
            if brought:
                print(f"{len(brought)} files of an earlier attempt are here.", flush=True)
                if store is desk.store:
                    return


def _stop_child(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stop(*_: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough: there is little time to send
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
