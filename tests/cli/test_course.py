"""`teachkit run`, `report` and `check` call the rooms, print what matters and tell by their exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from click.testing import CliRunner, Result

from teachkit.cli.main import command
from teachkit.course import runner
from teachkit.course.box.walls import Room
from teachkit.course.execution import Execution

CONTENT = """
[course]
title = "A course"
version = "1"
[[lesson]]
id = "t1"
file = "one.ipynb"
title = "One"
question = "Why?"
take_home = "So."
terms = ["a", "b", "c"]
not_shown = "Much."
next = "Nothing."
licence = "none"
cost = "nothing"
can_do = ["see"]
minutes = { reading = 1, smoke = 1, class = 1, full = 1 }
sanity = [{ name = "score", low = 0, high = 1 }]
[lesson.budget]
smoke = { seconds = 5, gib = 1 }
class = { seconds = 5, gib = 1 }
full = { seconds = 5, gib = 1 }
"""


@pytest.fixture
def score(tmp_path: Path, offline: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A course as working directory whose lesson is not executed but records `score.value`."""
    chosen = SimpleNamespace(value=0.5, parameters=None, threads=None, room=None)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "course.toml").write_text(CONTENT)
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "notebooks" / "one.ipynb")
    monkeypatch.chdir(tmp_path)

    def execute(
        _: Path, target: Path, *, parameters: dict, environment: dict, room: Room | None, **__: object
    ) -> Execution:
        chosen.parameters, chosen.room = parameters, room
        content = {"lesson": "t1", "size": parameters["SIZE"], "data": ""}
        content["values"] = {"score": {"value": chosen.value, "interval": None, "unit": ""}}
        (target.parent / "results.json").write_text(json.dumps(content))
        nbformat.write(nbformat.v4.new_notebook(), target)
        return Execution(seconds=1.0, peak_gib=0.1, cells=0, failure=None)

    monkeypatch.setattr(runner, "execute", execute)
    return chosen


@pytest.fixture
def call() -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(command(), list(arguments))


def test_a_sound_run_ends_with_zero_names_its_source_and_writes_the_report(score, call) -> None:
    done = call("run", "--no-grade")
    assert done.exit_code == 0, done.output
    assert "Data: TEACHKIT_OFFLINE=1 (embedded sets only)" in done.output
    assert "All well: t1 One" in done.output
    assert Path("build/report/index.html").is_file()


def test_a_missed_range_ends_with_one_and_the_sentence(score, call) -> None:
    score.value = 1.5
    done = call("run", "t1", "--no-grade", "--out", "elsewhere")
    assert done.exit_code == 1
    assert "Lesson t1: 'score' is 1.5, outside its sanity range of 0 to 1." in done.output
    assert Path("elsewhere/report/index.html").is_file()


def test_a_missed_range_of_an_unchanged_lesson_fails_again_without_a_new_run(score, call) -> None:
    score.value = 1.5
    call("run", "--no-grade")
    score.value = 0.5
    done = call("run", "--no-grade")
    assert "unchanged, skipped" in done.output
    assert done.exit_code == 1
    assert call("run", "--no-grade", "--force").exit_code == 0


def test_size_seed_and_folder_reach_the_notebook(score, call) -> None:
    call("run", "--no-grade", "--no-report", "--size", "class", "--seed", "7", "--out", "elsewhere")
    assert score.parameters == {
        "SIZE": "class",
        "SEED": 7,
        "OUT": str(Path("elsewhere/lessons/t1").resolve()),
    }
    assert not Path("elsewhere/report").exists()


def test_a_lesson_in_a_box_may_write_to_its_own_results_and_nowhere_else(score, call) -> None:
    call("run", "--no-grade", "--no-report", "--sandbox")
    assert score.room.write == (Path("build/lessons/t1"),)
    assert not score.room.writable
    call("run", "--no-grade", "--no-report", "--force")
    assert score.room is None


def test_report_judges_what_is_there_without_running(score, call) -> None:
    done = call("report", "--no-grade")
    assert done.exit_code == 1
    assert "Lesson t1 has not been run" in done.output
    assert score.parameters is None
    call("run", "--no-grade", "--no-report")
    assert call("report", "--no-grade").exit_code == 0


def test_check_lists_what_to_mend_and_ends_with_one(score, call) -> None:
    done = call("check")
    assert done.exit_code == 1
    assert "the section '## Objectives' is missing" in done.output
    assert "cloudbuild.yaml does not agree" in done.output
