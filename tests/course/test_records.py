"""What lessons record: written whole, plain JSON, and placed beside a quiz."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from teachkit.course import Run, place_results, record, records
from teachkit.errors import LessonError


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A begun run that is forgotten after the test."""
    monkeypatch.setattr(records, "_current", None)
    begun = Run(lesson="t1", size="smoke", seed=3, out=tmp_path / "out", data="digits")
    records.begin(begun)
    return begun


def kept(run: Run) -> dict:
    return json.loads((run.out / "results.json").read_text())


def test_a_record_holds_run_versions_and_values(run: Run) -> None:
    record("auc", np.float64(0.75), interval=(0.7, 0.8), unit="")
    record("names", "lite0")
    content = kept(run)
    assert {key: content[key] for key in ("lesson", "size", "seed", "data")} == {
        "lesson": "t1",
        "size": "smoke",
        "seed": 3,
        "data": "digits",
    }
    assert content["versions"]["numpy"] == np.__version__
    assert content["values"]["auc"] == {"value": 0.75, "interval": [0.7, 0.8], "unit": ""}


def test_a_record_holds_when_the_lesson_began_and_when_it_last_found_something(run: Run) -> None:
    begun = kept(run)["times"]
    record("auc", 0.5)
    times = {name: datetime.fromisoformat(moment) for name, moment in kept(run)["times"].items()}
    assert set(begun) == {"begun"}
    assert times["begun"] <= times["last"] <= datetime.now(UTC)


@pytest.mark.parametrize("value", [1, 0.5, True, "text", [1, 2.5]])
def test_plain_values_come_back_as_they_were(run: Run, value: object) -> None:
    record("x", value)
    back = kept(run)["values"]["x"]["value"]
    assert back == value
    assert type(back) is type(value)


def test_arrays_become_lists(run: Run) -> None:
    record("by_seed", np.array([0.5, 0.25], dtype=np.float32))
    assert kept(run)["values"]["by_seed"]["value"] == [0.5, 0.25]


@pytest.mark.parametrize(
    "value", [float("nan"), np.inf, [1.0, float("nan")], {"a": 1}, None, [[1, 2]], ["a"]]
)
def test_what_cannot_be_kept_is_refused_by_name(run: Run, value: object) -> None:
    with pytest.raises(LessonError, match="'x'"):
        record("x", value)
    assert "x" not in kept(run)["values"]


def test_an_unknown_interval_is_kept_as_unknown_and_a_reversed_one_refused(run: Run) -> None:
    record("x", 1.0, interval=(float("nan"), float("nan")))
    assert kept(run)["values"]["x"]["interval"] is None
    with pytest.raises(LessonError, match=r"from 2.0 down to 1.0"):
        record("x", 1.0, interval=(2, 1))


def test_a_new_run_forgets_the_values_of_the_old_one(run: Run) -> None:
    record("x", 1)
    records.begin(run)
    assert kept(run)["values"] == {}


def test_without_a_run_the_folder_of_the_environment_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_current", None)
    monkeypatch.delenv("TEACHKIT_OUT", raising=False)
    with pytest.raises(LessonError, match=r"course\.preflight"):
        record("x", 1)
    monkeypatch.setenv("TEACHKIT_OUT", str(tmp_path / "elsewhere"))
    record("x", 1)
    assert json.loads((tmp_path / "elsewhere" / "results.json").read_text())["values"]["x"]["value"] == 1


def write(path: Path, seed: int, age: float) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"seed": seed, "values": {}}))
    os.utime(path, (1e9 - age, 1e9 - age))


@pytest.fixture
def quiz(make_course, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a quiz inside a small course."""
    monkeypatch.delenv("TEACHKIT_RESULTS", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    folder = make_course(("t1", "good")).root / "quizzes" / "t1"
    folder.mkdir(parents=True)
    return folder


def test_the_newest_results_are_placed_beside_the_quiz(quiz: Path) -> None:
    root = quiz.parents[1]
    write(root / "notebooks" / "results" / "t1" / "results.json", seed=1, age=10)
    write(root / "build" / "lessons" / "t1" / "results.json", seed=2, age=5)
    placed = place_results("t1", folder=quiz)
    assert placed == quiz / "results.json"
    assert json.loads(placed.read_text())["seed"] == 2


def test_grading_keeps_the_results_that_were_handed_in(quiz: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(quiz.parents[1] / "build" / "lessons" / "t1" / "results.json", seed=2, age=5)
    (quiz / "results.json").write_text('{"seed": 7, "values": {}}')
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert json.loads(place_results("t1", folder=quiz).read_text())["seed"] == 7


def test_a_lesson_that_was_not_run_has_no_results(quiz: Path) -> None:
    with pytest.raises(LessonError, match="teachkit run t1"):
        place_results("t1", folder=quiz)


def test_damaged_results_are_refused_by_path(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("{")
    with pytest.raises(LessonError, match=r"results\.json cannot be read"):
        records.read_results(path)
    path.write_text("[]")
    with pytest.raises(LessonError, match="does not hold the results"):
        records.read_results(path)
