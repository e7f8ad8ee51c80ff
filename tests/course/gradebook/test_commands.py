"""The commands around grades, and the plug-ins of ``nbgrader export``."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from teachkit.cli.main import command
from teachkit.course.gradebook.exporting import CanvasExport, MoodleExport

ROSTER = "student,principal,name,extensions\nada,ada@uni.org,Ada,\nzoe,zoe@uni.org,Zoe,\n"


@pytest.fixture
def course(make_book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course folder with a gradebook and a roster; Ada handed in, Zoe did not."""
    make_book({"ada": {"ps1": (2, 4, 4)}}, assignments=("ps1",))
    (tmp_path / "roster.csv").write_text(ROSTER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(command(), ["course", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_grades_are_exported_for_the_students_of_the_roster(course: Path) -> None:
    assert run("export", "moodle", "grades.csv") == "grades.csv: 2 students, 1 assignments.\n"
    assert (course / "grades.csv").read_text().splitlines() == [
        "Username,Email address,ps1 (of 12)",
        "ada,ada@uni.org,12",
        "zoe,zoe@uni.org,",
    ]


def test_items_of_a_small_class_come_without_figures(course: Path) -> None:
    said = run("items", "ps1")
    assert "fewer than 5 students" in said
    assert "No question with choices is graded yet." in said


def test_the_list_of_students_at_risk_names_the_reason(course: Path) -> None:
    assert run("at-risk") == "0 students listed.\n"  # nothing is due before 2030
    book = Gradebook(f"sqlite:///{course / 'gradebook.db'}")
    book.update_or_create_assignment("ps1", duedate="2020-01-01")
    book.close()
    assert "zoe: never handed in ps1" in run("at-risk")


def test_without_results_there_are_no_times(course: Path) -> None:
    assert run("times") == "Nobody has handed in results yet.\n"


@pytest.mark.parametrize(("plugin", "name"), [(CanvasExport, "canvas.csv"), (MoodleExport, "moodle.csv")])
def test_nbgrader_export_writes_the_same_file(course: Path, plugin: type, name: str) -> None:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        plugin().export(book)
    written = (course / name).read_text()
    run("export", name.removesuffix(".csv"), name)
    assert (course / name).read_text() == written
    assert "ada" in written
