"""Grading a class: what is graded again, what is not, who is asked for, and what stops it."""

import json
import shutil
from pathlib import Path
from typing import ClassVar

import pytest

from teachkit.course import handins
from teachkit.course.box.flags import Flag, file_of, read_flags, replace_flags
from teachkit.course.handins import grade_class
from teachkit.errors import BoxMissingError, LessonError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A course folder with three hand-ins, where grading is replaced by a note in `folder.graded`."""
    source = tmp_path / "source" / "exam"
    source.mkdir(parents=True)
    (source / "quiz.ipynb").write_text(json.dumps({"cells": []}))
    (tmp_path / "nbgrader_config.py").write_text("")
    for student in ("ada", "bob", "cem"):
        place = tmp_path / "submitted" / student / "exam"
        place.mkdir(parents=True)
        (place / "quiz.ipynb").write_text(json.dumps({"cells": []}))
    monkeypatch.setattr(handins, "missing", lambda: "")
    monkeypatch.setattr(handins, "package_hash", lambda: "one")
    monkeypatch.setattr(handins, "open_api", lambda root: Api(root))
    monkeypatch.setattr(handins, "scores", lambda *_: [])
    return tmp_path


class Api:
    """Takes the place of nbgrader: makes the graded folder, or fails for those in `FAILS`."""

    graded: ClassVar[list[str]] = []
    fails: ClassVar[dict[str, str]] = {}
    coursedir = type("Directory", (), {"db_url": ""})

    def __init__(self, root):
        self.root = root

    def autograde(self, assignment, student, **_):
        Api.graded.append(student)
        if student in Api.fails:
            if Api.fails[student] == "raise":
                raise RuntimeError("out of luck")
            return {"success": False, "error": Api.fails[student], "log": ""}
        (self.root / "autograded" / student / assignment).mkdir(parents=True, exist_ok=True)
        return {"success": True}


@pytest.fixture(autouse=True)
def clean():
    """Nothing graded, nobody fails."""
    Api.graded, Api.fails = [], {}


def grade(folder, **options):
    """Who was graded in this run, and each one's state."""
    Api.graded = []
    states = {one.student: one.state for one in grade_class(folder, "exam", **options)}
    return Api.graded, states


def test_everyone_is_graded_once_and_not_again(folder):
    assert grade(folder) == (["ada", "bob", "cem"], dict.fromkeys(["ada", "bob", "cem"], "graded"))
    assert grade(folder) == ([], dict.fromkeys(["ada", "bob", "cem"], "unchanged"))


def test_a_new_hand_in_is_graded_again_and_only_it(folder):
    grade(folder)
    (folder / "submitted" / "bob" / "exam" / "quiz.ipynb").write_text(json.dumps({"cells": [], "x": 1}))
    assert grade(folder)[0] == ["bob"]


@pytest.mark.parametrize("path", ["source/exam/quiz.ipynb", "nbgrader_config.py"])
def test_a_changed_assignment_or_setting_grades_everyone_again(folder, path):
    grade(folder)
    (folder / path).write_text("{}")
    assert grade(folder)[0] == ["ada", "bob", "cem"]


def test_again_grades_all_and_a_lost_result_is_made_anew(folder):
    grade(folder)
    assert grade(folder, again=True)[0] == ["ada", "bob", "cem"]
    shutil.rmtree(folder / "autograded" / "cem")
    file_of(folder, "exam", "ada").write_text("half a fi")
    assert grade(folder)[0] == ["ada", "cem"]


def test_a_run_that_was_killed_goes_on_with_the_one_it_was_at(folder, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Api, "autograde", killed)
        with pytest.raises(KeyboardInterrupt):
            grade(folder)
    assert json.loads(file_of(folder, "exam", "ada").read_text())["state"] == "running"
    assert grade(folder)[0] == ["ada", "bob", "cem"]


@pytest.mark.parametrize(("how", "word"), [("raise", "out of luck"), ("ValueError: broken", "broken")])
def test_one_that_fails_stops_no_other_and_is_tried_again(folder, how, word):
    Api.fails = {"bob": how}
    states = {one.student: one for one in grade_class(folder, "exam")}
    assert [states[name].state for name in ("ada", "bob", "cem")] == ["graded", "failed", "graded"]
    assert word in states["bob"].problem
    assert "no points from tests yet" in states["bob"].flags[0].text
    Api.fails = {}
    assert grade(folder)[0] == ["bob"]
    assert read_flags(folder, "exam", "bob") == []


def test_each_result_is_told_when_it_is_there(folder):
    grade(folder, students=["bob"])
    told = []
    grade_class(
        folder, "exam", on_done=lambda one, done, total: told.append((one.student, one.state, done, total))
    )
    assert told == [("bob", "unchanged", 1, 3), ("ada", "graded", 2, 3), ("cem", "graded", 3, 3)]


def test_a_student_who_has_not_handed_in_is_named_with_who_has(folder):
    with pytest.raises(LessonError, match=r"dan has not handed in exam.*ada"):
        grade_class(folder, "exam", students=["dan"])
    with pytest.raises(LessonError, match=r"Nobody has handed in other"):
        grade_class(folder, "other")


def test_without_a_box_nothing_is_graded_unless_a_flag_says_so(folder, monkeypatch):
    monkeypatch.setattr(handins, "missing", lambda: "The program bwrap is not installed.")
    monkeypatch.delenv("TEACHKIT_UNBOXED", raising=False)
    with pytest.raises(BoxMissingError, match=r"bwrap is not installed.*TEACHKIT_UNBOXED=1"):
        grade_class(folder, "exam")
    assert Api.graded == []
    monkeypatch.setenv("TEACHKIT_UNBOXED", "1")
    assert grade(folder)[0] == ["ada", "bob", "cem"]


def test_flags_of_one_step_replace_their_own_and_leave_others(tmp_path: Path):
    first, other = Flag("reach", "quiz", "q1", "old"), Flag("reach", "challenge", "", "other")
    replace_flags(tmp_path, "exam", "ada", "quiz", ["reach"], [first])
    replace_flags(tmp_path, "exam", "ada", "challenge", ["reach"], [other])
    newer = Flag("reach", "quiz", "q2", "new")
    replace_flags(tmp_path, "exam", "ada", "quiz", ["reach"], [newer])
    assert read_flags(tmp_path, "exam", "ada") == [other, newer]
    assert str(newer) == "quiz q2: new"
