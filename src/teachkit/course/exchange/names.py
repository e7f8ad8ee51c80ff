"""The names of objects in an exchange, built and read in this one place.

::

    COURSE/outbound/ASSIGNMENT.tar.gz                      a release            everybody reads
    COURSE/inbound/STUDENT/ASSIGNMENT/ATTEMPT.tar.gz       one hand-in          STUDENT creates and reads
    COURSE/feedback/STUDENT/ASSIGNMENT/ATTEMPT/NOTEBOOK.html   its feedback     STUDENT reads

STUDENT is the folder that one account alone can write to, so it says who handed in; nothing inside an
archive does. ATTEMPT is random. Each part is percent-encoded, so any character of a name survives and none
has a meaning for the server.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, unquote

from teachkit.errors import ExchangeRefusedError

STUDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
ATTEMPT = re.compile(r"[0-9a-f]{32}")
# Machines on which all students are the same user of the operating system: such a name says nothing.
SHARED_USERS = frozenset({"jupyter", "jovyan", "root", "user", "student"})
ARCHIVE, PAGE = ".tar.gz", ".html"
LONGEST = 200  # bytes of one encoded part; the server allows 1024 for the whole name

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Attempt:
    """One hand-in of one student."""

    course: str
    student: str
    assignment: str
    token: str


@dataclass(frozen=True, order=True)
class FeedbackPage:
    """The feedback on one notebook of one hand-in."""

    attempt: Attempt
    notebook: str


def new_token() -> str:
    """A fresh name for an attempt, which nobody can guess."""
    return secrets.token_hex(16)


def check_student(student: str) -> str:
    """`student`, when it can be a student's id.

    Raises:
        ExchangeRefusedError: it is a pattern, the name of a shared account, or has characters that no folder
            name should have.
    """
    if student in SHARED_USERS:
        raise ExchangeRefusedError(
            f"'{student}' is the name of a shared account and not of a student.",
            "Set TEACHKIT_STUDENT to your student id.",
            student=student,
        )
    if not STUDENT.fullmatch(student):
        raise ExchangeRefusedError(
            f"'{student}' cannot be a student id.",
            "An id has letters a-z, digits and . _ - @, and begins with a letter or a digit.",
            student=student,
        )
    return student


def releases(course: str) -> str:
    """The folder of everything released."""
    return f"{_part(course, 'course id')}/outbound/"


def release(course: str, assignment: str) -> str:
    """The object of one released assignment."""
    return f"{releases(course)}{_part(assignment, 'assignment')}{ARCHIVE}"


def inbound(course: str, student: str = "", assignment: str = "") -> str:
    """The folder of all hand-ins, of those of one student, or of those for one assignment."""
    return f"{_part(course, 'course id')}/inbound/{_below(student, assignment)}"


def attempt(made: Attempt) -> str:
    """The object of one hand-in."""
    return f"{inbound(made.course, made.student, made.assignment)}{made.token}{ARCHIVE}"


def feedback(course: str, student: str = "", assignment: str = "") -> str:
    """The folder of all feedback, of that for one student, or of that for one assignment."""
    return f"{_part(course, 'course id')}/feedback/{_below(student, assignment)}"


def feedback_page(page: FeedbackPage) -> str:
    """The object of one page of feedback."""
    made = page.attempt
    folder = f"{feedback(made.course, made.student, made.assignment)}{made.token}/"
    return f"{folder}{_part(page.notebook, 'notebook')}{PAGE}"


def read_release(name: str) -> tuple[str, str] | None:
    """(course, assignment) of the object of a release; None for any other object."""
    parts = _parts(name, "outbound", 3, ARCHIVE)
    return None if parts is None else _same(name, (parts[0], parts[2]), lambda found: release(*found))


def read_attempt(name: str) -> Attempt | None:
    """The attempt of which `name` is the object; None for any other object."""
    parts = _parts(name, "inbound", 5, ARCHIVE)
    if parts is None or not ATTEMPT.fullmatch(parts[4]):
        return None
    return _same(name, Attempt(parts[0], parts[2], parts[3], parts[4]), attempt)


def read_feedback_page(name: str) -> FeedbackPage | None:
    """The page of which `name` is the object; None for any other object."""
    parts = _parts(name, "feedback", 6, PAGE)
    if parts is None or not ATTEMPT.fullmatch(parts[4]):
        return None
    page = FeedbackPage(Attempt(parts[0], parts[2], parts[3], parts[4]), parts[5])
    return _same(name, page, feedback_page)


def _below(student: str, assignment: str) -> str:
    folder = f"{_part(check_student(student), 'student id')}/" if student else ""
    return folder + (f"{_part(assignment, 'assignment')}/" if student and assignment else "")


def _part(value: str, kind: str) -> str:
    """`value` as one part of an object's name."""
    encoded = quote(value, safe="@ ")
    if not value or value in {".", ".."} or "/" in value or len(encoded) > LONGEST or not value.isprintable():
        raise ExchangeRefusedError(
            f"'{value}' cannot be the name of a {kind}.", "Choose a short name without slashes.", value=value
        )
    return encoded


def _parts(name: str, folder: str, count: int, ending: str) -> list[str] | None:
    """The decoded parts of a name that has the right folder, ending and number of parts."""
    parts = [unquote(part) for part in name.removesuffix(ending).split("/")]
    if len(parts) != count or parts[1] != folder or not name.endswith(ending):
        return None
    return parts


def _same(name: str, found: T, build: Callable[[T], str]) -> T | None:
    """`found`, when building its name gives `name` back: a second spelling of a name is no name."""
    try:
        return found if build(found) == name else None
    except ExchangeRefusedError:
        return None
