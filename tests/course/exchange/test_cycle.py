"""A term in small: three students, two assignments, through nbgrader's own command line and a real server."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from teachkit.cloud import BucketStore
from teachkit.course.exchange import names
from teachkit.course.exchange.attempts import hand_ins
from teachkit.course.roster import Entry, Roster, write_roster

RIGHT, WRONG = "answer = 42", "answer = 41"
MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC"


@dataclass
class Term:
    """Everybody, and the log of each command by a word of our own."""

    teacher: Any
    ada: Any
    bob: Any
    cleo: Any
    logs: dict[str, str] = field(default_factory=dict)

    def run(self, label: str, who: Any, *arguments: str) -> None:
        """Run a command that must succeed, and keep its log."""
        done = who.nbgrader(*arguments)
        assert done.code == 0, done.log
        self.logs[label] = done.log

    def work(self, who: Any, assignment: str, source: str) -> None:
        """Fetch if need be, answer, hand in."""
        path = who.path(assignment, "problem.ipynb")
        if not path.exists():
            self.run(f"fetch {who.student} {assignment}", who, "fetch_assignment", assignment)
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[0].source = source
        nbformat.write(notebook, path)
        self.run(f"submit {who.student} {assignment}", who, "submit", assignment)

    def grade(self, label: str, assignment: str) -> None:
        """Collect, grade, and give feedback."""
        self.run(f"collect {label}", self.teacher, "collect", assignment, "--update")
        # A busy machine may take minutes to start a kernel.
        self.run(f"autograde {label}", self.teacher, "autograde", assignment, "--Execute.startup_timeout=600")
        self.run(f"pages {label}", self.teacher, "generate_feedback", assignment)
        self.run(f"feedback {label}", self.teacher, "release_feedback", assignment)

    def score(self, student: str, assignment: str) -> float:
        """The points in the gradebook."""
        with Gradebook(f"sqlite:///{self.teacher.path('gradebook.db')}") as gradebook:
            return float(gradebook.find_submission(assignment, student).score)


@pytest.fixture(scope="module")
def term(person: Callable[..., Any], store: BucketStore) -> Term:
    """Ada hands in once. Bob hands in wrong, is graded, and hands in again; ps2 he hands in late. So does
    Cleo, who has an extension. Eve is not on the roster."""
    made = Term(person(), person("ada"), person("bob"), person("cleo"))
    write_roster(
        Roster(
            (
                Entry("ada", "ada@example.org", "", {}, "ps2=+2h"),
                Entry("bob", "bob@example.org"),
                Entry("cleo", "cleo@example.org", "", {}, "ps2=+2d"),
            )
        ),
        made.teacher.path("roster.csv"),
    )
    store.create(names.attempt(names.Attempt("teachkit", "eve", "ps1", names.new_token())), b"whatever")
    for assignment in ("ps1", "ps2"):
        made.run(f"make {assignment}", made.teacher, "generate_assignment", assignment)
        made.run(f"release {assignment}", made.teacher, "release_assignment", assignment)
    made.run("list", made.ada, "list")
    made.work(made.ada, "ps1", RIGHT)
    made.work(made.bob, "ps1", WRONG)
    made.grade("first", "ps1")
    made.run("bob sees", made.bob, "list", "--cached")
    made.run("bob reads", made.bob, "fetch_feedback", "ps1")
    made.work(made.bob, "ps1", RIGHT)
    made.run("bob waits", made.bob, "list", "--cached")
    made.work(made.ada, "ps2", RIGHT)
    made.work(made.bob, "ps2", RIGHT)
    made.work(made.cleo, "ps2", RIGHT)
    made.run("hand-ins", made.teacher, "list", "--inbound")
    due = hand_ins(store, "teachkit", "ada", "ps2")[0].moment - timedelta(hours=1)
    with Gradebook(f"sqlite:///{made.teacher.path('gradebook.db')}") as gradebook:
        gradebook.update_or_create_assignment("ps2", duedate=due.isoformat())
    made.grade("second", "ps1")
    made.grade("late", "ps2")
    for who in (made.ada, made.bob, made.cleo):
        for assignment in ("ps1", "ps2"):
            who.nbgrader("fetch_feedback", assignment)
    return made


def test_a_released_assignment_is_listed_and_not_released_twice(term: Term) -> None:
    assert "Released assignments:\nteachkit ps1\nteachkit ps2\n" in term.logs["list"]
    again = term.teacher.nbgrader("release_assignment", "ps1")
    assert again.code == 1
    assert "add --force to overwrite" in again.log
    assert term.teacher.nbgrader("release_assignment", "ps1", "--force").code == 0


def test_what_is_fetched_is_the_release_without_solutions(term: Term) -> None:
    folder = term.cleo.path("ps2")
    assert {path.name for path in folder.iterdir()} >= {"problem.ipynb", "table.csv"}
    assert (folder / "table.csv").read_text() == "a,b\n1,2\n"
    released = nbformat.read(term.teacher.path("release", "ps2", "problem.ipynb"), as_version=4)
    assert [cell.source for cell in released.cells] == ["# your code here", ""]


def test_a_hand_in_is_confirmed_with_the_servers_time(term: Term, store: BucketStore) -> None:
    moment = hand_ins(store, "teachkit", "ada", "ps1")[0].moment
    assert re.search(rf"Submitted as: teachkit ps1 {MOMENT}", term.logs["submit ada ps1"])
    assert f"{moment:%Y-%m-%d %H:%M:%S.%f} UTC" in term.logs["submit ada ps1"]
    stamp = term.teacher.path("submitted", "ada", "ps1", "timestamp.txt").read_text()
    assert stamp == f"{moment:%Y-%m-%d %H:%M:%S.%f} UTC"


def test_the_newest_attempt_is_graded_and_the_older_one_is_still_there(
    term: Term, store: BucketStore
) -> None:
    assert len(hand_ins(store, "teachkit", "bob", "ps1")) == 2
    assert "Updating submission: bob ps1" in term.logs["collect second"]
    assert "No newer submission to collect: ada ps1" in term.logs["collect second"]
    assert term.score("ada", "ps1") == 2
    assert term.score("bob", "ps1") == 2


def test_feedback_belongs_to_the_attempt_it_was_written_about(term: Term, store: BucketStore) -> None:
    assert "feedback ready to be fetched" in term.logs["bob sees"]
    lines = [line for line in term.logs["bob waits"].splitlines() if "ps1" in line]
    assert "feedback already fetched" in lines[0]
    assert "no feedback available" in lines[1]
    stamps = [f"{one.moment:%Y-%m-%d %H:%M:%S.%f} UTC" for one in hand_ins(store, "teachkit", "bob", "ps1")]
    first, second = (
        term.bob.path("ps1", "feedback", stamp, "problem.html").read_text("utf-8") for stamp in stamps
    )
    assert "41" in first
    assert "Score: 0.0 / 2.0" in first
    assert "Score: 2.0 / 2.0" in second


def test_nobody_gets_feedback_of_somebody_else(term: Term) -> None:
    assert len(list(term.ada.path("ps1", "feedback").glob("*/*.html"))) == 1
    assert not term.cleo.path("ps1", "feedback").exists()


def test_late_is_what_the_server_says(term: Term) -> None:
    with Gradebook(f"sqlite:///{term.teacher.path('gradebook.db')}") as gradebook:
        assert gradebook.find_submission("ps2", "ada").total_seconds_late == 0
        bob = gradebook.find_submission("ps2", "bob")
        assert bob.total_seconds_late > 3600
        # one day begun costs a tenth of two points
        assert [notebook.late_submission_penalty for notebook in bob.notebooks] == [0.2]


def test_an_extension_of_the_roster_counts(term: Term) -> None:
    with Gradebook(f"sqlite:///{term.teacher.path('gradebook.db')}") as gradebook:
        cleo = gradebook.find_submission("ps2", "cleo")
        assert cleo.extension == timedelta(days=2)
        assert cleo.total_seconds_late == 0


def test_who_is_not_on_the_roster_is_named_and_left_alone(term: Term) -> None:
    assert "'eve' is not on the roster" in term.logs["collect first"]
    assert not term.teacher.path("submitted", "eve").exists()


def test_the_instructor_sees_every_attempt(term: Term) -> None:
    lines = term.logs["hand-ins"].splitlines()
    assert [line.split()[1:3] for line in lines if line.startswith("teachkit")] == [
        ["ada", "ps1"],
        ["ada", "ps2"],
        ["bob", "ps1"],
        ["bob", "ps1"],
        ["bob", "ps2"],
        ["cleo", "ps2"],
        ["eve", "ps1"],
    ]


def test_a_lost_machine_loses_no_hand_in(term: Term, person: Callable[..., Any]) -> None:
    other = person("bob")
    done = other.nbgrader("list", "--cached")
    assert len([line for line in done.log.splitlines() if "bob ps1" in line]) == 2
    copies = sorted(other.path(".jupyter", "nbgrader_cache", "teachkit").iterdir())
    assert [len(list(copy.glob("*.ipynb"))) for copy in copies] == [1, 1, 1]
    assert all(re.fullmatch(rf"bob\+ps[12]\+{MOMENT}", copy.name) for copy in copies)
