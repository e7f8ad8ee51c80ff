"""Grade files for Canvas and Moodle."""

import csv
from pathlib import Path
from typing import Any

import pytest

from teachkit.course.gradebook.exporting import Exported, canvas, export, moodle
from teachkit.course.gradebook.reading import Grades, read_grades
from teachkit.course.roster import Entry, Roster
from teachkit.errors import FormatError, LessonError, UnknownNameError

ROSTER = Roster(
    (Entry("ada", "ada@uni.org", "Lovelace, Ada"), Entry("bob", "bob@uni.org"), Entry("zoe", "z@uni.org"))
)
CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Old quiz (7),ps1 (4711),Final Score\n"
    "    Points Possible,,,,,5,12,(read only)\n"
    '"Lovelace, Ada",101,u1,ada,Group A,3,,88\n'
    '"Test Student",102,,,Group A,,,\n'
    "Zoe,103,u3,zoe,Group B,4,1,77\n"
)


@pytest.fixture
def grades(make_book) -> Grades:
    """Ada has 10.25 of 12 after a penalty, Bob 2 and a second assignment; Zoe nothing."""
    points = {"ada": {"ps1": (2, 4, 4)}, "bob": {"ps1": (0, 0, 0), "ps2": (1, 1, 1)}}
    return read_grades(make_book(points, penalty={("ada", "ps1"): 1.75}), ["zoe"])


def test_moodle_finds_students_by_name_and_address(grades: Grades) -> None:
    assert moodle(grades, ROSTER).rows == [
        ["Username", "Email address", "ps1 (of 12)", "ps2 (of 12)"],
        ["ada", "ada@uni.org", "10.25", ""],
        ["bob", "bob@uni.org", "2", "5"],
        ["zoe", "z@uni.org", "", ""],
    ]


def test_canvas_gets_its_own_list_back_with_our_scores(grades: Grades, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(CANVAS, encoding="utf-8")
    assert canvas(grades, ROSTER, tmp_path / "list.csv").rows == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "ps1 (4711)", "ps2"],
        ["    Points Possible", "", "", "", "", "12", "12"],
        ["Lovelace, Ada", "101", "u1", "ada", "Group A", "10.25", ""],
        ["Zoe", "103", "u3", "zoe", "Group B", "", ""],
    ]


def test_canvas_without_a_list_finds_students_by_login(grades: Grades) -> None:
    rows = canvas(grades, ROSTER).rows
    assert rows[0][:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert rows[2] == ["Lovelace, Ada", "", "", "ada", "", "10.25", ""]


def test_a_name_is_never_a_formula(grades: Grades) -> None:
    rows = canvas(grades, Roster((Entry("bob", "b@uni.org", "=cmd()"),))).rows
    assert rows[2][0] == "'=cmd()"


def test_who_has_a_score_and_is_not_in_the_file_is_named(grades: Grades, tmp_path: Path) -> None:
    some = Roster(tuple(entry for entry in ROSTER.entries if entry.student != "bob"))
    assert export("moodle", grades, some, tmp_path / "grades.csv") == Exported(2, ("bob",))
    (tmp_path / "list.csv").write_text(CANVAS, encoding="utf-8")  # Bob is not in Canvas' own list
    done = export("canvas", grades, ROSTER, tmp_path / "grades.csv", listed=tmp_path / "list.csv")
    assert done == Exported(2, ("bob",))


@pytest.mark.parametrize("kind", ["canvas", "moodle"])
def test_the_file_reads_back_as_it_was_meant(grades: Grades, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "grades.csv"
    assert export(kind, grades, ROSTER, path) == Exported(3, ())
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ada = next(row for row in rows if "ada" in row.values())
    assert [value for heading, value in ada.items() if heading.startswith("ps1")] == ["10.25"]


def test_a_score_that_is_not_final_is_not_handed_on(make_book: Any, tmp_path: Path) -> None:
    grades = read_grades(make_book({"ada": {"ps1": (2, 4, 4)}}, waiting=(("ada", "ps1"),)))
    path = tmp_path / "grades.csv"
    with pytest.raises(LessonError, match=r"1 hand-ins still wait for a person: ada \(ps1\)\."):
        export("moodle", grades, ROSTER, path)
    assert not path.exists()
    export("moodle", grades, ROSTER, path, unfinished=True)
    assert path.exists()


def test_unknown_formats_and_foreign_lists_are_refused(grades: Grades, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="canvas"):
        export("blackboard", grades, ROSTER, tmp_path / "a.csv")
    (tmp_path / "list.csv").write_text("Surname,Mark\nA,1\n")
    with pytest.raises(FormatError, match="Surname, Mark"):
        canvas(grades, ROSTER, tmp_path / "list.csv")
    with pytest.raises(FormatError, match="cannot be read as a table"):
        canvas(grades, ROSTER, tmp_path / "absent.csv")
