"""`teachkit course autograde`: what it prints for a class, and how it ends."""

import pytest
from click.testing import CliRunner

from teachkit.cli.main import command
from teachkit.course import handins
from teachkit.course.box.flags import Flag
from teachkit.course.handins import Marked

FLAG = Flag("locked", "quiz", "q1-test", "The text of the test was changed; it was put back.")
ADA = Marked("ada", "graded", 4.2, 7, 10, 5, flags=(FLAG,))
BOB = Marked("bob", "unchanged", 0.0, 10, 10)
CEM = Marked("cem", "failed", 1.0, 0, 10, problem="NotJSONError: it is no notebook")


@pytest.fixture
def asked(monkeypatch):
    """Grading replaced by three results, or those in `asked["results"]`; what was asked for."""
    noted = {"results": [ADA, BOB]}

    def grade(course, assignment, *, on_done, **options):
        noted.update(options, assignment=assignment, course=course)
        for count, one in enumerate(noted["results"], start=1):
            on_done(one, count, len(noted["results"]))
        return noted["results"]

    monkeypatch.setattr(handins, "grade_class", grade)
    return noted


def run(*arguments):
    done = CliRunner().invoke(command(), ["course", "autograde", *arguments], catch_exceptions=False)
    return done.exit_code, done.output


def test_points_and_flags_are_listed_by_student(asked):
    code, said = run("01_classification")
    assert code == 0
    assert "1 of 2 ada: graded, 4.2 s" in said
    assert "2 of 2 bob: unchanged, as before" in said
    assert "ada: 7 of 10 and 5 by hand\n  look at quiz q1-test: The text of the test was changed" in said
    assert "bob: 10 of 10\n" in said


def test_one_that_could_not_be_graded_ends_with_an_error_after_all_others(asked):
    asked["results"] = [CEM, BOB]
    code, said = run("01_classification")
    assert code == 1
    assert "cem: failed, NotJSONError" in said
    assert "Could not be graded: cem." in said
    assert "bob: 10 of 10" in said


def test_options_reach_the_grading(asked, tmp_path):
    run("exam", "--student", "ada", "--student", "bob", "--jobs", "3", "--again", "--course", str(tmp_path))
    expected = {
        "students": ["ada", "bob"],
        "jobs": 3,
        "again": True,
        "assignment": "exam",
        "course": tmp_path,
    }
    assert {name: asked[name] for name in expected} == expected
