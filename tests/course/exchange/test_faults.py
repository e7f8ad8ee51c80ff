"""What goes wrong in a class: forged names, broken lines, odd files, full disks. Nothing is half-written."""

import errno
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.abc import exchange as abc_exchange
from traitlets.config import Config

from teachkit.cloud import BucketStore, bucket_store
from teachkit.course.access import grants, permits
from teachkit.course.exchange import attempts, names, submit
from teachkit.course.exchange.attempts import hand_ins
from teachkit.course.exchange.submit import ExchangeSubmit
from teachkit.course.roster import Entry, Roster

Person = Callable[..., Any]
Between = Callable[[Callable[[str, str, bytes], object]], str]
ROSTER = Roster((Entry("ada", "ada@example.org"), Entry("bob", "bob@example.org")))


@pytest.fixture(scope="module")
def teacher(person: Person) -> Any:
    """An instructor who has released ps1."""
    made = person()
    made.path("release").mkdir()
    made.path("source", "ps1").rename(made.path("release", "ps1"))
    assert made.nbgrader("release_assignment", "ps1").code == 0
    return made


@pytest.fixture
def at_work(teacher: Any, person: Person, store: BucketStore) -> Callable[..., Any]:
    """`at_work("ada")`: a student who has fetched ps1; no earlier hand-in of hers is there."""

    def make(student: str, server: str = "") -> Any:
        for one in store.list(names.inbound("teachkit", student)):
            store.delete(one.name)
        made = person(student, server)
        assert made.nbgrader("fetch_assignment", "ps1").code == 0
        return made

    return make


def of(store: BucketStore, student: str) -> list[Any]:
    """What this student has handed in for ps1."""
    return hand_ins(store, "teachkit", student, "ps1")


def guard(who: str, bucket: str, seen: list[str]) -> Callable[[str, str, bytes], object]:
    """The server's check of permissions, for one account: 403 for all that the grants do not allow."""
    name, _, prefix = bucket.removeprefix("gs://").partition("/")
    given = grants("teachkit", ROSTER, ["teacher@example.org"], prefix)

    def check(method: str, path: str, body: bytes) -> object:
        place, _, query = path.partition("?")
        if place.endswith(f"/b/{name}"):
            return 403  # the client library asks about the bucket in the background, and can do without
        target = place.partition(f"/b/{name}/o")[2].lstrip("/")
        if place.startswith("/upload"):
            found = re.search(rb'"name": *"([^"]+)"', body)
            permission, target = "create", found.group(1).decode() if found else ""
        elif method == "GET" and not target:
            listed = re.search(r"prefix=([^&]*)", query)
            permission, target = "list", listed.group(1) if listed else ""
        else:
            permission = {"GET": "get", "DELETE": "delete"}[method]
        seen.append(f"{permission} {target}")
        return None if permits(given, who, permission, target) else 403

    return check


def test_a_student_can_do_all_that_students_do_and_asks_for_nothing_else(
    at_work: Any, between: Between, bucket: str, store: BucketStore
) -> None:
    seen: list[str] = []
    ada = at_work("ada", between(guard("user:ada@example.org", bucket, seen)))
    for command in (
        ["list"],
        ["submit", "ps1"],
        ["list", "--cached"],
        ["list", "--inbound"],
        ["fetch_feedback", "ps1"],
    ):
        done = ada.nbgrader(*command)
        assert done.code == 0, done.log
    assert len(of(store, "ada")) == 1
    foreign = [one for one in seen if "/outbound/" not in one and "/ada/" not in one]
    assert foreign == []


@pytest.mark.parametrize("command", [("submit", "ps1"), ("list", "--cached"), ("fetch_feedback", "ps1")])
def test_a_forged_name_meets_a_closed_folder(
    command: tuple[str, ...], at_work: Any, between: Between, bucket: str, store: BucketStore
) -> None:
    seen: list[str] = []
    bob = at_work("bob", between(guard("user:bob@example.org", bucket, seen)))
    before = len(store.list(""))
    done = bob.nbgrader(*command, "--student=ada")
    assert done.code == 1
    assert "Your account may not do this" in done.log
    assert "Traceback" not in done.log
    assert len(store.list("")) == before


