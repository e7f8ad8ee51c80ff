"""``nbgrader release_feedback``: each page goes to the attempt that it was written about."""

from fnmatch import fnmatchcase
from pathlib import Path

from nbgrader.exchange import abc

from teachkit.course.exchange import names
from teachkit.course.exchange.attempts import token_of
from teachkit.course.exchange.base import TIMESTAMP, Exchange
from teachkit.course.exchange.names import Attempt, FeedbackPage


class ExchangeReleaseFeedback(Exchange, abc.ExchangeReleaseFeedback):
    """Put feedback pages into the folders that their students can read."""

    def init_src(self) -> None:
        """The folders of the chosen students, below ``feedback/``."""
        wanted, excluded = self.coursedir.student_id or "*", self.coursedir.student_id_exclude.split(",")
        root = Path(self.coursedir.format_path(self.coursedir.feedback_directory, "STUDENT", self.assignment))
        self.folders = {
            student.name: student / self.assignment
            for student in sorted(root.parent.parent.glob("*/"))
            if (student / self.assignment).is_dir()
            and fnmatchcase(student.name, wanted)
            and student.name not in excluded
        }

    def init_dest(self) -> None:
        """Which attempt each folder is about."""
        self.pages: list[tuple[FeedbackPage, Path]] = []
        for student, folder in self.folders.items():
            token = token_of(folder)
            if not token:
                self.log.warning(
                    "The feedback for %s belongs to no hand-in of this exchange: %s", student, folder
                )
                continue
            attempt = Attempt(self.course, student, self.assignment, token)
            self.pages += [(FeedbackPage(attempt, page.stem), page) for page in sorted(folder.glob("*.html"))]

    def copy_files(self) -> None:
        """Write the pages; those of an earlier round are replaced."""
        for page, path in self.pages:
            self.log.info(
                "Releasing feedback for student '%s' on assignment '%s/%s/%s' (%s)",
                page.attempt.student,
                self.course,
                self.assignment,
                page.notebook,
                (path.parent / TIMESTAMP).read_text(encoding="utf-8").strip(),
            )
            self.store.replace(names.feedback_page(page), path.read_bytes())
        self.log.info("%d pages of feedback released: %s %s", len(self.pages), self.course, self.assignment)
