"""The source of data serves every lesson, or the lessons without data are named."""

from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from teachkit.errors import SettingsError
from teachkit.ops.doctor import data
from teachkit.ops.doctor.data import data_check


@pytest.fixture(autouse=True)
def no_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable chooses a source, and nothing has been fetched yet."""
    for name in ("TEACHKIT_DATA", "TEACHKIT_BUCKET", "TEACHKIT_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEACHKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], list[str]]:
    """`asked(True)` lets all hosts answer, `asked(False)` none; gives the list of those asked."""

    def start(answers: bool) -> list[str]:
        hosts: list[str] = []

        def head(url: str, timeout: float) -> None:
            hosts.append(url)
            if not answers:
                raise requests.ConnectionError("no route")

        monkeypatch.setattr(requests, "head", head)
        return hosts

    return start


def test_every_lesson_has_data_offline(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHKIT_OFFLINE", "1")
    check = data_check(root)
    assert check.state == "ok"
    assert check.found == "Data come from: TEACHKIT_OFFLINE=1 (embedded sets only). It serves all 9 lessons."


def test_lessons_without_data_are_named(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (root / "notebooks" / "course.toml").read_text()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "course.toml").write_text(
        text.replace('data = ["digits"]', 'data = ["pathmnist"]')
    )
    monkeypatch.setenv("TEACHKIT_OFFLINE", "1")
    check = data_check(tmp_path)
    assert check.state == "problem"
    assert check.details["lessons_without"] == ["00"]
    assert "too little for lessons 00." in check.found


def test_two_sources_at_once_are_refused_as_everywhere(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHKIT_OFFLINE", "1")
    monkeypatch.setenv("TEACHKIT_DATA", "/tmp")
    with pytest.raises(SettingsError, match="set at once"):
        data_check(root)


def test_public_hosts_that_answer_are_well(root: Path, asked: Callable[[bool], list[str]]) -> None:
    hosts = asked(True)
    check = data_check(root)
    assert check.state == "ok"
    assert "pathmnist" in check.details["to_fetch"]
    assert "first needed: 5; hosts, which answer: storage.googleapis.com, zenodo.org." in check.found
    assert hosts == ["https://storage.googleapis.com", "https://zenodo.org"]


def test_without_a_network_the_lessons_that_would_fetch_are_named(
    root: Path, asked: Callable[[bool], list[str]]
) -> None:
    asked(False)
    check = data_check(root)
    assert check.state == "problem"
    assert "No answer from storage.googleapis.com, zenodo.org; lessons 01, 02, " in check.found
    assert "lessons 00" not in check.found
    assert "TEACHKIT_OFFLINE=1" in check.remedy


def test_a_bucket_that_was_silent_is_not_asked_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHKIT_BUCKET", "gs://class")
    monkeypatch.setattr(data, "within", lambda *_: pytest.fail("asked again"))
    check = data_check(root, silent=True)
    assert check.state == "problem"
    assert check.found == "Data come from: bucket gs://class. What it holds could not be seen."


def test_what_was_fetched_before_needs_no_host(
    root: Path, asked: Callable[[bool], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = asked(False)
    monkeypatch.setattr(data, "_to_fetch", lambda names: {})
    assert data_check(root).found.endswith("All sets of the lessons are on this machine.")
    assert hosts == []


def test_a_set_in_the_cache_is_not_fetched_again(root: Path, tmp_path: Path) -> None:
    before = data._to_fetch(["pathmnist", "digits", "breastmnist"])
    assert set(before) == {"pathmnist", "breastmnist"}
    cached = tmp_path / "cache" / "public" / "breastmnist.npz"
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert set(data._to_fetch(["pathmnist", "digits", "breastmnist"])) == {"pathmnist"}


def test_a_public_bucket_is_served_by_google() -> None:
    assert data._host("gs://some-bucket/a.npz") == "storage.googleapis.com"
