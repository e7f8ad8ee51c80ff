"""Which attempt is collected, and what the roster writes into the gradebook."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from nbgrader.api import Gradebook

from teachkit.course.exchange.collect import naive
from teachkit.course.roster import Entry, Roster, write_roster

Ready = Callable[..., Any]
HandedIn = Callable[[str], list[Any]]


@pytest.fixture
def due(teacher: Any) -> Callable[[datetime | None], None]:
    """`due(moment)` sets the due date of ps1, in UTC; nothing is collected yet, and there is no roster."""
    submitted = teacher.path("submitted")
    if submitted.exists():
        submitted.rename(teacher.path(f"earlier-{len(list(teacher.home.glob('earlier-*')))}"))
    teacher.path("roster.csv").unlink(missing_ok=True)

    def set_to(moment: datetime | None) -> None:
        with teacher.at_work(), Gradebook(f"sqlite:///{teacher.path('gradebook.db')}") as gradebook:
            gradebook.update_or_create_assignment("ps1", duedate=moment)

    return set_to


@pytest.fixture
def collected(teacher: Any) -> Callable[..., str]:
    """`collected("ada", "--update")` collects ps1 with these options; the attempt that lies there now."""

    def collect(student: str, *options: str) -> str:
        done = teacher.nbgrader("collect", "ps1", *options)
        assert done.code == 0, done.log
        path = teacher.path("submitted", student, "ps1", "submission_secret.txt")
        return str(path.read_text())

    return collect


def extension(teacher: Any, student: str) -> timedelta | None:
    """What the gradebook says about this student's extension for ps1."""
    with Gradebook(f"sqlite:///{teacher.path('gradebook.db')}") as gradebook:
        found: timedelta | None = gradebook.find_submission("ps1", student).extension
    return found


def hand_in(student: Any, times: int) -> None:
    """Hand in so often."""
    for _ in range(times):
        assert student.nbgrader("submit", "ps1").code == 0


def test_before_the_due_date_means_the_newest_attempt_that_was_in_time(
    ready: Ready, handed_in: HandedIn, due: Any, collected: Callable[..., str]
) -> None:
    hand_in(ready("ada"), 3)
    tokens = [one.attempt.token for one in handed_in("ada")]
    due(naive(handed_in("ada")[1].moment))
    assert collected("ada") == tokens[2]
    assert collected("ada", "--before-duedate") == tokens[1]
    assert collected("ada", "--before-duedate") == tokens[1]
    assert collected("ada", "--update") == tokens[2]


def test_who_is_only_late_is_collected_all_the_same(
    ready: Ready, handed_in: HandedIn, due: Any, collected: Callable[..., str]
) -> None:
    hand_in(ready("ada"), 2)
    due(naive(handed_in("ada")[0].moment) - timedelta(days=1))
    assert collected("ada", "--before-duedate") == handed_in("ada")[1].attempt.token


def test_without_an_update_what_was_collected_stays(
    ready: Ready, handed_in: HandedIn, due: Any, collected: Callable[..., str]
) -> None:
    ada = ready("ada")
    hand_in(ada, 1)
    first = collected("ada")
    hand_in(ada, 1)
    assert collected("ada") == first
    assert collected("ada", "--update") == handed_in("ada")[1].attempt.token


def test_an_extension_moves_the_due_date_of_one_student_and_is_taken_back_with_the_roster(
    teacher: Any, ready: Ready, handed_in: HandedIn, due: Any, collected: Callable[..., str]
) -> None:
    for student in ("ada", "bob"):
        hand_in(ready(student), 2)
    due(naive(handed_in("ada")[0].moment))
    longer, plain = Entry("ada", "ada@example.org", "", {}, "ps1=+1d"), Entry("ada", "ada@example.org")
    bob = Entry("bob", "bob@example.org")

    write_roster(Roster((longer, bob)), teacher.path("roster.csv"))
    assert collected("ada", "--before-duedate") == handed_in("ada")[1].attempt.token
    assert extension(teacher, "ada") == timedelta(days=1)

    write_roster(Roster((plain, bob)), teacher.path("roster.csv"))
    assert collected("ada", "--before-duedate") == handed_in("ada")[0].attempt.token
    assert extension(teacher, "ada") is None


def test_two_courses_in_one_bucket_do_not_meet(
    teacher: Any, ready: Ready, person: Ready, handed_in: HandedIn, due: Any, collected: Callable[..., str]
) -> None:
    ada, other = ready("ada"), person()
    other.path("source").rename(other.path("release"))
    assert other.nbgrader("release_assignment", "ps1", "--course=other").code == 0
    hand_in(ada, 1)
    assert ada.nbgrader("submit", "ps1", "--course=other").code == 0
    assert len(handed_in("ada")) == 1
    assert collected("ada") == handed_in("ada")[0].attempt.token
    assert other.nbgrader("collect", "ps1", "--course=other").code == 0
    theirs = other.path("submitted", "ada", "ps1", "submission_secret.txt").read_text()
    assert theirs != handed_in("ada")[0].attempt.token

    both = ada.nbgrader(
        "list", "--course=", "--ExchangeList.courses=teachkit", "--ExchangeList.courses=other"
    )
    assert [line.split()[:2] for line in both.log.splitlines() if "downloaded" in line] == [
        ["teachkit", "ps1"],
        ["other", "ps1"],
    ]
    assert other.nbgrader("list", "--remove", "--course=other").code == 0
    assert "teachkit ps1" in ada.nbgrader("list").log
    assert "ps1" not in ada.nbgrader("list", "--course=other").log
