"""Names of objects: what is built is read back, and nothing leaves its folder."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachkit.course.exchange import names
from teachkit.course.exchange.names import Attempt, FeedbackPage
from teachkit.errors import ExchangeRefusedError

TOKEN = "0123456789abcdef" * 2
WORDS = st.text(min_size=1, max_size=16).filter(
    lambda text: text.isprintable() and "/" not in text and text not in {".", ".."}
)
STUDENTS = st.from_regex(names.STUDENT, fullmatch=True).filter(lambda name: name not in names.SHARED_USERS)


@settings(deadline=None)
@given(WORDS, STUDENTS, WORDS, WORDS)
def test_every_name_that_is_built_is_read_back(
    course: str, student: str, assignment: str, notebook: str
) -> None:
    attempt = Attempt(course, student, assignment, names.new_token())
    page = FeedbackPage(attempt, notebook)
    assert names.read_attempt(names.attempt(attempt)) == attempt
    assert names.read_feedback_page(names.feedback_page(page)) == page
    assert names.read_release(names.release(course, assignment)) == (course, assignment)


@settings(deadline=None)
@given(WORDS, STUDENTS, WORDS)
def test_an_attempt_lies_in_the_folder_of_its_student(course: str, student: str, assignment: str) -> None:
    name = names.attempt(Attempt(course, student, assignment, TOKEN))
    assert name.startswith(names.inbound(course, student))
    assert name.count("/") == 4


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_other_name_is_no_attempt(name: str) -> None:
    assert names.read_attempt(name) is None
    assert names.read_release(name) is None or names.release(*names.read_release(name)) == name  # type: ignore[misc]


@pytest.mark.parametrize(
    "name",
    [
        f"c/inbound/jupyter/ps1/{TOKEN}.tar.gz",
        f"c/inbound/ada/ps1/{TOKEN[:-1]}.tar.gz",
        f"c/inbound/ada/ps1/{TOKEN.upper()}.tar.gz",
        f"c/inbound/ada/ps1/{TOKEN}.tar.gz/more",
        f"c/inbound/ada/%70s1/{TOKEN}.tar.gz",
        f"c/inbound/a%2Fda/ps1/{TOKEN}.tar.gz",
        f"c/inbound/../ps1/{TOKEN}.tar.gz",
        f"c/inbound/bob/../ada/ps1/{TOKEN}.tar.gz",
        f"c/inbound/bob//ps1/{TOKEN}.tar.gz",
        f"c/outbound/ada/ps1/{TOKEN}.tar.gz",
    ],
)
def test_a_name_with_a_second_spelling_or_in_another_folder_is_ignored(name: str) -> None:
    assert names.read_attempt(name) is None


@pytest.mark.parametrize(
    "student", ["jupyter", "root", "", "*", "a+b", "../ada", "ada/bob", ".ada", "ä", "a\n"]
)
def test_what_cannot_be_a_student_is_refused(student: str) -> None:
    with pytest.raises(ExchangeRefusedError):
        names.check_student(student)


@pytest.mark.parametrize("course", ["", "..", "a/b", "a\x00", "x" * 300])
def test_what_cannot_be_a_course_is_refused(course: str) -> None:
    with pytest.raises(ExchangeRefusedError, match="cannot be the name of a course id"):
        names.releases(course)


def test_one_students_folder_is_not_the_beginning_of_anothers() -> None:
    name = names.attempt(Attempt("c", "ada2", "ps1", TOKEN))
    assert not name.startswith(names.inbound("c", "ada"))
    assert not name.startswith(names.inbound("c2", "ada2"))
