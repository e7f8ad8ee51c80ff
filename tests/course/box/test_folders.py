"""What the tests can read of what was handed in, and what answers can add to it."""

import os

import pytest

from teachkit.course.box import folders as room
from teachkit.course.box.folders import Folders, shadows


@pytest.fixture
def folders(tmp_path):
    handed_in = tmp_path / "handed in"
    (handed_in / "below").mkdir(parents=True)
    (handed_in / "quiz.ipynb").write_text("hidden tests")
    (handed_in / "results.json").write_text("own run")
    (handed_in / "below" / "table.csv").write_text("a,b")
    (handed_in / "key").symlink_to("/etc/passwd")
    (handed_in / "root").symlink_to("/etc")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Folders.lay_out(handed_in, scratch)


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_both_get_the_files_but_no_notebook_and_no_link(folders):
    assert names(folders.answers) == names(folders.tests) == ["below/table.csv", "results.json"]


def test_a_file_that_the_answers_made_reaches_the_tests(folders):
    (folders.answers / "out").mkdir()
    (folders.answers / "out" / "predictions.npz").write_text("new")
    folders.carry_over()
    assert (folders.tests / "out" / "predictions.npz").read_text() == "new"


def test_a_file_that_was_handed_in_stays_as_it_was(folders):
    (folders.answers / "results.json").write_text("better")
    folders.carry_over()
    assert (folders.tests / "results.json").read_text() == "own run"


def test_links_pipes_notebooks_and_huge_files_do_not_cross(folders, monkeypatch):
    monkeypatch.setattr(room, "MAX_NEW_FILE", 10)
    (folders.answers / "link").symlink_to("/etc/passwd")
    (folders.answers / "folder").symlink_to("/etc")
    os.mkfifo(folders.answers / "pipe")
    (folders.answers / "quiz.ipynb").write_text("{}")
    (folders.answers / "huge").write_text("x" * 11)
    folders.carry_over()
    assert names(folders.tests) == ["below/table.csv", "results.json"]


def test_changed_and_deleted_files_are_named_and_new_ones_are_not(folders):
    assert folders.changed() == []
    (folders.answers / "results.json").write_text("better!")
    (folders.answers / "below" / "table.csv").unlink()
    (folders.answers / "new.txt").write_text("new")
    folders.carry_over()
    assert folders.changed() == ["below/table.csv", "results.json"]


def test_modules_with_the_name_of_an_installed_one_are_named_and_no_others(tmp_path):
    for name in ("teachkit", "data", "numpy.d"):
        (tmp_path / name).mkdir()
    (tmp_path / "teachkit" / "__init__.py").write_text("")
    for name in ("random.py", "numpy.py", "helpers.py", "results.json", "json"):
        (tmp_path / name).write_text("")
    assert shadows(tmp_path) == ["numpy", "random", "teachkit"]
