"""``nbgrader submit``: one archive, created under a fresh name in the student's own folder."""

import json
from pathlib import Path

from nbgrader.exchange import abc

from teachkit.course.exchange import names
from teachkit.course.exchange.archive import gather, pack
from teachkit.course.exchange.attempts import HandIn, keep, notebooks_of
from teachkit.course.exchange.base import Exchange
from teachkit.course.exchange.names import Attempt
from teachkit.errors import nearest


class ExchangeSubmit(Exchange, abc.ExchangeSubmit):
    """Hand in a folder: whole or not at all, at the server's time, never over an earlier attempt."""

    def init_src(self) -> None:
        """The folder that the student worked in."""
        self.src = self.place(self.assignment)
        if not self.src.is_dir():
            beside = [path.name for path in self.src.parent.glob("*/")] if self.src.parent.is_dir() else []
            self._fail(f"Assignment not found at: {self.src}. {nearest(self.assignment, beside, 'folders')}")
        self.coursedir.assignment_id = self.src.name  # a path such as "./01_classification/" is fine too

    def init_dest(self) -> None:
        """A new attempt in the folder of this student."""
        self.check_access(self.me)
        self.attempt = Attempt(self.course, self.me, self.assignment, names.new_token())

    def copy_files(self) -> None:
        """Compare with the release, pack, send, keep a copy, and say when it arrived."""
        released = self.store.stat(names.release(self.course, self.assignment))
        if released is None:
            self._fail(f"Assignment not found: {self.assignment} is not released in {self.course}")
        files, notes = gather(self.src, self.ignored())
        for note in notes:
            self.log.warning(note)
        notebooks = sorted(Path(name).stem for name in files if name.endswith(".ipynb") and "/" not in name)
        self._compare(notebooks_of(released), notebooks)
        content = pack(files, self.limits, {"course": self.course, "assignment": self.assignment})
        stored = self.store.create(names.attempt(self.attempt), content, {"notebooks": json.dumps(notebooks)})
        stamp = self.stamp(stored.created)
        # From here on it is handed in, whatever happens to the copy on this machine.
        self.log.info("Submitted as: %s %s %s", self.course, self.assignment, stamp)
        self.log.info("Receipt: %s, %d files, %d bytes", self.attempt.token, len(files), stored.size)
        try:
            keep(
                Path(self.cache, self.course),
                HandIn(self.attempt, stored),
                content,
                stamp=stamp,
                limits=self.limits,
            )
        except OSError as error:
            self.log.warning("It is handed in, but no copy could be kept here: %s", error)

    def _compare(self, released: list[str], found: list[str]) -> None:
        """Warn about notebooks that are missing or new; under ``--strict`` missing ones stop the hand-in."""
        missing = [name for name in released if name not in found]
        extra = [name for name in found if name not in released]
        if not missing and not extra:
            return
        lines = [f"\t{name}.ipynb: {'MISSING' if name in missing else 'FOUND'}" for name in released]
        lines += [f"\t{name}.ipynb: EXTRA" for name in extra]
        listing = "\n".join(["Expected and found:", *lines])
        if missing and self.strict:
            self._fail(f"Assignment {self.assignment} not submitted: notebooks are missing.\n{listing}")
        self.log.warning("Possible missing or extra notebooks for %s.\n%s", self.assignment, listing)
