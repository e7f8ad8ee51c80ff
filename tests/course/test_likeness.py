"""Who is told to have the same work: only those who share what others do not have."""

import json

import pytest

from teachkit.course.likeness import alike

GIVEN = ["# what everyone was given", "marks = Marks('Q1', globals())"]
OWN = ["my_first_line = 1", "my_second_line = 2", "my_third_line = 3", "my_fourth_line = 4", "short = 5"]


@pytest.fixture
def course(tmp_path):
    """A course folder; `write(student, lines, ids)` hands in a notebook of one cell a line."""

    def write(student, lines, ids=()):
        place = tmp_path / ("source" if student is None else f"submitted/{student}") / "exam"
        place.mkdir(parents=True, exist_ok=True)
        named = [*ids, *[f"{student}-{i}" for i in range(len(lines) - len(ids))]]
        cells = [{"id": name, "source": [line]} for name, line in zip(named, lines, strict=True)]
        (place / "quiz.ipynb").write_text(json.dumps({"cells": cells}))

    write(None, GIVEN)
    write.root = tmp_path
    return write


def told(course):
    return {who: [flag.text for flag in flags] for who, flags in alike(course.root, "exam").items()}


def test_two_with_the_same_own_lines_are_told_of_each_other_and_the_others_are_not(course):
    course("ada", [*GIVEN, *OWN])
    course("bob", [*GIVEN, *[line.replace(" ", "  ") for line in OWN]])
    course("cem", [*GIVEN, "another_line_of_mine = 1"])
    found = told(course)
    assert "work of bob" in found["ada"][0]
    assert "work of ada" in found["bob"][0]
    assert found["cem"] == []


def test_lines_of_the_assignment_and_of_the_whole_class_are_no_reason(course):
    for student in ("ada", "bob", "cem", "dan"):
        course(student, [*GIVEN, *OWN])
    assert not any(told(course).values())


def test_one_shared_line_is_no_reason(course):
    course("ada", [*GIVEN, OWN[0], "something_of_ada = 1"])
    course("bob", [*GIVEN, OWN[0], "something_of_bob = 1"])
    assert not any(told(course).values())


def test_a_cell_with_the_same_random_id_is_a_reason_but_not_one_of_the_assignment(course):
    course("ada", ["a = 1", "b = 1"], ["None-0", "9f3c"])
    course("bob", ["a = 2", "b = 2"], ["None-0", "9f3c"])
    assert ["shares 1 cells" in text for text in told(course)["ada"]] == [True]


def test_a_notebook_that_cannot_be_read_is_like_no_other(course):
    course("ada", [*GIVEN, *OWN])
    course("bob", [*GIVEN])
    (course.root / "submitted" / "bob" / "exam" / "quiz.ipynb").write_text('{"cells": [3')
    assert told(course) == {"ada": [], "bob": []}
