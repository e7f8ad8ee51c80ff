"""Tell how the run goes: bars in a terminal, plain lines everywhere else."""

import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

LINE_EVERY_SECONDS = 10.0


class RunProgress(AbstractContextManager["RunProgress"]):
    """One bar per lesson, counting code cells; without a terminal one line now and then."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._last_line: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("cells"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[note]}"),
                console=self.console,
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def say(self, line: str) -> None:
        """Print one line above the bars."""
        console = self._bars.console if self._bars else self.console
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    def start(self, lesson: str, title: str) -> None:
        """A lesson begins."""
        if self._bars is not None:
            self._tasks[lesson] = self._bars.add_task(title, total=None, note="")
        else:
            self.say(f"{title}: started")
        self._last_line[lesson] = time.monotonic()

    def cell(self, lesson: str, done: int, total: int) -> None:
        """`done` of `total` code cells are finished."""
        if self._bars is not None:
            self._bars.update(self._tasks[lesson], completed=done, total=total)
        elif done < total and time.monotonic() - self._last_line[lesson] > LINE_EVERY_SECONDS:
            self._last_line[lesson] = time.monotonic()
            self.say(f"{lesson}: {done} of {total} cells")

    def end(self, lesson: str, title: str, note: str) -> None:
        """A lesson is over; `note` says how."""
        if self._bars is not None and lesson in self._tasks:
            self._bars.update(self._tasks[lesson], note=note)
            self._bars.stop_task(self._tasks[lesson])
        else:
            self.say(f"{title}: {note}")
