"""Partial credit: each part on its own, no part by accident, and no key told."""

import numpy as np
import pytest

from teachkit.course.marking import Marks
from teachkit.errors import LessonError


def grade(answers, **keys):
    marks = Marks("Q", answers, points=len(keys))
    for name, key in keys.items():
        (marks.close if isinstance(key, float) else marks.same)(name, key)
    return marks.total()


@pytest.mark.parametrize("value", [0.25, 0.2549, np.float32(0.25), np.array(0.25), 1 / 4])
def test_a_number_counts_within_the_tolerance(value):
    assert grade({"x": value}, x=0.25) == 1


@pytest.mark.parametrize(
    "value", [None, 0.256, "0.25", True, float("nan"), float("inf"), [0.25], np.array([0.25, 0.25]), object()]
)
def test_nothing_else_counts_as_that_number(value):
    assert grade({"x": value}, x=0.25) == 0


def test_a_missing_name_is_not_right():
    assert grade({}, x=0.25, y="b") == 0


@pytest.mark.parametrize(
    ("value", "key", "points"),
    [
        (True, True, 1),
        (np.True_, True, 1),
        (1, True, 0),
        ("b", "b", 1),
        ("B", "b", 0),
        (["b", "a"], {"a", "b"}, 1),
        (("a", "b", "b"), {"a", "b"}, 1),
        (["a", "b", "c"], {"a", "b"}, 0),
        ([["a"], "b"], {"a", "b"}, 0),
        ("ab", {"a", "b"}, 0),
        (np.array(["a", "b"]), {"a", "b"}, 0),
    ],
)
def test_choices_are_compared_by_kind_and_value_and_sets_ignore_order(value, key, points):
    assert grade({"x": value}, x=key) == points


def test_parts_add_up_one_by_one(capsys):
    assert grade({"x": 0.25, "y": "wrong"}, x=0.25, y="right", z=1.0) == 1
    said = capsys.readouterr().out
    assert "x: right (1 of 1)" in said
    assert "y: not right (0 of 1)" in said
    assert "'right'" not in said


def test_a_test_cell_whose_parts_miss_its_points_is_refused():
    marks = Marks("Q", {"x": 1.0}, points=3)
    marks.close("x", 1.0)
    with pytest.raises(LessonError, match="worth 1 points, not 3"):
        marks.total()


@pytest.mark.parametrize(
    ("ask", "value", "words"),
    [
        (
            lambda marks: marks.wants_number("x", low=0, high=1),
            25,
            "x is 25. It should be a number from 0 to 1",
        ),
        (lambda marks: marks.wants_number("x"), "0.25", "It should be one number"),
        (lambda marks: marks.wants_number("x"), None, "x has no answer yet"),
        (lambda marks: marks.wants_choice("x", "a", "b"), "c", "one of 'a', 'b'"),
        (lambda marks: marks.wants_names("x", "a", "b"), "a", "a list with some of 'a', 'b'"),
    ],
)
def test_a_wrong_form_is_said_at_the_desk_and_fails_validation(monkeypatch, capsys, ask, value, words):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    ask(Marks("Q", {"x": value}, points=1))
    assert words in capsys.readouterr().out
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with pytest.raises(LessonError, match=r"It should be"):
        ask(Marks("Q", {"x": value}, points=1))


def test_a_right_form_is_silent(capsys):
    marks = Marks("Q", {"x": 0.5, "y": "undefined", "z": ["a"]}, points=1)
    marks.wants_number("x", low=0, high=1)
    marks.wants_number("y", or_text="undefined")
    marks.wants_names("z", "a", "b")
    assert capsys.readouterr().out == ""
