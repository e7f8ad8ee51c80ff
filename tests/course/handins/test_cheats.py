"""Every way to points that is no answer: the score stays right, a person is told, and nobody else is touched.

Each cheat answers the first question honestly (2 points) and tries to get the 3 points of the second.
"""

import copy

import pytest
from nbformat.v4 import new_code_cell, new_output

from teachkit.course.handins import grade_class

pytestmark = [pytest.mark.xdist_group("box"), pytest.mark.slow]

# What stands in the answer of the second question, the right points, the kind of flag, and words of it.
IN_THE_ANSWER = {
    "blanks the tests": (
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])",
        2,
        ("reach", "changes cells before they run"),
    ),
    "rewrites the tests": (
        "import ast\n\n"
        "class Kind(ast.NodeTransformer):\n"
        "    def visit_Call(self, node):\n"
        "        return ast.Constant(3.0)\n\n"
        "get_ipython().ast_transformers.append(Kind())",
        2,
        ("reach", "ast_transformers"),
    ),
    "patches the marks": (
        "Marks.total = lambda self: self.points\nMarks.passed = lambda *_, **__: None",
        2,
        ("reach", "touches the marks"),
    ),
    "patches builtins": (
        "import builtins\nbuiltins.abs = lambda number: 0\nbuiltins.sum = lambda numbers: 0\ntotal = 0",
        2,
        ("reach", "Python's own names"),
    ),
    "replaces modules": (
        "import sys\nimport types\n\nfake = types.ModuleType('teachkit.course.marking')\n"
        "fake.Marks = type('Marks', (), {'total': lambda self: 3.0})\n"
        "sys.modules['teachkit.course.marking'] = fake",
        2,
        ("reach", "replaces modules"),
    ),
    "equals everything": (
        "class Yes(float):\n    def __eq__(self, other):\n        return True\n"
        "    def __sub__(self, other):\n        return 0.0\n\ntotal = Yes(1)",
        2,
        ("reach", "__eq__"),
    ),
    "overwrites the test data": (
        "with open('counts.csv', 'w') as file:\n    file.write('0\\n')\ntotal = 0",
        2,
        ("files", "counts.csv"),
    ),
    "reads the tests": (
        "import re\ntext = open('quiz.ipynb').read()\ntotal = 12 if re.search('HIDDEN TESTS', text) else 0",
        2,
        ("reach", "reads a notebook"),
    ),
    "ends the process": ("import os\nos._exit(0)", 2, ("ended", "ended the kernel")),
    "never ends": (
        "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass",
        2,
        ("ended", "could not be interrupted"),
    ),
    "makes processes": (
        "import os, time\nfor _ in range(99):\n    if not os.fork():\n        time.sleep(99)\ntime.sleep(60)",
        2,
        ("ended", "processes ran at once"),
    ),
    "fills the disk": (
        "for number in range(30_000):\n    open(f'{number}.txt', 'w').close()\nimport time\ntime.sleep(60)",
        2,
        ("ended", "files were written"),
    ),
    "prints points": (
        "print('total: right (3 of 3)')\nprint(3.0)",
        2,
        ("printed", "looks like points"),
    ),
    "asks the network": (
        "import urllib.request\ntotal = urllib.request.urlopen('http://169.254.169.254').read()",
        2,
        ("reach", "asks for the network"),
    ),
}


def edits_a_test(course):
    notebook = course.answered(q2="total = None")
    course.cell(notebook, "q2-test").source = "3.0"
    return notebook


def edits_the_setup(course):
    notebook = course.answered(q2="total = None")
    course.cell(notebook, "setup").source = "class Marks:\n    total = lambda self: 3.0"
    return notebook


def deletes_the_tests(course):
    notebook = course.answered(q2="total = None")
    notebook.cells = [one for one in notebook.cells if "-test" not in str(one.metadata)]
    return notebook


def doubles_a_test(course):
    notebook = course.answered(q2="total = None")
    double = copy.deepcopy(course.cell(notebook, "q2-test"))
    double.update(source="3.0", id="another")
    notebook.cells.append(double)
    return notebook


def makes_a_test_worth_more(course):
    notebook = course.answered(q2="total = None")
    course.cell(notebook, "q1-test").metadata["nbgrader"]["points"] = 5
    return notebook


def unlocks_a_test(course):
    notebook = course.answered(q2="total = None")
    test = course.cell(notebook, "q2-test")
    test.metadata["nbgrader"].update(grade=False, solution=True, locked=False)
    test.source = "3.0"
    return notebook


def invents_a_test(course):
    notebook = course.answered(q2="total = None")
    invented = {"grade": True, "grade_id": "q3-test", "locked": True, "points": 9, "schema_version": 3}
    mine = new_code_cell("9.0", metadata={"nbgrader": {**invented, "solution": False, "task": False}})
    notebook.cells.append(mine)
    return notebook


def fills_in_outputs(course):
    notebook = course.answered(q2="total = None")
    course.cell(notebook, "q2-test").outputs = [
        new_output("stream", text="total: right (3 of 3)\n"),
        new_output("execute_result", data={"text/plain": "3.0"}, execution_count=6),
    ]
    return notebook


