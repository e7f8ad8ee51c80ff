"""Corrections of a lesson come into a student's notebook, and the student's work stays."""

from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from teachkit.course.merging import TAG, merge


def code(identifier: str, source: str, **more: Any) -> Any:
    return new_code_cell(source, id=identifier, **more)


def book(*cells: Any) -> Any:
    return new_notebook(cells=list(cells))


def lesson(**sources: str) -> Any:
    """A notebook of code cells: id to source."""
    return book(*(code(identifier, source) for identifier, source in sources.items()))


def sources(notebook: Any) -> dict[str, str]:
    return {cell["id"]: cell["source"] for cell in notebook["cells"]}


OLD = lesson(a="1", b="2", c="3")


def test_untouched_cells_follow_the_lesson_and_own_answers_stay() -> None:
    merged = merge(OLD, lesson(a="1", b="2", c="my answer"), lesson(a="1", b="corrected", c="3"))
    assert sources(merged.notebook) == {"a": "1", "b": "corrected", "c": "my answer"}
    assert (merged.taken, merged.kept, merged.both) == (1, 1, 0)
    assert merged.sentence == "1 cells corrected, 1 of your own kept."


def test_own_cells_stay_below_the_cell_they_followed() -> None:
    mine = lesson(top="hello", a="1", note="mine", b="2", c="3", end="bye")
    merged = merge(OLD, mine, lesson(new="0", a="1", b="2 corrected", c="3"))
    assert list(sources(merged.notebook)) == ["top", "new", "a", "note", "b", "c", "end"]
    assert merged.kept == 3


def test_where_both_changed_a_cell_the_correction_stands_below_and_does_not_run() -> None:
    merged = merge(OLD, lesson(a="1", b="mine", c="3"), lesson(a="1", b="x = '```'", c="3"))
    kept, shown = merged.notebook["cells"][1:3]
    assert (kept["source"], merged.both) == ("mine", 1)
    assert (shown["cell_type"], shown["metadata"]["tags"]) == ("markdown", [TAG])
    assert "`````python\nx = '```'\n`````" in shown["source"]
    assert "1 places" in merged.sentence


def test_a_dropped_cell_goes_unless_the_student_worked_in_it() -> None:
    assert list(sources(merge(OLD, OLD, lesson(a="1", c="3")).notebook)) == ["a", "c"]
    merged = merge(OLD, lesson(a="1", b="mine", c="3"), lesson(a="1", c="3"))
    assert sources(merged.notebook) == {"a": "1", "b": "mine", "c": "3"}


def test_a_cell_that_the_student_deleted_stays_deleted() -> None:
    merged = merge(OLD, lesson(a="1", c="3"), lesson(a="1 corrected", b="2 corrected", c="3"))
    assert sources(merged.notebook) == {"a": "1 corrected", "c": "3"}


def test_outputs_stay_with_cells_that_stay_and_go_with_corrected_ones() -> None:
    seen = [new_output("stream", text="seen")]
    mine = book(code("a", "1", outputs=seen), code("b", "2", outputs=seen), code("c", "mine", outputs=seen))
    cells = merge(OLD, mine, lesson(a="1", b="corrected", c="3")).notebook["cells"]
    assert [len(cell["outputs"]) for cell in cells] == [1, 0, 1]


def test_a_locked_cell_of_a_quiz_follows_the_course() -> None:
    def locked(source: str) -> Any:
        return book(code("t", source, metadata={"nbgrader": {"locked": True}}))

    merged = merge(locked("test"), locked("weakened"), locked("corrected test"))
    assert sources(merged.notebook) == {"t": "corrected test"}


def test_a_later_correction_replaces_the_note_and_an_adopted_one_removes_it() -> None:
    second, third = lesson(a="1", b="second", c="3"), lesson(a="1", b="third", c="3")
    first = merge(OLD, lesson(a="1", b="mine", c="3"), second).notebook
    again = merge(second, first, third).notebook
    assert [cell["id"] for cell in again["cells"]] == ["a", "b", "b-corrected", "c"]
    assert "third" in again["cells"][2]["source"]
    again["cells"][1]["source"] = "third"
    assert list(sources(merge(third, again, lesson(a="new", b="third", c="3")).notebook)) == ["a", "b", "c"]


def test_a_note_stays_while_nothing_new_is_said_about_its_cell() -> None:
    second = lesson(a="1", b="second", c="3")
    first = merge(OLD, lesson(a="1", b="mine", c="3"), second).notebook
    merged = merge(second, first, lesson(a="corrected", b="second", c="3"))
    assert "second" in sources(merged.notebook)["b-corrected"]
    assert merged.kept == 1


def test_a_cell_that_became_text_is_taken_as_text() -> None:
    new = book(code("a", "1"), new_markdown_cell("2", id="b"), code("c", "3"))
    assert merge(OLD, OLD, new).notebook["cells"][1]["cell_type"] == "markdown"


@pytest.mark.parametrize("identifier", ["x" * 64, "short"])
def test_the_result_is_a_valid_notebook(identifier: str) -> None:
    versions = (book(code(identifier, text)) for text in ("1", "mine", "corrected"))
    nbformat.validate(merge(*versions).notebook)


VERSIONS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2", "3"])).map(
    lambda cells: lesson(**cells)
)


@given(VERSIONS, VERSIONS)
def test_without_own_work_the_result_is_the_corrected_lesson(old: Any, new: Any) -> None:
    assert sources(merge(old, old, new).notebook) == sources(new)


@given(VERSIONS, VERSIONS)
def test_without_corrections_the_own_cells_keep_their_text(old: Any, mine: Any) -> None:
    assert sources(merge(old, mine, old).notebook) == sources(mine)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_own_work_is_never_lost_and_a_second_merge_changes_nothing(old: Any, mine: Any, new: Any) -> None:
    merged = merge(old, mine, new).notebook
    written = {cell["source"] for cell in mine["cells"] if sources(old).get(cell["id"]) != cell["source"]}
    assert written <= set(sources(merged).values())
    assert sources(merge(old, merged, new).notebook) == sources(merged)
