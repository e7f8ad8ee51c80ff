"""A line that is cut, a server that is busy or refuses: one sentence says it, and nothing is half-done."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from teachkit.cloud import BucketStore, Stored, bucket_store
from teachkit.course.exchange import names
from teachkit.course.exchange.names import FeedbackPage

Fault = Callable[[str, str, bytes], object]
Between = Callable[[Fault], str]
HandedIn = Callable[[str], list[Any]]
Ready = Callable[..., Any]
STUDENTS = [
    ("list",),
    ("fetch_assignment", "ps1", "--replace"),
    ("submit", "ps1"),
    ("list", "--cached"),
    ("fetch_feedback", "ps1"),
]
TEACHERS = [
    ("list", "--inbound"),
    ("list", "--remove"),
    ("release_assignment", "ps1", "--force"),
    ("collect", "ps1", "--update"),
    ("release_feedback", "ps1"),
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up at once instead of after fifteen seconds."""
    monkeypatch.setattr(bucket_store, "PATIENCE_S", 0.3)


def once(fault: object, what: str, number: int = 1) -> Fault:
    """The `number`-th request whose path begins with `what` meets `fault`; all others pass."""
    seen: list[str] = []

    def strike(_: str, path: str, __: bytes) -> object:
        if not path.startswith(what):
            return None
        seen.append(path)
        return fault if len(seen) == number else None

    return strike


def always(fault: object, what: str = "") -> Fault:
    """Every request whose path begins with `what` meets `fault`."""
    return lambda _, path, __: fault if path.startswith(what) else None


def files(home: Path) -> dict[str, bytes]:
    """What lies in a person's folder, but for Jupyter's own files."""
    found = [path for path in home.rglob("*") if path.is_file() and path.name != "migrated"]
    return {str(path.relative_to(home)): path.read_bytes() for path in found}


@pytest.fixture
def graded(teacher: Any, ready: Ready, handed_in: HandedIn) -> Any:
    """The instructor, with hand-ins of ada and bob and two pages of feedback for ada's, which wait here."""
    for student in ("ada", "bob"):
        assert ready(student).nbgrader("submit", "ps1").code == 0
    (one,) = handed_in("ada")
    folder = teacher.path("feedback", "ada", "ps1")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "submission_secret.txt").write_text(one.attempt.token)
    (folder / "timestamp.txt").write_text("2026-01-01 00:00:00.000000 UTC")
    for page in ("first", "second"):
        (folder / f"{page}.html").write_text(page)
    return teacher


@pytest.mark.parametrize("verb", STUDENTS + TEACHERS, ids=" ".join)
def test_every_verb_says_what_is_wrong_and_changes_nothing(
    verb: tuple[str, ...],
    graded: Any,
    ready: Ready,
    between: Between,
    store: BucketStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    who = ready("cleo") if verb in STUDENTS else graded
    inside, here = store.list(""), files(who.home)
    for fault, complaint in {
        403: "Your account may not do this",
        404: "",  # an object that is missing, and a bucket that is missing
        429: "too many requests. Wait a minute",
        503: "No answer from gs://",
        "cut": "No answer from gs://",
    }.items():
        monkeypatch.setattr(who, "server", between(always(fault)))
        done = who.nbgrader(*verb)
        assert done.code == 1, (fault, done.log)
        assert complaint in done.log
        assert "Traceback" not in done.log
        assert store.list("") == inside
        assert files(who.home) == here


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
    fault: object,
    complaint: str,
    ready: Ready,
    between: Between,
    handed_in: HandedIn,
) -> None:
    ada = ready("ada")
    ada.server = between(lambda _, path, __: fault if path.startswith("/upload") else None)
    done = ada.nbgrader("submit", "ps1")
    assert done.code == 1
    assert complaint in done.log
    assert handed_in("ada") == []
    assert not ada.path(".jupyter", "nbgrader_cache").exists()


@pytest.mark.parametrize("status", [403, 404, 412])
def test_a_final_refusal_is_not_asked_again(status: int, ready: Ready, between: Between) -> None:
    ada = ready("ada")
    tries: list[str] = []

    def refuse(_: str, path: str, __: bytes) -> object:
        tries.extend([path] * path.startswith("/upload"))
        return status if path.startswith("/upload") else None

    ada.server = between(refuse)
    assert ada.nbgrader("submit", "ps1").code == 1
    assert len(tries) == 1


@pytest.mark.parametrize("fault", ["cut", "lost", 429, 503])
@pytest.mark.parametrize(
    "verb", [("submit", "ps1"), ("release_assignment", "ps2"), ("release_feedback", "ps1")]
)
def test_a_write_that_fails_once_is_repeated_and_done_once(
    verb: tuple[str, ...],
    fault: object,
    graded: Any,
    ready: Ready,
    between: Between,
    store: BucketStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bucket_store, "PATIENCE_S", 30.0)
    store.delete(names.release("teachkit", "ps2"))
    graded.path("release", "ps2").mkdir(exist_ok=True)
    graded.path("release", "ps2", "problem.ipynb").write_text("{}")
    who = ready("cleo") if verb[0] == "submit" else graded
    before = {one.name for one in store.list("")}
    monkeypatch.setattr(who, "server", between(once(fault, "/upload")))
    done = who.nbgrader(*verb)
    assert done.code == 0, done.log
    new = {one.name for one in store.list("")} - before
    assert len(new) == (2 if verb[0] == "release_feedback" else 1)


