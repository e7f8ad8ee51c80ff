"""course.toml is read strictly: each mistake is one sentence that names the place and the value."""

from collections.abc import Callable

import pytest

from teachkit.course.declaration import Course, read_course
from teachkit.errors import LessonError, UnknownNameError

MakeCourse = Callable[..., Course]


def rewrite(course: Course, old: str, new: str) -> Course:
    """`course` read again after replacing `old` by `new` in its file, which must hold `old`."""
    path = course.notebooks / "course.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return read_course(course.root)


def test_the_course_of_this_checkout_is_valid(root) -> None:
    course = read_course(root)
    assert [lesson.id for lesson in course.lessons][:2] == ["00", "01"]


def test_every_part_of_a_lesson_is_read(make_course: MakeCourse, expectations: str) -> None:
    course = make_course(("t1", "good", expectations), ("t2", "reads_good", "", 'results_from = ["t1"]'))
    first, second = course.lessons
    assert first.bands[0].high == 0.55
    assert first.invariants[0].equals == 0
    assert first.budget["class"].gib == 0.5
    assert first.minutes.at("class") == 0.2
    assert second.results_from == ("t1",)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('question = "What', 'qestion = "What', "'question'.*Did you mean 'qestion'"),
        ("seeds = 20", "seeds = 19", "19 seeds.*at least 20"),
        ("low = 0.45", "low = 0.56", "low.*0.56.*0.55"),
        ('sizes = ["smoke"]', 'sizes = ["smok"]', "no size 'smok'.*'smoke'"),
        ('"three: the last"]', "]", "a list of 3 texts"),
        ("seconds = 5", 'seconds = "5"', "'seconds' is '5', expected a number"),
        ("[course]", "[course", "cannot be read"),
        ('cost = "nothing"', 'cost = ""', "a text that is not empty"),
        ('cost = "nothing"', 'cost = "nothing"\nextra = 1', "key 'extra' that means nothing"),
        ('cost = "nothing"', 'cost = "nothing"\nneeds = ["t9"]', "names 't9' in needs"),
    ],
)
def test_a_mistake_is_refused_with_its_place_and_value(
    make_course: MakeCourse, expectations: str, old: str, new: str, complaint: str
) -> None:
    course = make_course(("t1", "good", expectations))
    with pytest.raises((LessonError, UnknownNameError), match=f"(?s){complaint}"):
        rewrite(course, old, new)


def test_two_lessons_with_one_id_are_refused(make_course: MakeCourse) -> None:
    with pytest.raises(LessonError, match="Two lessons have the id 't1'"):
        make_course(("t1", "good"), ("t1", "raises"))


def test_an_unknown_lesson_gets_the_nearest_id(make_course: MakeCourse) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 't1'"):
        make_course(("t1", "good")).lesson("t11")


def test_a_lesson_brings_those_whose_results_it_reads(make_course: MakeCourse) -> None:
    course = make_course(("t1", "good"), ("t2", "raises"), ("t3", "reads_good", "", 'results_from = ["t1"]'))
    assert [lesson.id for lesson in course.select(["t3"])] == ["t1", "t3"]
    assert [lesson.id for lesson in course.select(["good.ipynb"])] == ["t1"]


def test_ranges_do_not_change_the_fingerprint_but_texts_do(
    make_course: MakeCourse, expectations: str
) -> None:
    course = make_course(("t1", "good", expectations))
    before = course.lessons[0].fingerprint()
    assert rewrite(course, "low = 0.45", "low = 0.40").lessons[0].fingerprint() == before
    assert rewrite(course, "One number", "One figure").lessons[0].fingerprint() != before
