"""The table of points says what the notebooks give."""

import json

from nbformat.v4 import new_markdown_cell
from typer.testing import CliRunner

from teachkit.cli.quiz import app
from teachkit.course.assessment.points import Item, items, page, totals


def test_a_question_has_its_number_title_and_points(make_quiz, parts):
    folder = make_quiz(parts)
    assert items(folder.parent) == [Item("01_topic", "quiz", "Q1", "Half", 2, "tests")]


def test_rows_of_a_challenge_and_texts_for_a_person_are_told_apart(make_quiz, parts):
    meta = dict(parts["q1"].metadata["nbgrader"])
    rows = "| points | for |\n|---|---|\n| 1 + 1 | both halves |"
    parts["intro"] = new_markdown_cell(rows, metadata={"nbgrader": meta | {"grade_id": "intro"}})
    text = new_markdown_cell("## Report (5 points, read by a person)")
    text.metadata["nbgrader"] = meta | {"grade_id": "report", "task": True, "points": 5}
    parts["report"] = text
    rows = items(make_quiz(parts, name="challenge").parent)
    assert [(row.name, row.title, row.points, row.by) for row in rows] == [
        ("", "both halves", 2, "tests"),
        ("Report", "", 5, "a person"),
    ]
    assert totals(rows) == {("01_topic", "challenge"): (2, 5)}


def test_the_page_of_the_course_is_what_its_notebooks_say(root):
    assert (root / "docs" / "points.md").read_text() == page(root / "quizzes" / "source"), (
        "teachkit quiz points --write"
    )


def test_totals_are_those_in_the_metadata_that_nbgrader_reads(root):
    for (topic, notebook), (tests, person) in totals(items(root / "quizzes" / "source")).items():
        path = root / "quizzes" / "source" / topic / f"{notebook}.ipynb"
        about = [cell["metadata"].get("nbgrader", {}) for cell in json.loads(path.read_text())["cells"]]
        assert tests == sum(cell["points"] for cell in about if cell.get("grade"))
        assert person == sum(cell["points"] for cell in about if cell.get("task"))


def test_every_row_of_a_quiz_has_a_title(root):
    assert not [row for row in items(root / "quizzes" / "source") if not row.title and row.name != "Report"]


def test_the_command_shows_the_page_or_writes_it(make_quiz, parts, tmp_path, monkeypatch):
    make_quiz(parts)
    for folder in ("notebooks", "docs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "notebooks" / "course.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert "| Q1 | Half | 2 | tests |" in CliRunner().invoke(app, ["points"]).output
    assert not (tmp_path / "docs" / "points.md").exists()
    assert CliRunner().invoke(app, ["points", "--write"]).exit_code == 0
    assert "| Q1 | Half | 2 | tests |" in (tmp_path / "docs" / "points.md").read_text()
