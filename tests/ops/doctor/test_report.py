"""The file that a student sends: it lists what it holds, and holds none of the planted secrets."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from teachkit.course.condition import Check
from teachkit.errors import SettingsError
from teachkit.ops.doctor.last_run import last_error, last_results
from teachkit.ops.doctor.report import CONTENTS, write_report

CHECKS = [
    Check("python", "ok", "Python 3.12.1."),
    Check(
        "data bucket", "problem", "No answer for ada@uni.org.", "Mend it.", {"key": "ya29.planted-in-details"}
    ),
]
PLANTED = ("ada@uni.org", "planted", "correcthorse", "hunter2", "/srv/people/ada")


def notebook(path: Path, *outputs: dict, source: str = "1 / 0") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [{"cell_type": "markdown", "source": ["# Title"]}]
    cells.append({"cell_type": "code", "source": [source], "outputs": list(outputs)})
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}))


def error(*traceback: str) -> dict:
    return {
        "output_type": "error",
        "ename": "ZeroDivisionError",
        "evalue": "zero",
        "traceback": list(traceback),
    }


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course after a run that failed, on a machine full of secrets; the working directory."""
    root = tmp_path / "course"
    for lesson, at in (("01", 10), ("02", 20)):
        results = root / "notebooks" / "results" / lesson / "results.json"
        results.parent.mkdir(parents=True)
        results.write_text(json.dumps({"lesson": lesson, "values": {"note": {"value": "by ada@uni.org"}}}))
        os.utime(results, (at, at))
    (root / "notebooks" / "course.toml").write_text("")
    notebook(
        root / "notebooks" / "01.ipynb",
        error("\x1b[31mZeroDivisionError\x1b[0m in /srv/people/ada/x.py", "token=hunter2"),
        source="KEY = 'AIzaplanted-in-a-cell'\nprint('correcthorse')\n1 / 0",
    )
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", "/srv/people/ada")
    monkeypatch.setenv("GITHUB_TOKEN", "correcthorse")
    monkeypatch.setenv("TEACHKIT_BUCKET", "gs://public")
    monkeypatch.setenv("TEACHKIT_EXCHANGE", "gs://class?token=hunter2")
    return root


def test_the_report_holds_what_it_lists_and_no_secret(course: Path) -> None:
    target = course / "report.zip"
    listing = write_report(target, CHECKS)
    with zipfile.ZipFile(target) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(files) == {
        CONTENTS,
        "doctor.txt",
        "doctor.json",
        "settings.json",
        "packages.txt",
        "results.json",
        "error.txt",
    }
    assert {line.partition(":")[0] for line in listing} == set(files) - {CONTENTS}
    assert all(line in files[CONTENTS] for line in listing)
    for name, text in files.items():
        assert [secret for secret in PLANTED if secret in text] == [], name
    assert json.loads(files["doctor.json"])["checks"][1]["state"] == "problem"
    assert json.loads(files["settings.json"])["TEACHKIT_BUCKET"] == "gs://public"
    assert json.loads(files["results.json"])["lesson"] == "02"
    assert "notebooks/01.ipynb, cell 2" in files["error.txt"]
    assert "ZeroDivisionError in ~/x.py" in files["error.txt"]
    assert "\nnumpy==" in files["packages.txt"]


def test_a_name_of_two_words_is_removed_where_a_line_would_break(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET", "correct horse battery")
    found = "word " * 15 + "correct horse battery staple"
    write_report(course / "r.zip", [Check("data", "ok", found)])
    with zipfile.ZipFile(course / "r.zip") as archive:
        page = archive.read("doctor.txt").decode()
    assert "horse" not in page
    assert "[MY_SECRET]" in page


def test_the_newest_results_and_the_newest_error_count(course: Path) -> None:
    assert last_results(course)[0] == "notebooks/results/02/results.json"
    notebook(course / "build" / "lessons" / "03" / "executed.ipynb", error("later"), source="late()")
    os.utime(course / "notebooks" / "01.ipynb", (1, 1))
    found = last_error(course)
    assert found is not None
    assert (found.notebook, found.source) == ("build/lessons/03/executed.ipynb", "late()")


def test_an_error_without_a_traceback_keeps_its_name(course: Path) -> None:
    notebook(course / "notebooks" / "01.ipynb", error())
    assert last_error(course).traceback == "ZeroDivisionError: zero"


def test_what_is_damaged_is_passed_over(course: Path) -> None:
    (course / "notebooks" / "results" / "02" / "results.json").write_text("{")
    (course / "notebooks" / "01.ipynb").write_text("[]")
    assert last_results(course)[0] == "notebooks/results/01/results.json"
    assert last_error(course) is None


def test_away_from_a_course_there_is_a_report_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(write_report(tmp_path / "r.zip", CHECKS)) == 4


def test_a_folder_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is a folder"):
        write_report(tmp_path, CHECKS)
