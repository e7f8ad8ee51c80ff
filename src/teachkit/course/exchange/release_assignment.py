"""``nbgrader release_assignment``: one archive, which all students of the course can read."""

import json
from pathlib import Path

from nbgrader.exchange import abc

from teachkit.course.exchange import names
from teachkit.course.exchange.archive import gather, pack
from teachkit.course.exchange.base import Exchange
from teachkit.errors import AlreadyStoredError


class ExchangeReleaseAssignment(Exchange, abc.ExchangeReleaseAssignment):
    """Put ``release/ASSIGNMENT`` into the bucket; a second time only with ``--force``."""

    def init_src(self) -> None:
        """The folder that nbgrader's generate_assignment made."""
        self.src = Path(self._step(self.coursedir.release_directory))
        if self.src.is_dir():
            return
        if Path(self._step(self.coursedir.source_directory)).is_dir():
            self._fail(
                f"Assignment found in '{self.coursedir.source_directory}' but not in "
                f"'{self.coursedir.release_directory}'. Run: nbgrader generate_assignment {self.assignment}"
            )
        self._fail(f"Assignment not found: {self.src}")

    def init_dest(self) -> None:
        """The object of the release."""
        self.dest = names.release(self.course, self.assignment)

    def copy_files(self) -> None:
        """Write it in one go."""
        files, notes = gather(self.src, self.ignored())
        for note in notes:
            self.log.warning(note)
        notebooks = sorted(Path(name).stem for name in files if name.endswith(".ipynb") and "/" not in name)
        content = pack(files, self.limits, {"course": self.course, "assignment": self.assignment})
        write = self.store.replace if self.force else self.store.create
        try:
            write(self.dest, content, {"notebooks": json.dumps(notebooks)})
        except AlreadyStoredError:
            self._fail(
                f"Destination already exists, add --force to overwrite: {self.course} {self.assignment}"
            )
        self.log.info("Released as: %s %s", self.course, self.assignment)

    def _step(self, step: str) -> str:
        return str(self.coursedir.format_path(step, ".", self.assignment))
