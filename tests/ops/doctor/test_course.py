"""Version and data of the course, and the box for code of others."""

from pathlib import Path

import pytest

from teachkit.errors import SettingsError
from teachkit.ops.doctor import sandbox
from teachkit.ops.doctor.course import course_check, data_check
from teachkit.ops.doctor.sandbox import sandbox_check


@pytest.fixture(autouse=True)
def no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEACHKIT_DATA", "TEACHKIT_BUCKET", "TEACHKIT_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


def test_lessons_and_package_of_this_course_agree(root: Path) -> None:
    assert course_check(root).state == "ok"
    assert course_check(None).state == "note"


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


@pytest.mark.parametrize(
    ("reason", "unboxed", "grades", "state"),
    [
        ("", "", True, "ok"),
        ("No bwrap.", "", True, "problem"),
        ("No bwrap.", "", False, "note"),
        ("No bwrap.", "1", True, "note"),
    ],
    ids=range(4),
)
def test_who_grades_needs_a_box(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, unboxed: str, grades: bool, state: str
) -> None:
    monkeypatch.setattr(sandbox, "missing", lambda: reason)
    monkeypatch.setenv("TEACHKIT_UNBOXED", unboxed)
    if grades:
        (tmp_path / "quizzes" / "source").mkdir(parents=True)
    check = sandbox_check(tmp_path)
    assert check.state == state
    assert reason in check.found
    assert bool(check.remedy) == (state != "ok")
