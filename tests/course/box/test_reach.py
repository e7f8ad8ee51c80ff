"""What is told about an answer's text, and that ordinary answers are left in peace."""

import json

import pytest

from teachkit.course.box.reach import reaches


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("get_ipython().input_transformers_cleanup.append(f)", "changes cells before they run"),
        ("from builtins import abs", "Python's own names"),
        ("import sys\nsys.modules['x'] = 1", "replaces modules"),
        ("try:\n    pass\nexcept:\n    pass", "swallows interruptions"),
        ("import os\nos._exit(0)", "ends the process"),
        ("!ls ..", "starts programs"),
        ("open('quiz.ipynb')", "reads a notebook"),
        ("class A:\n    def __eq__(self, other):\n        return True", "what equals what"),
        ("Marks.total = 1", "touches the marks"),
        ("import urllib.request", "asks for the network"),
    ],
)
def test_a_reach_is_told_with_its_purpose(source, words):
    assert any(words in said for said in reaches(source))


@pytest.mark.parametrize(
    "source",
    [
        "%matplotlib inline\nimport numpy as np\nx = np.arange(3).sum()",
        "# I looked at marks and modules\nanswer = 'b'",
        "def solve(train):\n    try:\n        return train.mean()\n    except ValueError:\n        raise",
        "this is no Python (",
    ],
)
def test_ordinary_answers_and_comments_reach_for_nothing(source):
    assert reaches(source) == []


def test_the_same_reach_is_told_once():
    assert len(reaches("import gc\ngc.collect()\ngc.get_objects()")) == 1


def test_our_own_solutions_reach_for_nothing(root):
    for path in sorted((root / "quizzes" / "source").glob("*/*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("solution"):
                assert reaches("".join(cell["source"])) == [], (path.parent.name, path.name)
