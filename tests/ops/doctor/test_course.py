"""The version of the course, and the box for code of others."""

from pathlib import Path

import pytest

from teachkit.ops.doctor import sandbox
from teachkit.ops.doctor.course import course_check
from teachkit.ops.doctor.sandbox import sandbox_check


def test_lessons_and_package_of_this_course_agree(root: Path) -> None:
    assert course_check(root).state == "ok"
    assert course_check(None).state == "note"


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
