"""What goes wrong at the desks: interrupts, clocks, odd and huge files, full disks. All or nothing."""

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

from teachkit.cloud import BucketStore
from teachkit.course.exchange import archive, attempts, fetch_assignment, names, submit
from teachkit.course.exchange.submit import ExchangeSubmit

HandedIn = Callable[[str], list[Any]]
Ready = Callable[..., Any]


@pytest.mark.parametrize(
    ("step", "arrives"), [("gather", 0), ("pack", 0), ("before", 0), ("after", 1), ("keep", 1)]
)
def test_an_interrupt_at_any_step_leaves_all_or_nothing(
    step: str, arrives: int, ready: Ready, handed_in: HandedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, create = ready("ada"), BucketStore.create

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def create_and_interrupt(*arguments: Any) -> None:
        create(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if step in {"before", "after"}:
            patch.setattr(BucketStore, "create", interrupt if step == "before" else create_and_interrupt)
        else:
            patch.setattr(submit, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            ada.nbgrader("submit", "ps1")
    assert len(handed_in("ada")) == arrives
    done = ada.nbgrader("list", "--cached")
    assert done.log.count("ada ps1") == arrives
    cache = ada.path(".jupyter", "nbgrader_cache", "teachkit")
    assert len(list(cache.glob("ada+ps1+*"))) == arrives


def test_two_hand_ins_at_once_are_two_hand_ins(ready: Ready, handed_in: HandedIn) -> None:
    ada = ready("ada")
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
    assert len({one.attempt.token for one in handed_in("ada")}) == 2
    copies = list(ada.path("cache", "teachkit").iterdir())
    assert {attempts.token_of(copy) for copy in copies} == {one.attempt.token for one in handed_in("ada")}


def test_the_clock_of_the_students_machine_counts_nothing(
    ready: Ready, teacher: Any, handed_in: HandedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Slow":
            return cls(1999, 12, 31, tzinfo=tz or UTC)

    ada = ready("ada")
    ada.path("ps1", "timestamp.txt").write_text("1999-12-31 00:00:00.000000 UTC")
    ada.path("ps1", "submission_secret.txt").write_text("0" * 32)
    monkeypatch.setattr(abc_exchange.datetime, "datetime", Slow)
    assert ada.nbgrader("submit", "ps1").code == 0
    monkeypatch.undo()
    assert teacher.nbgrader("collect", "ps1", "--update", "--student=ada").code == 0
    (one,) = handed_in("ada")
    folder = teacher.path("submitted", "ada", "ps1")
    assert (folder / "timestamp.txt").read_text() == f"{one.moment:%Y-%m-%d %H:%M:%S.%f} UTC"
    assert (folder / "submission_secret.txt").read_text() == one.attempt.token
    assert one.moment.year >= 2026


def test_links_hidden_and_huge_files_stay_at_home(ready: Ready, teacher: Any, handed_in: HandedIn) -> None:
    ada = ready("ada")
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
    assert handed_in("ada")[0].stored.size < 5000
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
    ready: Ready, teacher: Any, store: BucketStore, handed_in: HandedIn
) -> None:
    ada, bob = ready("ada"), ready("bob")
    assert ada.nbgrader("submit", "ps1").code == 0
    assert bob.nbgrader("submit", "ps1").code == 0
    broken = names.Attempt("teachkit", "ada", "ps1", names.new_token())
    store.create(names.attempt(broken), b"not an archive")
    done = teacher.nbgrader("collect", "ps1", "--update")
    assert done.code == 0
    assert re.search(r"ada ps1 from .* cannot be opened and is skipped: The archive is damaged", done.log)
    good = handed_in("ada")[0].attempt.token
    assert teacher.path("submitted", "ada", "ps1", "submission_secret.txt").read_text() == good
    assert teacher.path("submitted", "bob", "ps1", "problem.ipynb").exists()


def test_a_huge_hand_in_is_not_even_downloaded(
    ready: Ready, teacher: Any, store: BucketStore, handed_in: HandedIn, between: Callable[..., str]
) -> None:
    ada = ready("ada")
    assert ada.nbgrader("submit", "ps1").code == 0
    huge = names.Attempt("teachkit", "ada", "ps1", names.new_token())
    store.create(names.attempt(huge), bytes(20_000))
    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teacher, "server", between(lambda _, path, __: asked.append(path)))
        done = teacher.nbgrader("collect", "ps1", "--update", "--CourseDirectory.max_dir_size=10")
    assert done.code == 0
    assert re.search(r"ada ps1 from .* is skipped: It has 20,000 bytes", done.log)
    assert not [path for path in asked if huge.token in path and "/download" in path]
    good = handed_in("ada")[0].attempt.token
    assert teacher.path("submitted", "ada", "ps1", "submission_secret.txt").read_text() == good


def test_a_large_hand_in_goes_up_in_parts_and_arrives_whole(
    ready: Ready, teacher: Any, handed_in: HandedIn
) -> None:
    ada, weights = ready("ada"), os.urandom(12 * 2**20)  # above 8 MiB an upload is sent in parts
    ada.path("ps1", "weights.bin").write_bytes(weights)
    assert ada.nbgrader("submit", "ps1").code == 0
    assert handed_in("ada")[0].stored.size > len(weights)
    assert teacher.nbgrader("collect", "ps1", "--update", "--student=ada").code == 0
    assert teacher.path("submitted", "ada", "ps1", "weights.bin").read_bytes() == weights


def test_a_full_disk_leaves_what_was_collected_before(
    ready: Ready, teacher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = ready("ada")
    assert ada.nbgrader("submit", "ps1").code == 0
    assert teacher.nbgrader("collect", "ps1", "--update", "--student=ada").code == 0
    stamp = teacher.path("submitted", "ada", "ps1", "timestamp.txt").read_text()
    assert ada.nbgrader("submit", "ps1").code == 0

    unpack = archive.unpack

    def full(*arguments: Any) -> None:
        assert unpack(*arguments)  # some of it is on the disk before the disk is full
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
    teacher: Any, person: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_deleted_file_comes_back_and_own_work_stays(ready: Ready) -> None:
    ada = ready("ada")
    ada.path("ps1", "table.csv").unlink()
    ada.path("ps1", "problem.ipynb").write_text("mine")
    assert ada.nbgrader("fetch_assignment", "ps1").code == 1
    assert ada.nbgrader("fetch_assignment", "ps1", "--replace").code == 0
    assert ada.path("ps1", "table.csv").read_text() == "a,b\n1,2\n"
    assert ada.path("ps1", "problem.ipynb").read_text() == "mine"
    assert not ada.path("ps1", ".fetched").exists()


def test_a_missing_notebook_is_told_and_stops_a_strict_hand_in(ready: Ready, handed_in: HandedIn) -> None:
    ada = ready("ada")
    ada.path("ps1", "problem.ipynb").rename(ada.path("ps1", "my copy.ipynb"))
    done = ada.nbgrader("submit", "ps1", "--strict")
    assert done.code == 1
    assert "problem.ipynb: MISSING" in done.log
    assert handed_in("ada") == []
    done = ada.nbgrader("submit", "ps1")
    assert done.code == 0
    assert "my copy.ipynb: EXTRA" in done.log


@pytest.mark.parametrize("name", ["größe *+ [1]", "..a", "50% & more"])
def test_feedback_on_a_notebook_with_an_odd_name_comes_back_under_that_name(
    name: str, ready: Ready, teacher: Any, handed_in: HandedIn
) -> None:
    ada = ready("ada")
    ada.path("ps1", "problem.ipynb").rename(ada.path("ps1", f"{name.lstrip('.')}.ipynb"))
    assert ada.nbgrader("submit", "ps1").code == 0
    (one,) = handed_in("ada")
    folder = teacher.path("feedback", "ada", "ps1")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "submission_secret.txt").write_text(one.attempt.token)
    (folder / "timestamp.txt").write_text("2026-01-01 00:00:00.000000 UTC")
    (folder / f"{name}.html").write_text("well done")
    assert teacher.nbgrader("release_feedback", "ps1").code == 0
    assert ada.nbgrader("fetch_feedback", "ps1").code == 0
    (page,) = ada.path("ps1", "feedback").rglob("*.html")
    assert page.name == f"{name}.html"
    (folder / f"{name}.html").unlink()
