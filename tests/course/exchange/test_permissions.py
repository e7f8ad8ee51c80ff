"""Who may do what: a server that grants what the roster says, and names that are not one's own."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from teachkit.cloud import BucketStore
from teachkit.course.access import grants, permits
from teachkit.course.exchange import names
from teachkit.course.roster import Entry, Roster

Fault = Callable[[str, str, bytes], object]
Between = Callable[[Fault], str]
HandedIn = Callable[[str], list[Any]]
Ready = Callable[..., Any]
ROSTER = Roster((Entry("ada", "ada@example.org"), Entry("bob", "bob@example.org")))


def guard(who: str, bucket: str, seen: list[str]) -> Fault:
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
    ready: Ready,
    between: Between,
    bucket: str,
    handed_in: HandedIn,
) -> None:
    seen: list[str] = []
    ada = ready("ada", between(guard("user:ada@example.org", bucket, seen)))
    for command in (
        ["list"],
        ["submit", "ps1"],
        ["list", "--cached"],
        ["list", "--inbound"],
        ["fetch_feedback", "ps1"],
    ):
        done = ada.nbgrader(*command)
        assert done.code == 0, done.log
    assert len(handed_in("ada")) == 1
    foreign = [one for one in seen if "/outbound/" not in one and "/ada/" not in one]
    assert foreign == []


@pytest.mark.parametrize("command", [("submit", "ps1"), ("list", "--cached"), ("fetch_feedback", "ps1")])
def test_a_forged_name_meets_a_closed_folder(
    command: tuple[str, ...],
    ready: Ready,
    between: Between,
    bucket: str,
    store: BucketStore,
) -> None:
    seen: list[str] = []
    bob = ready("bob", between(guard("user:bob@example.org", bucket, seen)))
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
    student: str, complaint: str, ready: Ready, handed_in: HandedIn
) -> None:
    ada = ready("ada")
    ada.student = student
    done = ada.nbgrader("submit", "ps1")
    assert done.code == 1
    assert complaint in done.log
    assert handed_in("ada") == []


def test_a_course_does_not_see_another_course_of_the_same_bucket(ready: Ready, store: BucketStore) -> None:
    ada = ready("ada")
    assert "teachkit ps1" in ada.nbgrader("list").log
    assert "ps1" not in ada.nbgrader("list", "--course=other").log
    done = ada.nbgrader("submit", "ps1", "--course=other")
    assert done.code == 1
    assert "is not released in other" in done.log
    assert store.list("other/") == []


def test_the_account_of_a_grader_is_enough_for_all_that_instructors_do(
    teacher: Any, ready: Ready, between: Between, bucket: str
) -> None:
    assert ready("ada").nbgrader("submit", "ps1").code == 0
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teacher, "server", between(guard("user:teacher@example.org", bucket, seen)))
        for command in (
            ["release_assignment", "ps1", "--force"],
            ["list", "--inbound"],
            ["collect", "ps1"],
            ["release_feedback", "ps1"],
            ["list", "--remove", "ps1"],
            ["release_assignment", "ps1"],
        ):
            done = teacher.nbgrader(*command)
            assert done.code == 0, done.log
    assert all(" term/teachkit/" in one for one in seen)


@pytest.mark.parametrize(
    "command",
    [("release_assignment", "ps1"), ("list", "--inbound"), ("collect", "ps1"), ("list",)],
)
def test_the_grader_of_one_course_cannot_touch_another_one(
    command: tuple[str, ...], teacher: Any, between: Between, bucket: str, store: BucketStore
) -> None:
    before = store.list("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teacher, "server", between(guard("user:teacher@example.org", bucket, [])))
        done = teacher.nbgrader(*command, "--course=other")
    assert done.code == 1
    assert "Your account may not do this" in done.log
    assert store.list("") == before


@pytest.mark.parametrize(
    "name",
    [
        "teachkit/inbound/bob/ada/ps1/{token}.tar.gz",
        "teachkit/inbound/bob/ps1/ada+{token}.tar.gz",
        "teachkit/inbound/bob/%61da/ps1/{token}.tar.gz",
        "teachkit/inbound/*/ps1/{token}.tar.gz",
        "teachkit/inbound/jupyter/ps1/{token}.tar.gz",
    ],
)
def test_an_object_with_an_odd_name_is_nobodys_hand_in(
    name: str, teacher: Any, store: BucketStore, handed_in: HandedIn
) -> None:
    before = {who: len(handed_in(who)) for who in ("ada", "bob")}
    odd = name.format(token=names.new_token())
    store.create(odd, b"whatever")
    assert {who: len(handed_in(who)) for who in before} == before
    done = teacher.nbgrader("collect", "ps1", "--update")
    assert done.code == 0
    assert "cannot be opened" not in done.log
    store.delete(odd)
