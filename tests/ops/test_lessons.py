"""A clone of the course takes corrections, keeps own work, and puts lessons back."""

import json
import subprocess
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_notebook

from teachkit.cli.main import command
from teachkit.errors import FormatError, SettingsError, UnknownNameError
from teachkit.ops.git import git
from teachkit.ops.lessons import reset, update

LESSON = "notebooks/01_classification.ipynb"


def notebook(path: Path, **sources: str) -> None:
    cells = [new_code_cell(source, id=identifier) for identifier, source in sources.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)


def sources(path: Path) -> dict[str, str]:
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


@pytest.fixture
def course(root: Path, tmp_path: Path) -> Path:
    """A published course of one lesson."""
    folder = tmp_path / "published"
    notebook(folder / LESSON, a="1", b="2")
    (folder / "notebooks" / "course.toml").write_text((root / "notebooks" / "course.toml").read_text())
    (folder / "docs").mkdir()
    (folder / "docs" / "students.md").write_text("old\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "first")
    return folder


@pytest.fixture
def clone(course: Path, tmp_path: Path) -> Path:
    """A student's clone of it."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", course, folder], check=True)
    return folder


def correct(course: Path) -> None:
    """Publish a correction of one cell, a new file and a changed page."""
    notebook(course / LESSON, a="1 corrected", b="2")
    notebook(course / "notebooks" / "09_more.ipynb", z="26")
    (course / "docs" / "students.md").write_text("new\n")
    commit(course, "corrections")


def test_corrections_come_in_and_own_answers_stay(course: Path, clone: Path) -> None:
    notebook(clone / LESSON, a="1", own="hello", b="my answer")
    correct(course)
    said = " ".join(map(str, update(clone)))
    assert sources(clone / LESSON) == {"a": "1 corrected", "own": "hello", "b": "my answer"}
    assert (clone / "notebooks" / "09_more.ipynb").exists()
    assert (clone / "docs" / "students.md").read_text() == "new\n"
    assert f"{LESSON}: 1 cells corrected, 2 of your own kept." in said
    assert "docs/students.md: corrected" in said


def test_what_was_merged_is_kept_as_it_was(course: Path, clone: Path) -> None:
    notebook(clone / LESSON, a="1", b="my answer")
    before = (clone / LESSON).read_bytes()
    correct(course)
    update(clone)
    assert [path.read_bytes() for path in clone.glob(f"yours/*/{LESSON}")] == [before]


def test_a_second_update_finds_nothing_new_and_later_ones_go_on(course: Path, clone: Path) -> None:
    notebook(clone / LESSON, a="1", b="my answer")
    correct(course)
    assert update(clone)
    assert update(clone) == []
    notebook(course / LESSON, a="1 corrected twice", b="2")
    commit(course, "again")
    update(clone)
    assert sources(clone / LESSON) == {"a": "1 corrected twice", "b": "my answer"}


def test_own_commits_do_not_stand_in_the_way(course: Path, clone: Path) -> None:
    notebook(clone / LESSON, a="1", b="my answer")
    commit(clone, "my work")
    correct(course)
    update(clone)
    assert sources(clone / LESSON) == {"a": "1 corrected", "b": "my answer"}
    assert update(clone) == []
    assert "my work" in git(clone, "log", "--format=%s")


def test_an_update_that_was_interrupted_is_finished_by_the_next(course: Path, clone: Path) -> None:
    notebook(clone / LESSON, a="my answer", b="2")
    correct(course)
    first = git(clone, "rev-parse", "HEAD").strip()
    update(clone)
    done = sources(clone / LESSON)
    git(clone, "update-ref", "HEAD", first)  # as if it had ended before its last step
    update(clone)
    assert sources(clone / LESSON) == done
    assert list(done) == ["a", "a-corrected", "b"]


def test_a_page_that_the_student_changed_is_kept_beside_the_new_one(course: Path, clone: Path) -> None:
    (clone / "docs" / "students.md").write_text("my notes\n")
    correct(course)
    assert "your version is in the folder yours" in " ".join(map(str, update(clone)))
    assert (clone / "docs" / "students.md").read_text() == "new\n"
    assert [path.read_text() for path in clone.glob("yours/*/docs/students.md")] == ["my notes\n"]


def test_a_lesson_that_the_course_drops_goes_unless_there_is_work_in_it(course: Path, clone: Path) -> None:
    correct(course)
    update(clone)
    notebook(clone / LESSON, a="my answer", b="2")
    (course / LESSON).unlink()
    (course / "notebooks" / "09_more.ipynb").unlink()
    commit(course, "fewer")
    update(clone)
    assert sources(clone / LESSON)["a"] == "my answer"
    assert not (clone / "notebooks" / "09_more.ipynb").exists()


def test_a_damaged_notebook_stops_the_update_before_anything_changes(course: Path, clone: Path) -> None:
    (clone / LESSON).write_text("{")
    correct(course)
    with pytest.raises(FormatError, match="teachkit lesson reset"):
        update(clone)
    assert (clone / "docs" / "students.md").read_text() == "old\n"
    reset(clone, "01")
    update(clone)
    assert sources(clone / LESSON) == {"a": "1 corrected", "b": "2"}


def test_a_notebook_without_ids_is_named(course: Path, clone: Path) -> None:
    path = clone / LESSON
    cell = {"cell_type": "markdown", "metadata": {}, "source": "text"}
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    correct(course)
    with pytest.raises(FormatError, match=r"01_classification\.ipynb .* no ids"):
        update(clone)


def test_reset_puts_a_lesson_back_and_keeps_every_version_of_the_student(clone: Path) -> None:
    assert reset(clone, "01") is None
    kept = []
    for answer in ("first", "second"):
        notebook(clone / LESSON, a=answer)
        kept.append(reset(clone, "01"))
        assert sources(clone / LESSON) == {"a": "1", "b": "2"}
    assert [sources(path)["a"] for path in kept if path] == ["first", "second"]
    (clone / LESSON).unlink()
    reset(clone, "01")
    assert (clone / LESSON).exists()


def test_the_commands_say_what_they_did(course: Path, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone / "notebooks")

    def run(*arguments: str) -> str:
        return CliRunner().invoke(command(), ["lesson", *arguments], catch_exceptions=False).output

    assert run("update") == "There is nothing new.\n"
    notebook(clone / LESSON, a="mine", b="2")
    correct(course)
    assert "in 1 places the course's new text stands below yours" in run("update")
    assert "Lesson 01 is back. Your version: yours/" in run("reset", "01")
    assert run("reset", "01") == "Lesson 01 is as the course gave it.\n"
    assert sources(clone / LESSON) == {"a": "1 corrected", "b": "2"}


def test_a_folder_without_an_address_is_told_how_to_get_one(course: Path, root: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="git clone"):
        reset(course, "01")
    bare = tmp_path / "copied"
    (bare / "notebooks").mkdir(parents=True)
    (bare / "notebooks" / "course.toml").write_text((root / "notebooks" / "course.toml").read_text())
    with pytest.raises(SettingsError, match="git clone"):
        reset(bare, "01")
    with pytest.raises(UnknownNameError, match="lesson"):
        reset(course, "xx")