@pytest.mark.parametrize(
    ("student", "complaint"),
    [
        ("", "It is not known who works here. Set TEACHKIT_STUDENT"),
        ("jupyter", "'jupyter' is the name of a shared account"),
        ("../ada", "cannot be a student id"),
        ("a+b", "cannot be a student id"),
    ],
)
def test_nobody_hands_in_under_a_name_that_says_nothing(
    student: str, complaint: str, at_work: Any, store: BucketStore
) -> None:
    ada = at_work("ada")
    ada.student = student
    done = ada.nbgrader("submit", "ps1")
    assert done.code == 1
    assert complaint in done.log
    assert of(store, "ada") == []


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (403, "Your account may not do this"),
        (404, "there is no bucket"),
        (412, "already"),
        (429, "too many requests"),
        (503, "No answer from gs://"),
        ("cut", "No answer from gs://"),
    ],
)
def test_a_refused_hand_in_is_told_and_leaves_nothing(
    fault: object, complaint: str, at_work: Any, between: Between, store: BucketStore, monkeypatch: Any
) -> None:
    monkeypatch.setattr(bucket_store, "PATIENCE_S", 1.0)
    ada = at_work("ada")
    ada.server = between(lambda _, path, __: fault if path.startswith("/upload") else None)
    done = ada.nbgrader("submit", "ps1")
    assert done.code == 1
    assert complaint in done.log
    assert of(store, "ada") == []
    assert not ada.path(".jupyter", "nbgrader_cache").exists()


def test_a_hand_in_whose_confirmation_is_lost_is_handed_in_once(
    at_work: Any, between: Between, store: BucketStore
) -> None:
    ada = at_work("ada")
    lost: list[str] = []

    def fault(_: str, path: str, __: bytes) -> object:
        if path.startswith("/upload") and not lost:
            lost.append(path)
            return "lost"
        return None

    ada.server = between(fault)
    done = ada.nbgrader("submit", "ps1")
    assert done.code == 0, done.log
    assert len(of(store, "ada")) == 1


