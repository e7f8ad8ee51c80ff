"""Execute one notebook with papermill: progress per cell, peak memory of the kernel and its children."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from teachkit.course.box import KERNEL
from teachkit.course.box.walls import Room

ENGINE = "teachkit"
SAMPLE_SECONDS = 0.1
KERNEL_LOG = "kernel.log"  # what the kernel's process itself prints, of use when it dies

OnCell = Callable[[int, int], None]  # cells done, cells in all


@dataclass(frozen=True)
class Failure:
    """Where and how a notebook stopped: number of the code cell (from 1; 0: before it), and the error."""

    cell: int
    name: str
    text: str
    traceback: str


@dataclass(frozen=True)
class Execution:
    """One execution: wall-clock seconds, peak memory in GiB, code cells run, and the failure if any."""

    seconds: float
    peak_gib: float
    cells: int
    failure: Failure | None


class MemoryWatch(threading.Thread):
    """Samples the resident memory of a process and all its children; `peak_bytes` is the largest sum seen."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self.root: psutil.Process | None
        try:
            self.root = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self.root = None
        self._finished = threading.Event()

    def run(self) -> None:
        while self.root is not None and not self._finished.is_set():
            self.sample(self.root)
            self._finished.wait(SAMPLE_SECONDS)

    def sample(self, root: psutil.Process) -> None:
        """Add up resident bytes now; a process that ends meanwhile counts as nothing."""
        total = 0
        try:
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in family:
            try:
                total += process.memory_info().rss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        self.peak_bytes = max(self.peak_bytes, total)

    def finish(self) -> int:
        """Stop sampling and return the peak in bytes."""
        self._finished.set()
        if self.is_alive():
            self.join()
        return self.peak_bytes


class Kernels:
    """The kernels now at work, so that an interrupted run can end exactly those."""

    def __init__(self) -> None:
        self._pids: set[int] = set()
        self._lock = threading.Lock()
        self.stopped = False

    def add(self, pid: int) -> None:
        with self._lock:
            self._pids.add(pid)
        if self.stopped:
            self.stop()

    def remove(self, pid: int) -> None:
        with self._lock:
            self._pids.discard(pid)

    def stop(self) -> None:
        """End every kernel of this run."""
        self.stopped = True
        with self._lock:
            pids = list(self._pids)
        for pid in pids:
            try:
                psutil.Process(pid).kill()
            except psutil.NoSuchProcess:
                continue


class _Client(PapermillNotebookClient):
    """Papermill's client, telling about its kernel's process and about each finished code cell."""

    def __init__(
        self, nb_man: Any, *, on_cell: OnCell, on_kernel: Callable[[int], None], **options: Any
    ) -> None:
        super().__init__(nb_man, **options)
        self._on_cell = on_cell
        self._on_kernel = on_kernel
        self._total = sum(cell.cell_type == "code" for cell in self.nb.cells)
        self._done = 0

    def papermill_execute_cells(self) -> None:
        provisioner = self.km.provisioner
        if pid := getattr(provisioner, "pid", None):
            self._on_kernel(pid)
        self._on_cell(0, self._total)
        super().papermill_execute_cells()

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        done = super().execute_cell(cell, cell_index, **options)
        if cell.cell_type == "code":
            self._done += 1
            self._on_cell(self._done, self._total)
        return done


class LessonEngine(NBClientEngine):
    """Papermill engine that starts the kernel in a folder and environment of our choice.

    The folder goes to the kernel instead of this process, because lessons run in threads side by side.
    """

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        environment: Mapping[str, str],
        folder: str,
        log: str,
        on_cell: OnCell,
        on_kernel: Callable[[int], None],
        cell_timeout: int,
        room: Room | None = None,
        start_timeout: int = 60,
        **_: Any,
    ) -> Any:
        client = _Client(
            nb_man,
            on_cell=on_cell,
            on_kernel=on_kernel,
            timeout=cell_timeout,
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
        )
        allowed = {"room": room} if room else {}
        with open(log, "ab") as messages:
            return client.execute(
                env=dict(environment), cwd=folder, stdout=messages, stderr=messages, **allowed
            )


papermill_engines.register(ENGINE, LessonEngine)


def execute(
    notebook: Path,
    target: Path,
    *,
    parameters: Mapping[str, Any],
    environment: Mapping[str, str],
    core_only: bool,
    cell_timeout: int,
    on_cell: OnCell,
    kernels: Kernels,
    room: Room | None = None,
) -> Execution:
    """Run `notebook` with `parameters` and keep it, finished or not, at `target`.

    Args:
        environment: Complete environment of the kernel.
        core_only: Leave out every cell tagged ``deeper``.
        cell_timeout: Seconds one cell may take.
        on_cell: Called with (code cells done, code cells in all).
        kernels: Where the kernel's process is noted while it lives.
        room: Run it in a box that holds these folders besides its own; None runs it as it is.
    """
    started = time.monotonic()
    watch: MemoryWatch | None = None
    counted = 0
    pids: list[int] = []

    def on_kernel(pid: int) -> None:
        nonlocal watch
        pids.append(pid)
        kernels.add(pid)
        watch = MemoryWatch(pid)
        watch.start()

    def on_progress(done: int, total: int) -> None:
        nonlocal counted
        counted = done
        on_cell(done, total)

    failure: Failure | None = None
    try:
        nb = read_notebook(notebook, core_only=core_only)
        papermill.execute_notebook(
            nb,
            str(target.resolve()),
            parameters=dict(parameters),
            engine_name=ENGINE,
            kernel_name=KERNEL if room else "python3",
            language="python",
            progress_bar=False,
            autosave_cell_every=0,
            environment=environment,
            folder=str(notebook.parent.resolve()),
            log=str(target.with_name(KERNEL_LOG).resolve()),
            on_cell=on_progress,
            on_kernel=on_kernel,
            cell_timeout=cell_timeout,
            room=room,
        )
    except papermill.PapermillExecutionError as error:
        failure = Failure(
            cell=error.exec_count or counted + 1,
            name=error.ename,
            text=error.evalue,
            traceback="\n".join(error.traceback),
        )
    except Exception as error:
        # a dead kernel, a timeout, an unreadable notebook: this lesson failed, the others go on
        failure = Failure(
            cell=counted + 1 if pids else 0, name=type(error).__name__, text=str(error), traceback=""
        )
    finally:
        for pid in pids:
            kernels.remove(pid)
        peak = watch.finish() if watch else 0
    return Execution(
        seconds=time.monotonic() - started, peak_gib=peak / 2**30, cells=counted, failure=failure
    )


def read_notebook(path: Path, *, core_only: bool = False) -> nbformat.NotebookNode:
    """The notebook at `path`, without its deeper cells when `core_only`."""
    nb = nbformat.read(path, as_version=4)
    if core_only:
        nb.cells = [cell for cell in nb.cells if "deeper" not in cell.metadata.get("tags", [])]
    return nb


def kernel_environment(threads: int) -> dict[str, str]:
    """This process's environment, headless, with `threads` threads for each numerical library.

    A number of threads that the caller set already is left as it is.
    """
    environment = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment.setdefault(name, str(threads))
    environment["TEACHKIT_HEADLESS"] = "1"
    environment["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    environment["PYTHONHASHSEED"] = "0"
    environment.pop("TEACHKIT_OUT", None)
    return environment