@pytest.mark.parametrize(
    ("fault", "times", "code"), [("cut", 1, 0), ("lost", 1, 0), (503, 1, 0), ("cut", 99, 1)]
)
def test_a_large_hand_in_over_a_bad_line_arrives_whole_or_not_at_all(
    fault: object,
    times: int,
    code: int,
    ready: Ready,
    between: Between,
    handed_in: HandedIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # After a lost reply such an upload cannot be repeated; when patience ends, we look whether it is there.
    monkeypatch.setattr(bucket_store, "PATIENCE_S", 2.0 if code or fault == "lost" else 30.0)
    ada = ready("ada")
    ada.path("ps1", "weights.bin").write_bytes(os.urandom(12 * 2**20))  # so large that it is sent in parts
    struck: list[str] = []

    def strike(method: str, path: str, _: bytes) -> object:
        if method == "PUT" and len(struck) < times:
            struck.append(path)
            return fault
        return None

    ada.server = between(strike)
    done = ada.nbgrader("submit", "ps1")
    assert done.code == code, done.log
    assert struck
    assert [one.stored.size > 12 * 2**20 for one in handed_in("ada")] == ([] if code else [True])


def test_feedback_that_is_cut_off_is_whole_pages_and_a_second_run_brings_the_rest(
    graded: Any,
    between: Between,
    store: BucketStore,
    handed_in: HandedIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (one,) = handed_in("ada")
    seen: list[str] = []

    def pages() -> list[Stored]:
        every = store.list(names.feedback("teachkit", "ada", "ps1"))
        return [page for page in every if one.attempt.token in page.name]

    def cut(_: str, path: str, __: bytes) -> object:
        seen.extend([path] * path.startswith("/upload"))
        return "cut" if len(seen) > 1 else None

    monkeypatch.setattr(graded, "server", between(cut))
    assert graded.nbgrader("release_feedback", "ps1").code == 1
    assert [store.read(page.name) for page in pages()] == [b"first"]
    monkeypatch.setattr(graded, "server", "")
    assert graded.nbgrader("release_feedback", "ps1").code == 0
    assert [store.read(page.name) for page in pages()] == [b"first", b"second"]


@pytest.mark.parametrize("fault", ["cut", "half"])
def test_a_download_that_breaks_off_leaves_the_students_before_and_a_second_run_brings_the_rest(
    fault: str, graded: Any, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    for student in ("ada", "bob"):
        folder = graded.path("submitted", student)
        if folder.exists():
            folder.rename(graded.path(f"old-{student}-{fault}"))
    bobs = lambda _, path, __: fault if "/download" in path and "/bob/" in path else None  # noqa: E731
    monkeypatch.setattr(graded, "server", between(bobs))
    done = graded.nbgrader("collect", "ps1", "--update")
    assert done.code == 1
    assert "Traceback" not in done.log
    assert graded.path("submitted", "ada", "ps1", "problem.ipynb").exists()
    assert not any(path.is_file() for path in graded.path("submitted", "bob").rglob("*"))
    monkeypatch.setattr(graded, "server", "")
    assert graded.nbgrader("collect", "ps1", "--update").code == 0
    assert graded.path("submitted", "bob", "ps1", "problem.ipynb").exists()


@pytest.mark.parametrize("fault", ["cut", "half"])
def test_a_release_or_feedback_that_breaks_off_leaves_nothing_half_written(
    fault: str,
    ready: Ready,
    between: Between,
    store: BucketStore,
    handed_in: HandedIn,
) -> None:
    ada = ready("ada")
    assert ada.nbgrader("submit", "ps1").code == 0
    (one,) = handed_in("ada")
    store.replace(names.feedback_page(FeedbackPage(one.attempt, "problem")), b"well done")
    ada.path("ps1").rename(ada.path("mine"))
    here = files(ada.home)
    ada.server = between(always(fault, "/download"))
    assert ada.nbgrader("fetch_assignment", "ps1").code == 1
    assert ada.nbgrader("fetch_feedback", "ps1").code == 1
    assert files(ada.home) == here
    ada.server = ""
    assert ada.nbgrader("fetch_assignment", "ps1").code == 0
    assert ada.nbgrader("fetch_feedback", "ps1").code == 0
    (page,) = ada.path("ps1", "feedback").rglob("*.html")
    assert page.read_text() == "well done"


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "arrives"), [("cut", 0), ("lost", 1)])
def test_a_machine_that_dies_while_sending_leaves_all_or_nothing(
    fault: str,
    arrives: int,
    ready: Ready,
    between: Between,
    handed_in: HandedIn,
) -> None:
    ada = ready("ada")
    running: list[subprocess.Popen[bytes]] = []

    def die(_: str, path: str, __: bytes) -> object:
        if not path.startswith("/upload"):
            return None
        running[0].kill()
        running[0].wait()
        return fault

    ada.server = between(die)
    running.append(ada.process("nbgrader", "submit", "ps1"))
    assert running[0].wait(timeout=300) == -signal.SIGKILL
    # The request reaches the server after the sender is gone, as it may on a real line.
    deadline = time.monotonic() + 60
    while len(handed_in("ada")) < arrives and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(handed_in("ada")) == arrives
    ada.server = ""
    assert ada.nbgrader("list", "--cached").log.count("ada ps1") == arrives
    assert ada.nbgrader("submit", "ps1").code == 0
    assert len(handed_in("ada")) == arrives + 1
