"""What the feedback page must not show, cell by cell."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from teachkit.course.feedback import CUT, HideTests, split

TEST = "check(x)\n### BEGIN HIDDEN TESTS\nassert x == key * 41, key\n### END HIDDEN TESTS\nafter(x)"


def graded_cell(outputs):
    meta = {"grade": True, "solution": False, "grade_id": "t", "points": 1, "locked": True}
    return new_code_cell(TEST, metadata={"nbgrader": meta}, outputs=outputs)


def error(line, ename="AssertionError", evalue="1681"):
    trace = [
        "\x1b[31m---------\x1b[39m",
        f"\x1b[36mCell\x1b[39m \x1b[32mIn[7], line {line}\x1b[39m\n 3 assert x == key * 41, key",
        f"{ename}: {evalue}",
    ]
    return new_output("error", ename=ename, evalue=evalue, traceback=trace)


def hide(*cells):
    return HideTests().preprocess(new_notebook(cells=list(cells)), {})[0].cells


def test_hidden_region_is_replaced_by_a_note():
    shown, cut, numbers = split(TEST, "# note")
    assert shown == "check(x)\n# note\nafter(x)"
    assert cut == ["assert x == key * 41, key"]
    assert numbers == {2, 3, 4}


def test_an_unfinished_region_hides_everything_after_it():
    assert split("a\n### BEGIN HIDDEN TESTS\nb\nc")[0] == "a"


def test_error_in_a_hidden_test_gives_away_neither_line_nor_value():
    cell = hide(graded_cell([error(3)]))[0]
    assert "1681" not in str(cell)
    assert "key" not in str(cell)
    assert "AssertionError in a hidden test" in cell.outputs[0].traceback[0]


def test_error_in_a_visible_test_keeps_its_words_but_no_source():
    cell = hide(graded_cell([error(1, "NameError", "name 'x' is not defined")]))[0]
    assert cell.outputs[0].traceback == ["NameError: name 'x' is not defined"]


def test_error_without_a_known_line_counts_as_hidden():
    unknown = new_output("error", ename="DeadKernel", evalue="key * 41", traceback=["?"])
    assert "41" not in str(hide(graded_cell([unknown]))[0].outputs)


def test_mark_scheme_is_cut_from_a_task():
    meta = {"task": True, "grade": False, "solution": False, "grade_id": "m", "points": 2, "locked": True}
    text = "Write.\n### BEGIN MARK SCHEME\n1. one point\n### END MARK SCHEME\nThank you."
    cell = hide(new_markdown_cell(text, metadata={"nbgrader": meta}))[0]
    assert cell.source == "Write.\n\nThank you." or cell.source == "Write.\nThank you."


@pytest.mark.parametrize(
    "quoted",
    [
        "assert x == key * 41, key",
        '  "assert x == key * 41, key\\n",',
        "['check(x)\\nassert x == key * 41, key\\nafter(x)']",
        "assert x == key <b>*</b> 41, key",
        "assert x ==    key * 41, key",
    ],
)
def test_output_that_quotes_a_hidden_line_is_blanked_wherever_it_is(quoted):
    stream = new_output("stream", name="stdout", text=f"before\n{quoted}\nafter")
    shown = new_output("display_data", data={"text/html": quoted, "text/plain": quoted})
    student = new_code_cell("spy()", outputs=[stream, shown])
    cells = hide(student, graded_cell([]))
    assert cells[0].outputs[0].text == f"before\n{CUT}\nafter"
    assert set(cells[0].outputs[1].data.values()) == {CUT}


def test_own_words_of_a_student_stay():
    own = "### BEGIN HIDDEN TESTS is what I looked for"
    meta = {"solution": True, "grade": False, "grade_id": "a", "locked": False}
    stream = new_output("stream", name="stdout", text="x = 3")
    cell = hide(new_code_cell(own, metadata={"nbgrader": meta}, outputs=[stream]), graded_cell([]))[0]
    assert cell.source == own
    assert cell.outputs[0].text == "x = 3"
