"""A hand-in is made whole: what comes back, what stays, and what is told."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from teachkit.course.box.integrity import Original, mend

HIDDEN = "marks = 1\n### BEGIN HIDDEN TESTS\nkey = 7\n### END HIDDEN TESTS"


def original(name, source="x = 1", kind="code", **roles):
    about = {"grade": False, "solution": False, "locked": False, "task": False, **roles}
    return Original(name, kind, source, {**about, "grade_id": name, "schema_version": 3})


EXAM = [
    original("intro", "# Exam", "markdown", locked=True),
    original("setup", "import os", locked=True),
    original("a1", "one = None", solution=True),
    original("t1", HIDDEN, grade=True, locked=True, points=2.0),
    original("a2", "two = None", solution=True),
    original("t2", HIDDEN + "  # 2", grade=True, locked=True, points=3.0),
    original("text", "Why?", "markdown", grade=True, solution=True, points=4.0),
]


def handed_out():
    cells = []
    for one in EXAM:
        new = new_code_cell if one.kind == "code" else new_markdown_cell
        cells.append(new(one.shown, metadata={"nbgrader": dict(one.settings)}))
    return new_notebook(cells=cells)


def names(notebook):
    return [cell.metadata.get("nbgrader", {}).get("grade_id", cell.source) for cell in notebook.cells]


WHOLE = [one.name for one in EXAM]


def test_an_untouched_hand_in_stays_as_it_is_and_nothing_is_told():
    notebook = handed_out()
    before = copy.deepcopy(notebook)
    assert mend(notebook, EXAM) == []
    assert notebook == before


def test_answers_and_own_cells_are_no_change():
    notebook = handed_out()
    notebook.cells[2].source = "one = 5"
    notebook.cells[6].source = "Because."
    notebook.cells.insert(3, new_code_cell("print(one)"))
    notebook.cells.insert(0, new_markdown_cell("my name"))
    assert mend(notebook, EXAM) == []
    assert names(notebook) == ["my name", "intro", "setup", "a1", "print(one)", *WHOLE[3:]]


def test_every_deleted_cell_comes_back_at_its_place_with_its_hidden_tests():
    notebook = handed_out()
    notebook.cells = [notebook.cells[2], new_code_cell("mine")]
    told = mend(notebook, EXAM)
    assert names(notebook) == ["intro", "setup", "a1", "mine", *WHOLE[3:]]
    assert {(kind, name) for kind, name, _ in told} == {("deleted", name) for name in WHOLE if name != "a1"}
    assert notebook.cells[4].source == HIDDEN


def test_exchanged_ids_go_by_place_so_that_honest_answers_count():
    notebook = handed_out()
    for one, other in ((2, 4), (3, 5)):
        first, second = (notebook.cells[i].metadata["nbgrader"] for i in (one, other))
        first["grade_id"], second["grade_id"] = second["grade_id"], first["grade_id"]
    notebook.cells[2].source, notebook.cells[4].source = "one = 1", "two = 2"
    told = mend(notebook, EXAM)
    assert names(notebook) == WHOLE
    assert [cell.source for cell in notebook.cells][2:5:2] == ["one = 1", "two = 2"]
    assert ("order", "") in {(kind, name) for kind, name, _ in told}


def test_moved_cells_go_back_to_their_order_and_take_own_cells_along():
    notebook = handed_out()
    test = notebook.cells.pop(3)
    notebook.cells += [test, new_code_cell("after the test")]
    told = mend(notebook, EXAM)
    assert names(notebook) == [*WHOLE[:4], "after the test", *WHOLE[4:]]
    assert [kind for kind, *_ in told] == ["order"]


def test_the_last_of_two_answers_with_one_id_counts_and_the_other_still_runs():
    notebook = handed_out()
    notebook.cells[2].source = "one = 'first'"
    again = copy.deepcopy(notebook.cells[2])
    again.update(source="one = 'second'", id="again")
    notebook.cells.insert(3, again)
    told = mend(notebook, EXAM)
    assert [kind for kind, *_ in told] == ["double"]
    assert [cell.source for cell in notebook.cells][2:4] == ["one = 'first'", "one = 'second'"]
    assert "nbgrader" not in notebook.cells[2].metadata


@pytest.mark.parametrize("about", [{"grade_id": 7}, {"locked": True}, {"grade": True, "grade_id": "t9"}])
def test_metadata_that_the_assignment_does_not_know_makes_a_plain_cell(about):
    notebook = handed_out()
    notebook.cells.append(new_code_cell("9.0", metadata={"nbgrader": about}))
    mend(notebook, EXAM)
    assert "nbgrader" not in notebook.cells[-1].metadata


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_done_to_it_a_hand_in_ends_with_the_cells_of_the_assignment(data):
    notebook = handed_out()
    count = len(notebook.cells)
    kept = data.draw(st.lists(st.integers(0, count - 1), max_size=2 * count))
    cells = [copy.deepcopy(notebook.cells[i]) for i in kept]
    for cell in cells:
        if data.draw(st.booleans()):
            cell.metadata["nbgrader"]["grade_id"] = data.draw(st.sampled_from([*WHOLE, "", "new"]))
        if data.draw(st.booleans()):
            cell.source = data.draw(st.sampled_from(["", "3.0", HIDDEN]))
        if data.draw(st.booleans()):
            cell.metadata["nbgrader"]["grade"] = data.draw(st.sampled_from([True, False, None, "yes"]))
    notebook.cells = cells
    mend(notebook, EXAM)
    own = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert [cell.metadata["nbgrader"] for cell in own] == [one.settings for one in EXAM]
