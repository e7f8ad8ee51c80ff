"""Points from elsewhere in the gradebook."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from teachkit.course.gradebook.entering import enter
from teachkit.course.gradebook.exporting import canvas
from teachkit.course.gradebook.reading import read_grades
from teachkit.course.roster import Entry, Roster
from teachkit.errors import LessonError, SettingsError

SENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
DUE = datetime(2026, 11, 21, 1, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture
def book(make_book):
    """A gradebook in which ada has one assignment."""
    return make_book({"ada": {"ps1": (2, 4, 4)}}, assignments=("ps1",))


def told(book):
    """student → score of the challenge; nan is left out."""
    rows = read_grades(book).of(["cells"]).submissions.dropna(subset=["score"])
    return dict(zip(rows["student"], rows["score"], strict=True))


def test_points_become_an_assignment_of_their_own_and_others_stay(book):
    before = read_grades(book).of(["ps1"]).submissions.set_index("student").loc["ada"]
    assert enter(book, "cells", {"ada": (5, SENT), "ben": (0, SENT)}, 7, DUE) == ["ada", "ben"]
    found = read_grades(book)
    row = found.of(["cells"]).submissions.set_index("student").loc["ada"]
    assert (row["score"], row["max_score"], row["waiting"]) == (5, 7, False)
    assert (row["handed_in"], row["due"]) == (datetime(2026, 11, 20, 12), datetime(2026, 11, 21, 0))
    assert row["late_s"] == 0
    assert told(book) == {"ada": 5, "ben": 0}
    assert found.of(["ps1"]).submissions.set_index("student").loc["ada"].equals(before)


def test_they_go_into_the_grade_file(book):
    enter(book, "cells", {"ada": (5, SENT)}, 7)
    sheet = canvas(read_grades(book).of(["cells"]), Roster((Entry("ada", "ada@example.org"),)))
    assert sheet.top[1][-1] == "7"
    assert sheet.body["ada"][-1] == "5"


def test_a_second_time_only_what_changed_is_named_and_who_lost_points_has_none(book):
    first = {"ada": (5, SENT), "ben": (2, SENT), "eve": (2, SENT)}
    enter(book, "cells", first, 7)
    assert enter(book, "cells", first, 7) == []
    assert enter(book, "cells", {"ada": (7, SENT), "ben": (2, SENT)}, 7) == ["ada", "eve"]
    assert told(book) == {"ada": 7, "ben": 2}
    assert len(read_grades(book).of(["cells"]).cells) == 2


def test_an_assignment_with_notebooks_is_not_touched(book):
    before = read_grades(book).submissions
    with pytest.raises(LessonError, match="points come from grading"):
        enter(book, "ps1", {"ada": (0, SENT)}, 7)
    assert read_grades(book).submissions.equals(before)


def test_without_a_gradebook_nothing_is_made(tmp_path):
    with pytest.raises(SettingsError, match="no gradebook"):
        enter(tmp_path / "gradebook.db", "cells", {}, 7)
    assert list(tmp_path.iterdir()) == []
