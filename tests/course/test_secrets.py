"""Which lines of a quiz are secret, and where they are found again."""

import io
import json
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from teachkit.course.secrets import leaks, readable, secret_lines

ANSWER = (
    "share = None\n### BEGIN SOLUTION\nfrom math import floor\nshare = 17 / (17 + 3)\n"
    "remainder = 1 - share * 0.5 - 0.25\ntrain,\n### END SOLUTION"
)
TEST = 'marks = Marks("Q1")\n### BEGIN HIDDEN TESTS\nmarks.close("share", 0.85)\n### END HIDDEN TESTS'
TASK = "Explain.\n### BEGIN MARK SCHEME\nOne point for naming the sample.\n### END MARK SCHEME"
LINES = {
    "share = 17 / (17 + 3)",
    "remainder = 1 - share * 0.5 - 0.25",
    'marks.close("share", 0.85)',
    "One point for naming the sample.",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """One quiz with a solution, a hidden test and a mark scheme."""
    path = tmp_path / "source" / "01_topic" / "quiz.ipynb"
    path.parent.mkdir(parents=True)
    cells = [new_code_cell(ANSWER), new_code_cell(TEST), new_markdown_cell(TASK)]
    nbformat.write(new_notebook(cells=cells), path)
    return path.parent.parent


def show(source: Path, name: str, text: str, **more) -> set[str]:
    """The secret lines that a file of this name and text shows."""
    texts = dict(readable(name, text.encode()))
    return {leak.secret.line for leak in leaks(secret_lines(source), texts, **more)}


def test_solutions_tests_and_mark_schemes_are_secret_and_nothing_else_is(source: Path) -> None:
    assert {secret.line for secret in secret_lines(source)} == LINES


def test_a_line_that_a_visible_cell_shows_is_no_secret(source: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("if True:\n    share = 17 / (17 + 3)")])
    nbformat.write(notebook, source / "01_topic" / "challenge.ipynb")
    assert {secret.line for secret in secret_lines(source)} == LINES - {"share = 17 / (17 + 3)"}


def test_other_blanks_do_not_hide_a_line(source: Path) -> None:
    assert show(source, "notes.md", "so:  share=17/(17+3)\nand that is it") == {"share = 17 / (17 + 3)"}
    assert show(source, "notes.md", "share = 17 / (17 + 4)") == set()


def test_outputs_and_metadata_of_a_notebook_are_searched(source: Path) -> None:
    cell = new_code_cell("1", outputs=[new_output("stream", text='marks.close("share", 0.85)\n')])
    notebook = new_notebook(cells=[cell], metadata={"note": "One point for naming the sample."})
    assert show(source, "a.ipynb", nbformat.writes(notebook)) == {
        'marks.close("share", 0.85)',
        "One point for naming the sample.",
    }


def test_half_a_notebook_is_searched_as_text(source: Path) -> None:
    assert show(source, "a.ipynb", '{"cells": ["remainder = 1 - share * 0.5 - 0.25') == {
        "remainder = 1 - share * 0.5 - 0.25"
    }


def test_a_file_in_a_wheel_is_searched(source: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package/part.py", "share = 17 / (17 + 3)\n")
        archive.writestr("package/weights.bin", b"\0share = 17 / (17 + 3)\n")
    found = leaks(secret_lines(source), dict(readable("a.whl", buffer.getvalue())))
    assert [leak.where for leak in found] == ["a.whl/package/part.py"]
    assert "01_topic/quiz.ipynb" in str(found[0])


def test_a_taught_line_counts_only_with_its_neighbour(source: Path) -> None:
    assert show(source, "lessons/a.py", "share = 17 / (17 + 3)", taught=["lessons/"]) == set()
    both = "share = 17 / (17 + 3)\nremainder = 1 - share * 0.5 - 0.25"
    assert show(source, "lessons/a.py", both, taught=["lessons/"]) == {"share = 17 / (17 + 3)"}
    assert show(source, "other/a.py", "share = 17 / (17 + 3)", taught=["lessons/"]) == {
        "share = 17 / (17 + 3)"
    }


def test_the_quizzes_of_the_course_have_many_secrets_and_all_are_complete_lines(root: Path) -> None:
    found = secret_lines(root / "quizzes" / "source")
    assert len(found) > 1000
    text = (root / "quizzes" / "source" / "01_classification" / "quiz.ipynb").read_text()
    assert all(
        json.dumps(secret.line)[1:-1] in text
        for secret in found
        if secret.place.startswith("01_classification/quiz")
    )
