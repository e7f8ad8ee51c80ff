"""A quiz run in this process is graded as nbgrader would grade it."""

import os

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from teachkit.course.assessment.attempts import attempt


def cell(source, grade_id, **about):
    return new_code_cell(source, metadata={"nbgrader": {"grade_id": grade_id, **about}})


def marks(tmp_path, *sources, **settings):
    cells = [cell(source, f"t{k}", grade=True, points=3) for k, source in enumerate(sources)]
    return attempt(new_notebook(cells=cells), tmp_path, **settings)


@pytest.mark.parametrize(
    ("source", "points"),
    [
        ("1.5", 1.5),
        ("0", 0),
        ("x = 1", 3),
        ("None", 3),
        ("assert False", 0),
        ("raise SystemExit", 0),
        ("import sys\nprint('careful', file=sys.stderr)\n3", 0),
        ("print('fine')\n2", 2),
        ("'words'", 3),
        ("(", 0),
    ],
)
def test_a_test_cell_earns_what_nbgrader_would_give(tmp_path, source, points):
    assert marks(tmp_path, source).marks == {"t0": points}


def test_an_error_ends_its_cell_and_not_the_notebook(tmp_path):
    done = marks(tmp_path, "seen = 1\n1 / 0", "seen + 1")
    assert done.marks == {"t0": 0, "t1": 2}
    assert done.errors == {"t0": "ZeroDivisionError: division by zero"}


def test_answers_and_results_take_the_place_of_what_is_there(tmp_path, results_text):
    source = "from teachkit.course.marking import own_results\nown_results('count')['count'] / 2"
    assert marks(tmp_path, "0", answers={"t0": source}, results=results_text).marks == {"t0": 2}


def test_cells_know_that_they_are_graded_and_work_in_their_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    here = os.getcwd()
    done = marks(tmp_path, "import os\nprint(os.environ['NBGRADER_EXECUTION'], os.getcwd())\n1")
    assert done.said == {0: f"autograde {tmp_path}\n"}
    assert (os.getcwd(), "NBGRADER_EXECUTION" in os.environ) == (here, False)
