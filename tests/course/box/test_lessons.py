"""Lessons in a box: they finish as ever, and reach nothing but what a lesson needs."""

import io
import json

import pytest
from rich.console import Console

from teachkit.course.box.walls import Room, walls
from teachkit.course.progress import RunProgress
from teachkit.course.runner import Options, run_lessons

pytestmark = [pytest.mark.xdist_group("box"), pytest.mark.slow]

REACHES_OUT = """
import os
import socket
from pathlib import Path

def attempt(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"

course.record("network", attempt(lambda: socket.create_connection(("169.254.169.254", 80), timeout=5)))
course.record("beside", attempt(lambda: Path("new.txt").write_text("x")))
course.record("other_lesson", attempt(lambda: Path(OUT).parent.joinpath("t1", "new.txt").write_text("x")))
course.record("own_folder", attempt(lambda: Path(OUT).joinpath("new.txt").write_text("x")))
course.record("solutions", Path("../quizzes/source").exists())
course.record("secret", os.environ.get("KEY", "none"))
"""


@pytest.fixture
def boxed_course(need_box, make_course, monkeypatch):
    """Three lessons run in a box: a good one, one that reads its results, one that reaches out."""
    course = make_course(
        ("t1", "good"),
        ("t7", "reads_good", "", 'results_from = ["t1"]'),
        ("t8", "tells_environment"),
    )
    notebook = course.notebooks / "tells_environment.ipynb"
    content = json.loads(notebook.read_text())
    telling = next(cell for cell in content["cells"] if "TEACHKIT_HEADLESS" in "".join(cell["source"]))
    telling["source"] = REACHES_OUT
    notebook.write_text(json.dumps(content))
    (course.root / "quizzes" / "source").mkdir(parents=True)
    monkeypatch.setenv("KEY", "secret of the instructor")
    out = course.root / "build"
    with RunProgress(Console(file=io.StringIO())) as progress:
        statuses = run_lessons(course, course.lessons, Options(out=out, sandbox=True), progress)
    assert {name: status.state for name, status in statuses.items()} == dict.fromkeys(
        ("t1", "t7", "t8"), "finished"
    ), statuses
    return out


def test_lessons_run_in_a_box_and_reach_only_what_they_need(boxed_course):
    values = {
        name: {key: entry["value"] for key, entry in json.loads(path.read_text())["values"].items()}
        for name in ("t1", "t7", "t8")
        for path in [boxed_course / "lessons" / name / "results.json"]
    }
    assert values["t1"]["answer"] == 42
    assert values["t7"] == {"seen": True}
    assert values["t8"] == {
        "network": "OSError",
        "beside": "OSError",
        "other_lesson": "OSError",
        "own_folder": "done",
        "solutions": False,
        "secret": "none",
    }


def test_further_folders_are_named_after_the_one_it_runs_in(tmp_path):
    for name in ("here", "read", "read/write"):
        (tmp_path / name).mkdir()
    room = Room(writable=False, read=(tmp_path / "read",), write=(tmp_path / "read" / "write",))
    line = walls(tmp_path / "here", room=room, environment={})
    at = [line.index(str(tmp_path / name)) for name in ("here", "read", "read/write")]
    assert at == sorted(at)  # the last one wins where one lies in another
    assert [line[place - 1] for place in at] == ["--ro-bind", "--ro-bind-try", "--bind"]
