"""A new quiz runs, keeps its promises, and says what is left to write."""

import pytest
from typer.testing import CliRunner

from teachkit.cli.quiz import app
from teachkit.course.assessment.check import check_topic
from teachkit.course.assessment.template import write_templates
from teachkit.course.assignments import check_assignments
from teachkit.errors import LessonError


def test_only_more_questions_are_left_to_write(isolated, tmp_path):
    quiz, *_ = write_templates(tmp_path / "quizzes", "09", "09_topic")
    assert check_assignments(quiz.parents[1]) == []
    assert [fault.message for fault in check_topic(quiz.parent)] == [
        "It has 2 questions; a quiz has at least 8.",
        "1 tests take their key from the student's own run; at least 2 should.",
    ]


def test_nothing_is_overwritten(tmp_path):
    paths = write_templates(tmp_path, "09", "09_topic")
    paths[0].unlink()
    paths[1].write_text("my own")
    with pytest.raises(LessonError, match=r"challenge\.ipynb is there already"):
        write_templates(tmp_path, "09", "09_topic")
    assert not paths[0].exists()
    assert paths[1].read_text() == "my own"


def test_the_command_names_the_topic_after_the_lesson_and_says_what_comes_next(root, monkeypatch, tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "course.toml").write_bytes((root / "notebooks" / "course.toml").read_bytes())
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["new", "03"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "quizzes" / "keys" / "03_segmentation.toml").is_file()
    assert "teachkit quiz check 03" in result.output