@pytest.mark.parametrize(("step", "arrives"), [("gather", 0), ("pack", 0), ("keep", 1)])
def test_an_interrupt_at_any_step_leaves_all_or_nothing(
    step: str, arrives: int, at_work: Any, store: BucketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = at_work("ada")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(submit, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            ada.nbgrader("submit", "ps1")
    assert len(of(store, "ada")) == arrives
    done = ada.nbgrader("list", "--cached")
    assert done.log.count("ada ps1") == arrives
    cache = ada.path(".jupyter", "nbgrader_cache", "teachkit")
    assert len(list(cache.glob("ada+ps1+*"))) == arrives


def test_two_hand_ins_at_once_are_two_hand_ins(at_work: Any, store: BucketStore) -> None:
    ada = at_work("ada")
    settings = {
        "CourseDirectory": {"course_id": "teachkit", "assignment_id": "ps1", "root": str(ada.home)},
        "Exchange": {"assignment_dir": str(ada.home), "cache": str(ada.path("cache")), "student": "ada"},
    }

    def hand_in(_: int) -> None:
        config = Config(settings)
        directory, authenticator = CourseDirectory(config=config), Authenticator(config=config)
        ExchangeSubmit(coursedir=directory, authenticator=authenticator, config=config).start()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(hand_in, range(2)))
    assert len({one.attempt.token for one in of(store, "ada")}) == 2
    copies = list(ada.path("cache", "teachkit").iterdir())
    assert {attempts.token_of(copy) for copy in copies} == {one.attempt.token for one in of(store, "ada")}


def test_the_clock_of_the_students_machine_counts_nothing(
    at_work: Any, teacher: Any, store: BucketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Slow":
            return cls(1999, 12, 31, tzinfo=tz or UTC)

    ada = at_work("ada")
    ada.path("ps1", "timestamp.txt").write_text("1999-12-31 00:00:00.000000 UTC")
    ada.path("ps1", "submission_secret.txt").write_text("0" * 32)
    monkeypatch.setattr(abc_exchange.datetime, "datetime", Slow)
    assert ada.nbgrader("submit", "ps1").code == 0
    monkeypatch.undo()
    assert teacher.nbgrader("collect", "ps1", "--update", "--student=ada").code == 0
    (one,) = of(store, "ada")
    folder = teacher.path("submitted", "ada", "ps1")
    assert (folder / "timestamp.txt").read_text() == f"{one.moment:%Y-%m-%d %H:%M:%S.%f} UTC"
    assert (folder / "submission_secret.txt").read_text() == one.attempt.token
    assert one.moment.year >= 2026


def test_links_hidden_and_huge_files_stay_at_home(at_work: Any, teacher: Any, store: BucketStore) -> None:
    ada = at_work("ada")
    folder = ada.path("ps1")
    (folder / "passwords").symlink_to("/etc/passwd")
    (folder / ".env").write_text("secret")
    (folder / "größe *+ [1].txt").write_text("kept")
    with (folder / "volume.npz").open("wb") as file:
        file.truncate(2 * 1024**3)
    done = ada.nbgrader("submit", "ps1")
    assert done.code == 0, done.log
    assert "'passwords' is a link and is left out" in done.log
    assert "'.env' is a hidden file" in done.log
    assert "'volume.npz' is left out: it is too large" in done.log
    assert of(store, "ada")[0].stored.size < 5000
    assert teacher.nbgrader("collect", "ps1", "--update", "--student=ada").code == 0
    collected = {path.name for path in teacher.path("submitted", "ada", "ps1").iterdir()}
    assert collected == {
        "problem.ipynb",
        "table.csv",
        "größe *+ [1].txt",
        "timestamp.txt",
        "submission_secret.txt",
    }


def test_one_broken_hand_in_is_named_and_the_older_one_taken(
    at_work: Any, teacher: Any, store: BucketStore
) -> None:
    ada, bob = at_work("ada"), at_work("bob")
    assert ada.nbgrader("submit", "ps1").code == 0
    assert bob.nbgrader("submit", "ps1").code == 0
    broken = names.Attempt("teachkit", "ada", "ps1", names.new_token())
    store.create(names.attempt(broken), b"not an archive")
    done = teacher.nbgrader("collect", "ps1", "--update")
    assert done.code == 0
    assert re.search(r"ada ps1 from .* cannot be opened and is skipped: The archive is damaged", done.log)
    good = of(store, "ada")[0].attempt.token
    assert teacher.path("submitted", "ada", "ps1", "submission_secret.txt").read_text() == good
    assert teacher.path("submitted", "bob", "ps1", "problem.ipynb").exists()


def test_a_full_disk_leaves_what_was_collected_before(
    at_work: Any, teacher: Any, store: BucketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = at_work("ada")
    assert ada.nbgrader("submit", "ps1").code == 0
    assert teacher.nbgrader("collect", "ps1", "--update", "--student=ada").code == 0
    stamp = teacher.path("submitted", "ada", "ps1", "timestamp.txt").read_text()
    assert ada.nbgrader("submit", "ps1").code == 0

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "submitted/ada/ps1")

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "unpack", full)
        done = teacher.nbgrader("collect", "ps1", "--update", "--student=ada")
    assert done.code == 1
    assert "could not read or write 'submitted/ada/ps1': No space left on device" in done.log
    assert teacher.path("submitted", "ada", "ps1", "timestamp.txt").read_text() == stamp
    assert [path.name for path in teacher.path("submitted", "ada").iterdir()] == ["ps1"]
    assert teacher.nbgrader("collect", "ps1", "--update", "--student=ada").code == 0
    assert teacher.path("submitted", "ada", "ps1", "timestamp.txt").read_text() > stamp


def test_an_interrupted_fetch_leaves_no_folder(
    teacher: Any, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from teachkit.course.exchange import fetch_assignment

    ada = person("ada")

    def interrupt(content: bytes, target: Path, _: object) -> None:
        (target / "half").write_text("")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fetch_assignment, "unpack", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ada.nbgrader("fetch_assignment", "ps1")
    assert sorted(path.name for path in ada.home.iterdir() if path.name != ".jupyter") == [
        "nbgrader_config.py"
    ]
    assert ada.nbgrader("fetch_assignment", "ps1").code == 0


def test_a_deleted_file_comes_back_and_own_work_stays(at_work: Any) -> None:
    ada = at_work("ada")
    ada.path("ps1", "table.csv").unlink()
    ada.path("ps1", "problem.ipynb").write_text("mine")
    assert ada.nbgrader("fetch_assignment", "ps1").code == 1
    assert ada.nbgrader("fetch_assignment", "ps1", "--replace").code == 0
    assert ada.path("ps1", "table.csv").read_text() == "a,b\n1,2\n"
    assert ada.path("ps1", "problem.ipynb").read_text() == "mine"
    assert not ada.path("ps1", ".fetched").exists()


def test_a_missing_notebook_is_told_and_stops_a_strict_hand_in(at_work: Any, store: BucketStore) -> None:
    ada = at_work("ada")
    ada.path("ps1", "problem.ipynb").rename(ada.path("ps1", "my copy.ipynb"))
    done = ada.nbgrader("submit", "ps1", "--strict")
    assert done.code == 1
    assert "problem.ipynb: MISSING" in done.log
    assert of(store, "ada") == []
    done = ada.nbgrader("submit", "ps1")
    assert done.code == 0
    assert "my copy.ipynb: EXTRA" in done.log


def test_a_course_does_not_see_another_course_of_the_same_bucket(at_work: Any, store: BucketStore) -> None:
    ada = at_work("ada")
    assert "teachkit ps1" in ada.nbgrader("list").log
    assert "ps1" not in ada.nbgrader("list", "--course=other").log
    done = ada.nbgrader("submit", "ps1", "--course=other")
    assert done.code == 1
    assert "is not released in other" in done.log
    assert store.list("other/") == []
