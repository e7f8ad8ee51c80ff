"""The version of the course, and the box for code of others."""

import shutil
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from teachkit.ops.doctor import course as doctor_course
from teachkit.ops.doctor import sandbox
from teachkit.ops.doctor.course import course_check
from teachkit.ops.doctor.sandbox import sandbox_check


def test_lessons_and_package_of_this_course_agree(root: Path) -> None:
    assert course_check(root).state == "ok"
    assert course_check(None).state == "note"


@pytest.fixture
def students_copy(root: Path, tmp_path: Path) -> Path:
    """A course with a wheel of two files beside its lessons."""
    (tmp_path / "notebooks").mkdir()
    shutil.copy(root / "notebooks" / "course.toml", tmp_path / "notebooks")
    (tmp_path / "wheel").mkdir()
    record = "teachkit/__init__.py,sha256=aa,1\nteachkit/data.py,sha256=bb,1\n"
    with zipfile.ZipFile(tmp_path / "wheel" / "teachkit-0.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("teachkit-0.1.0.dist-info/RECORD", record + "teachkit-0.1.0.dist-info/METADATA,,\n")
    return tmp_path


@pytest.mark.parametrize(
    ("here", "state", "said"),
    [
        ({"teachkit/__init__.py": "sha256=aa", "teachkit/data.py": "sha256=bb"}, "ok", "with teachkit"),
        (
            {"teachkit/__init__.py": "sha256=aa", "teachkit/data.py": "sha256=cc"},
            "problem",
            "differing files: 1.",
        ),
        ({"teachkit/__init__.py": "sha256=aa"}, "problem", "differing files: 1."),
        ({}, "note", "from its source, not from teachkit-0.1.0-py3-none-any.whl"),
    ],
    ids=range(4),
)
def test_the_installed_package_is_compared_with_the_wheel_of_the_lessons(
    students_copy: Path, monkeypatch: pytest.MonkeyPatch, here: dict[str, str], state: str, said: str
) -> None:
    monkeypatch.setattr(doctor_course, "installed_files", lambda: here)
    check = course_check(students_copy)
    assert check.state == state
    assert said in check.found
    assert bool(check.remedy) == (state != "ok")


def test_an_installed_wheel_has_the_files_that_the_wheel_lists(
    students_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (wheel,) = (students_copy / "wheel").iterdir()
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    info = site / "teachkit-0.1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: teachkit\nVersion: 0.1.0\n")
    for file in doctor_course.files_of_wheel(wheel):  # of files that are gone nothing is listed
        (site / file).parent.mkdir(exist_ok=True)
        (site / file).touch()
    monkeypatch.setattr(doctor_course, "distribution", lambda name: PathDistribution(info))
    assert doctor_course.installed_files() == doctor_course.files_of_wheel(wheel)
    assert len(doctor_course.installed_files()) == 2


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