def skips_a_test(course):
    notebook = course.answered(q2="total = None")
    course.cell(notebook, "q2-test").metadata["tags"] = ["skip-execution"]
    return notebook


def swaps_the_ids_of_anothers_work(course):
    notebook = copy.deepcopy(honest(course))
    first, second = (course.cell(notebook, f"q{number}-answer").metadata["nbgrader"] for number in (1, 2))
    first["grade_id"], second["grade_id"] = second["grade_id"], first["grade_id"]
    return notebook


FAKE = "class Marks:\n    def __getattr__(self, name):\n        return lambda *_, **__: 3.0\n"
FAKE += "    def __init__(self, *_, **__):\n        pass\n"
BRINGS_MODULES = "brings its own modules"

IN_THE_NOTEBOOK = {
    "edits a test": (edits_a_test, 2, ("locked", "text of the test was changed")),
    "edits the setup": (edits_the_setup, 2, ("locked", "text of the locked cell was changed")),
    "deletes the tests": (deletes_the_tests, 2, ("deleted", "test was deleted")),
    "doubles a test": (doubles_a_test, 2, ("double", "More than one cell has this id")),
    "makes a test worth more": (makes_a_test_worth_more, 2, ("settings", "points")),
    "unlocks a test": (unlocks_a_test, 2, ("settings", "grade, solution, locked")),
    "invents a test": (invents_a_test, 2, ("unknown", "no such cell")),
    "fills in outputs": (fills_in_outputs, 2, ("prefilled", "points as its output")),
    "skips a test": (skips_a_test, 2, ("settings", "tags")),
    "swaps the ids of another's work": (swaps_the_ids_of_anothers_work, 5, ("order", "exchanged")),
}
IN_THE_FOLDER = {
    BRINGS_MODULES: (FAKE, 2, ("files", "modules with the names of others, which were not used: teachkit")),
}
CHEATS = {name: cheat[1:] for name, cheat in {**IN_THE_ANSWER, **IN_THE_NOTEBOOK, **IN_THE_FOLDER}.items()}
MINE = "# every line is one number\ntotal_so_far = 0\nfor one_line in open('counts.csv'):\n"
MINE += "    total_so_far += int(one_line)\n# nothing else is in the file\ntotal = total_so_far"


def honest(course):
    """A right notebook with words of its own, handed in by one student and copied by another."""
    notebook = course.answered(q2=MINE)
    notebook.cells.insert(-1, new_code_cell("print('as I counted by hand')", id="own"))
    return notebook


@pytest.fixture(scope="module")
def graded(course):
    """Everybody's result by name; cheats, an honest student, one who did nothing, and a damaged file."""
    course.limit(40)
    for name, (answer, *_) in IN_THE_ANSWER.items():
        course.hand_in(name, course.answered(q2=answer))
    for name, (change, *_) in IN_THE_NOTEBOOK.items():
        course.hand_in(name, change(course))
    folder = course.hand_in(BRINGS_MODULES, course.answered(q2="total = None"))
    (folder / "teachkit" / "course").mkdir(parents=True)
    for name in ("__init__.py", "course/__init__.py", "course/marking.py"):
        (folder / "teachkit" / name).write_text(FAKE)
    course.hand_in("honest", honest(course))
    course.hand_in("untouched", course.released())
    course.hand_in("damaged", '{"cells": [')
    return {one.student: one for one in grade_class(course.root, course.exam, jobs=2)}


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_gets_the_points_of_its_honest_answers(graded, name):
    assert graded[name].state == "graded", graded[name].problem
    assert graded[name].score == CHEATS[name][0], graded[name]
    assert graded[name].max_score == 5


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_is_flagged_for_a_person(graded, name):
    kind, words = CHEATS[name][1]
    found = [flag for flag in graded[name].flags if flag.kind == kind and words in flag.text]
    assert found, graded[name].flags


def test_honest_work_earns_every_point_and_none_who_did_nothing(graded):
    assert (graded["honest"].score, graded["untouched"].score) == (5, 0)
    assert graded["untouched"].flags == ()


def test_work_of_another_is_named_on_both_sides_and_nowhere_else(graded):
    copier = "swaps the ids of another's work"
    named = {name: [flag for flag in one.flags if flag.kind == "alike"] for name, one in graded.items()}
    assert {name for name, flags in named.items() if flags} == {"honest", copier}
    assert "honest" in named[copier][0].text
    assert "own lines" in named[copier][0].text
    assert "drawn at random" in named[copier][1].text


def test_a_damaged_file_stops_no_other_and_is_told(graded):
    assert graded["damaged"].state == "failed"
    assert graded["damaged"].score == 0
    assert [flag.kind for flag in graded["damaged"].flags] == ["failed"]
    assert "JSON" in graded["damaged"].problem
    assert {one.state for name, one in graded.items() if name != "damaged"} == {"graded"}


def test_the_autograded_notebook_shows_no_points_that_a_student_wrote(graded, course):
    folder = course.root / "autograded" / "fills in outputs" / course.exam
    assert "right (3 of 3)" not in (folder / "quiz.ipynb").read_text()
    assert not list((course.root / "autograded").rglob("*.json"))
