"""What all verbs share: the settings, the store, who the student is, and errors as nbgrader knows them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from jupyter_core.paths import jupyter_data_dir
from nbgrader.exchange import abc
from nbgrader.utils import ignore_patterns
from traitlets import Bool, Integer, Unicode, default

from teachkit.cloud import BucketStore, Store
from teachkit.course.exchange.archive import Limits
from teachkit.course.exchange.choice import VARIABLE
from teachkit.course.exchange.names import check_student
from teachkit.errors import ExchangeRefusedError, TeachkitError

KILOBYTE = 1000  # as nbgrader counts
EVERYBODY = "*"
TIMESTAMP, SECRET = "timestamp.txt", "submission_secret.txt"  # what nbgrader's later steps read


def open_store(url: str) -> Store:
    """The store of an exchange by its address."""
    return BucketStore(url)


class Exchange(abc.Exchange):
    """The base of the seven verbs. The settings are those of ``c.Exchange`` in ``nbgrader_config.py``."""

    url = Unicode("", help="Address of the exchange, gs://BUCKET/PREFIX; default TEACHKIT_EXCHANGE.").tag(
        config=True
    )
    student = Unicode("", help="Who hands in on this machine; default TEACHKIT_STUDENT.").tag(config=True)
    cache = Unicode("", help="Folder with copies of what was handed in from here.").tag(config=True)
    max_files = Integer(500, help="Largest number of files in one hand-in.").tag(config=True)
    path_includes_course = Bool(
        False, help="Whether assignments lie in ./COURSE/ASSIGNMENT instead of ./ASSIGNMENT."
    ).tag(config=True)

    @default("url")
    def _url_default(self) -> str:
        return os.environ.get(VARIABLE, "")

    @default("student")
    def _student_default(self) -> str:
        return os.environ.get("TEACHKIT_STUDENT", "")

    @default("cache")
    def _cache_default(self) -> str:
        return str(Path(jupyter_data_dir()) / "nbgrader_cache")

    def start(self) -> Any:
        """nbgrader's three beats; whatever goes wrong ends in one sentence and nbgrader's own error."""
        try:
            return super().start()
        except TeachkitError as error:
            self.fail(str(error))
        except OSError as error:
            place = f" '{error.filename}'" if error.filename else ""
            self.fail(f"This machine could not read or write{place}: {error.strerror or error}.")

    @cached_property
    def store(self) -> Store:
        """The objects of the exchange; made at the first use, because nbgrader makes verbs only to ask for
        settings."""
        return open_store(self.url)

    @property
    def course(self) -> str:
        """The course's id."""
        return self.coursedir.course_id or self._fail("No course id specified. Re-run with --course flag.")

    @property
    def assignment(self) -> str:
        """The assignment at work, or "" when none is chosen."""
        return str(self.coursedir.assignment_id)

    @property
    def me(self) -> str:
        """The student who works here: ``--student``, else the setting; never the user of the machine.

        It only chooses a folder: whether this account may use the folder, the server decides.

        Raises:
            ExchangeRefusedError: nobody is named, or the name cannot be a student's.
        """
        named = self.coursedir.student_id
        chosen = named if named not in {"", EVERYBODY} else self.student
        if not chosen:
            raise ExchangeRefusedError(
                "It is not known who works here.", "Set TEACHKIT_STUDENT to your student id."
            )
        return check_student(chosen)

    @property
    def limits(self) -> Limits:
        """What one archive may hold."""
        return Limits(
            self.max_files, KILOBYTE * self.coursedir.max_file_size, KILOBYTE * self.coursedir.max_dir_size
        )

    def check_access(self, student: str) -> None:
        """Stop when nbgrader's authenticator knows that `student` does not take this course."""
        if not self.authenticator.has_access(student, self.course):
            self._fail("You do not have access to this course.")

    def place(self, assignment: str, course: str | None = None) -> Path:
        """Where a student works on an assignment."""
        parts = (course or self.course, assignment) if self.path_includes_course else (assignment,)
        return Path(self.assignment_dir, *parts).absolute()

    def stamp(self, moment: datetime) -> str:
        """A moment as nbgrader writes it."""
        return moment.astimezone(ZoneInfo(self.timezone)).strftime(self.timestamp_format)

    def ignored(self) -> Any:
        """nbgrader's filter of file names and sizes."""
        return ignore_patterns(
            exclude=self.coursedir.ignore,
            include=self.coursedir.include,
            max_file_size=self.coursedir.max_file_size,
        )

    def _fail(self, message: str) -> NoReturn:
        self.fail(message)
        raise AssertionError("nbgrader's fail returned")


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder; it takes the place of `target` when the block ends without error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
    try:
        fresh = beside / "new"
        fresh.mkdir()
        yield fresh
        if target.exists():
            target.rename(beside / "old")
        fresh.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
