"""``nbgrader collect``: the hand-ins of a class become ``submitted/STUDENT/ASSIGNMENT``."""

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange import abc
from traitlets import Unicode

from teachkit.course.exchange.attempts import HandIn, hand_ins, lay_out, newest_first
from teachkit.course.exchange.base import Exchange
from teachkit.course.roster import Roster, read_roster
from teachkit.errors import ExchangeRefusedError


class ExchangeCollect(Exchange, abc.ExchangeCollect):
    """Bring the right attempt of each student; the folder in the bucket says whose it is.

    An attempt that cannot be opened is named and skipped, and the student's next older one is taken; the
    others of the class are not touched by it.
    """

    roster = Unicode("roster.csv", help="Who takes the course, and who has more time.").tag(config=True)

    def init_src(self) -> None:
        """Each student's attempts, the one to take first."""
        wanted = self.coursedir.student_id or "*"
        found = [
            one
            for one in hand_ins(self.store, self.course, assignment=self.assignment)
            if fnmatchcase(one.attempt.student, wanted)
        ]
        self.chosen = newest_first(found)
        path = Path(self.coursedir.root, self.roster)
        if path.exists():
            self._heed(read_roster(path))
        elif self.before_duedate:
            due = self._due()
            self.chosen = {who: in_time_first(ordered, due) for who, ordered in self.chosen.items()}

    def _heed(self, roster: Roster) -> None:
        """Leave out who does not take the course, and write everybody's extension into the gradebook."""
        for student in [student for student in self.chosen if student not in roster]:
            self.log.error("'%s' is not on the roster; what lies in that folder is left alone.", student)
            del self.chosen[student]
        due = self._due()
        if due is None:
            return
        with Gradebook(self.coursedir.db_url, self.course) as gradebook:
            for student, ordered in self.chosen.items():
                more = roster.extension(student, self.assignment, due)
                if self.before_duedate:
                    self.chosen[student] = in_time_first(ordered, due, more)
                self._extend(gradebook, student, more)

    def _extend(self, gradebook: Gradebook, student: str, more: timedelta) -> None:
        """Write an extension into the gradebook, or take one back that the roster no longer has."""
        try:
            known = gradebook.find_submission(self.assignment, student).extension
        except MissingEntry:
            known = None
        if (more or None) != known:
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(self.assignment, student, extension=more or None)
            self.log.info("Extension of %s for %s: %s", student, self.assignment, more)

    def init_dest(self) -> None:
        """Say what is going to happen."""
        if not self.chosen:
            self.log.warning(
                "No submissions of '%s' for course '%s' to collect", self.assignment, self.course
            )
        else:
            self.log.info(
                "Processing %d submissions of '%s' for course '%s'",
                len(self.chosen),
                self.assignment,
                self.course,
            )

    def copy_files(self) -> None:
        """Student by student."""
        for student, ordered in self.chosen.items():
            target = Path(
                self.coursedir.format_path(self.coursedir.submitted_directory, student, self.assignment)
            )
            for one in ordered:
                if not self._wanted(one, target):
                    break
                if self._bring(one, target):
                    break

    def _wanted(self, one: HandIn, target: Path) -> bool:
        """Whether this attempt should be in `target` instead of what is there."""
        label = f"{one.attempt.student} {one.attempt.assignment}"
        if not target.is_dir():
            return True
        here, new = self.coursedir.get_existing_timestamp(str(target)), naive(one.moment)
        if (self.update and (here is None or new > here)) or (self.before_duedate and here != new):
            self.log.info("Updating submission: %s", label)
            return True
        if self.update:
            self.log.info("No newer submission to collect: %s", label)
        else:
            self.log.info("Submission already exists, use --update to update: %s", label)
        return False

    def _bring(self, one: HandIn, target: Path) -> bool:
        """Whether it lies in `target` now."""
        label = f"{one.attempt.student} {one.attempt.assignment}"
        try:
            if one.stored.size > self.limits.total_bytes:
                raise ExchangeRefusedError(f"It has {one.stored.size:,} bytes.", "Ask for a smaller one.")
            self.log.info("Collecting submission: %s", label)
            lay_out(
                self.store.read(one.stored.name),
                target,
                stamp=self.stamp(one.moment),
                token=one.attempt.token,
                limits=self.limits,
            )
        except ExchangeRefusedError as error:
            self.log.error(
                "The submission of %s from %s cannot be opened and is skipped: %s",
                label,
                self.stamp(one.moment),
                error.what,
            )
            return False
        return True

    def _due(self) -> datetime | None:
        """When the assignment is due, in UTC without a zone, as nbgrader keeps it."""
        with Gradebook(self.coursedir.db_url, self.course) as gradebook:
            try:
                due: datetime | None = gradebook.find_assignment(self.assignment).duedate
            except MissingEntry:
                return None
        return due


def in_time_first(
    ordered: list[HandIn], due: datetime | None, extension: timedelta = timedelta()
) -> list[HandIn]:
    """Attempts, newest first, but those that were in time before the late ones."""
    if due is None:
        return ordered
    return sorted(ordered, key=lambda one: naive(one.moment) > due + extension)


def naive(moment: datetime) -> datetime:
    """A moment as nbgrader keeps it: in UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
