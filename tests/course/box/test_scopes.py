"""Which names belong to the tests of a notebook."""

import pytest

from teachkit.course.box.scopes import as_python, made


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import numpy as np\nfrom os import path", {"np", "path"}),
        ("def f(x):\n    y = x\n    return y", {"f"}),
        ("for i in range(3):\n    a, (b, *c) = 1, (2, 3)", {"i", "a", "b", "c"}),
        ("try:\n    pass\nexcept ValueError as problem:\n    pass", {"problem"}),
        ("def f():\n    global g\n    g = 1", {"f", "g"}),
        ("[x for x in range(3)]", set()),
        ("%matplotlib inline\nafter = 1", {"after"}),
        ("this is no Python", set()),
    ],
)
def test_made_are_the_global_names_of_a_cell(source, names):
    assert made([source]) == names


def test_magics_become_calls_and_what_is_no_python_becomes_nothing():
    assert "run_line_magic" in as_python("%matplotlib inline\nx = 1")
    assert as_python("x = = 1") == ""
