"""A lesson counts as unchanged only when nothing that could show in it has changed."""

from pathlib import Path

import pytest

from teachkit.course import fingerprint
from teachkit.course.declaration import Course, read_course
from teachkit.course.fingerprint import lesson_fingerprint


@pytest.fixture
def course(make_course, isolated: Path) -> Course:
    made = make_course(("t1", "good"))
    (made.root / "requirements.lock").write_text("numpy==2\n")
    return made


def fingerprint_of(course: Course, **changes) -> str:
    settings = {"size": "smoke", "seed": 0, "core_only": False} | changes
    return lesson_fingerprint(course, course.lessons[0], **settings)


@pytest.mark.parametrize("change", [{"size": "class"}, {"seed": 1}, {"core_only": True}])
def test_settings_count(course: Course, change: dict) -> None:
    assert fingerprint_of(course) == fingerprint_of(course)
    assert fingerprint_of(course, **change) != fingerprint_of(course)


@pytest.mark.parametrize("name", ["notebooks/good.ipynb", "requirements.lock"])
def test_notebook_and_lock_count(course: Course, name: str) -> None:
    before = fingerprint_of(course)
    path = course.root / name
    path.write_text(path.read_text() + "\n")
    assert fingerprint_of(course) != before


def test_the_lessons_own_table_counts(course: Course) -> None:
    before = fingerprint_of(course)
    path = course.notebooks / "course.toml"
    path.write_text(path.read_text().replace("see a number", "see two numbers"))
    assert fingerprint_of(read_course(course.root)) != before


def test_source_and_every_file_of_a_data_folder_count(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {fingerprint_of(course)}
    monkeypatch.setenv("TEACHKIT_OFFLINE", "1")
    seen.add(fingerprint_of(course))
    monkeypatch.delenv("TEACHKIT_OFFLINE")
    folder = tmp_path / "data" / "medmnist"
    folder.mkdir(parents=True)
    monkeypatch.setenv("TEACHKIT_DATA", str(folder.parent))
    seen.add(fingerprint_of(course))
    (folder / "pneumoniamnist.npz").write_bytes(b"1")
    seen.add(fingerprint_of(course))
    (folder / "pneumoniamnist.npz").write_bytes(b"12")
    seen.add(fingerprint_of(course))
    assert len(seen) == 5


def test_package_source_counts_but_not_what_lessons_cannot_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "PACKAGE", tmp_path)
    (tmp_path / "data").mkdir()
    before = fingerprint.package_hash()
    for unseen in ("cli", "ops", "leaderboard"):
        (tmp_path / unseen).mkdir()
        (tmp_path / unseen / "main.py").write_text("1")
    assert fingerprint.package_hash() == before
    (tmp_path / "data" / "loading.py").write_text("1")
    after = fingerprint.package_hash()
    assert after != before
    (tmp_path / "data" / "loading.py").rename(tmp_path / "data" / "renamed.py")
    assert fingerprint.package_hash() != after
