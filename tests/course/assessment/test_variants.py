"""Numbers that differ by student and term, and stay what they were when a submission is graded."""

import pytest
from nbformat.v4 import new_notebook
from traitlets.config import Config

from teachkit.course.assessment.naming import NameStudent
from teachkit.course.assessment.variants import VARIANT, draw, variant
from teachkit.errors import LessonError


@pytest.fixture(autouse=True)
def at_the_desk(monkeypatch, tmp_path):
    """No term, no student, nothing graded."""
    for name in ("TEACHKIT_TERM", "TEACHKIT_STUDENT", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def numbers(monkeypatch):
    """`numbers(student, term, question)`: what this student sees at the desk."""

    def see(student="ada", term="autumn", question="q1"):
        monkeypatch.setenv("TEACHKIT_STUDENT", student)
        monkeypatch.setenv("TEACHKIT_TERM", term)
        return tuple(draw(question).integers(0, 1000, 8))

    return see


@pytest.fixture
def grade(monkeypatch, tmp_path):
    """`grade(student, term, question)`: what the test sees when this student's folder is graded."""

    def see(student="ada", term="autumn", question="q1"):
        step = NameStudent(config=Config({"NameStudent": {"term": term}}))
        resources = {"metadata": {"path": str(tmp_path)}, "nbgrader": {"student": student}}
        step.preprocess(new_notebook(), resources)
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        monkeypatch.delenv("TEACHKIT_STUDENT", raising=False)
        return tuple(draw(question).integers(0, 1000, 8))

    return see


def test_numbers_are_the_same_again_and_differ_by_student_term_and_question(numbers):
    assert numbers() == numbers()
    others = [numbers("ben"), numbers(term="spring"), numbers(question="q2")]
    assert len({numbers(), *others}) == 4


def test_grading_draws_what_the_student_saw(numbers, grade):
    seen = numbers()
    assert grade() == seen


def test_without_a_term_all_have_the_same_numbers_at_the_desk_and_in_grading(numbers, grade):
    assert numbers("ada", "") == numbers("ben", "") == grade("cem", "")


def test_a_file_that_came_with_the_submission_counts_for_nothing(tmp_path, numbers, grade):
    mine, friends = numbers("ada"), numbers("ben")
    (tmp_path / VARIANT).write_text(variant("autumn", "ben"))
    assert grade("ada") == mine != friends
    (tmp_path / VARIANT).write_text(variant("autumn", "ben"))
    assert grade("ada", "") != friends
    assert not (tmp_path / VARIANT).exists()


def test_at_the_desk_such_a_file_counts_for_nothing_either(tmp_path, numbers):
    mine = numbers("ada")
    (tmp_path / VARIANT).write_text(variant("autumn", "ben"))
    assert numbers("ada") == mine


def test_a_term_without_a_student_is_refused_with_what_to_set(monkeypatch):
    monkeypatch.setenv("TEACHKIT_TERM", "autumn")
    with pytest.raises(LessonError, match="Set TEACHKIT_STUDENT to your student id"):
        draw("q1")


@pytest.mark.parametrize("text", ["", "[]", '{"term": "autumn"}', "\\xff"])
def test_a_damaged_file_is_named(tmp_path, monkeypatch, text):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    (tmp_path / VARIANT).write_text(text)
    with pytest.raises(LessonError, match=r"variant\.json cannot be read"):
        draw("q1")
