"""Rosters: read, checked with every fault at once, brought in from other lists, and what more time means."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachkit.course.roster import Extension, import_roster, parse_extensions, read_roster, write_roster
from teachkit.errors import FormatError

DUE = datetime(2026, 11, 30, 12)
ROSTER = """student,principal,name,extensions
bob,bob@example.org,"Noether, Bob",
ada,ada@lab.iam.gserviceaccount.com,Ada Äö,ps1=+2d; *=2026-12-01T13:00+01:00
"""


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    """A file with this text."""
    path = folder / "list.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_roster_is_read_and_written_back(tmp_path: Path) -> None:
    roster = read_roster(table(tmp_path, ROSTER))
    assert [entry.student for entry in roster.entries] == ["ada", "bob"]
    assert "ada" in roster
    assert "eve" not in roster
    write_roster(roster, tmp_path / "again.csv")
    assert read_roster(tmp_path / "again.csv") == roster


@pytest.mark.parametrize(
    ("student", "assignment", "more"),
    [
        ("ada", "ps1", timedelta(days=2)),
        ("ada", "ps2", timedelta(days=1)),  # until 12:00 UTC on the next day
        ("bob", "ps1", timedelta()),
        ("eve", "ps1", timedelta()),
    ],
)
def test_more_time_is_found_by_student_and_assignment(
    student: str, assignment: str, more: timedelta, tmp_path: Path
) -> None:
    roster = read_roster(table(tmp_path, ROSTER))
    assert roster.extension(student, assignment, DUE) == more
    assert roster.extension(student, assignment, None) == timedelta()


def test_an_extension_that_ends_before_the_due_date_takes_nothing_away() -> None:
    assert Extension(until=DUE - timedelta(days=1)).beyond(DUE) == timedelta()


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from("mhdw"))
def test_lengths_have_units(number: int, unit: str) -> None:
    whole = {"m": 1, "h": 60, "d": 1440, "w": 10_080}[unit]
    assert parse_extensions(f"ps1=+{number}{unit}")["ps1"].length == timedelta(minutes=number * whole)


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="=;"), min_size=1, max_size=30).filter(str.strip))
def test_any_other_text_is_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(FormatError, match=r"Write ASSIGNMENT=\+48h or"):
        parse_extensions(f"ps1={text}x")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = (
        "student,principal,extensions\n"
        "jupyter,a@example.org,\n"
        "ada,nobody,\n"
        "bob,b@example.org,ps1=tomorrow\n"
        "cleo,c@example.org,\n"
        "dan,C@example.org,\n"
    )
    with pytest.raises(FormatError) as caught:
        read_roster(table(tmp_path, text))
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "line 2",
        "line 3",
        "line 4",
        "the principal 'c@example.org' stands there 2 times.",
    ]
    assert "shared account" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "Student,ID,SIS User ID,SIS Login ID,Section,Email\nAda L.,7,77,ada,A,ada@example.org\n",
        "First name,Last name,ID number,Email address,Username\nAda,L.,77,ada@example.org,ada\n",
    ],
)
def test_lists_of_canvas_and_moodle_are_understood(text: str, tmp_path: Path) -> None:
    (entry,) = import_roster(table(tmp_path, text, "utf-8-sig")).entries
    assert (entry.student, entry.principal) == ("ada", "ada@example.org")


def test_a_column_can_be_named_and_a_missing_one_is_told(tmp_path: Path) -> None:
    path = table(tmp_path, "Kennung,Konto\nada,ada@example.org\n")
    with pytest.raises(
        FormatError, match=r"no column for 'student'; its columns are Kennung, Konto\. Name it"
    ):
        import_roster(path)
    (entry,) = import_roster(path, {"student": "kennung", "principal": "Konto"}).entries
    assert entry.student == "ada"


def test_a_new_list_keeps_the_extensions_of_those_who_stay(tmp_path: Path) -> None:
    older = read_roster(table(tmp_path, ROSTER))
    newer = import_roster(table(tmp_path, "student,email\nada,ada@new.org\ncleo,c@new.org\n"))
    merged = older.merged(newer)
    assert [entry.student for entry in merged.entries] == ["ada", "cleo"]
    assert merged.extension("ada", "ps1", DUE) == timedelta(days=2)
    assert merged.entries[0].principal == "ada@new.org"


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be read as a table"):
        read_roster(tmp_path / "missing.csv")
    with pytest.raises(FormatError, match="cannot be read as a table"):
        read_roster(table(tmp_path, "stüdent", "latin-1"))
    with pytest.raises(FormatError, match="no columns 'student' and 'principal'"):
        read_roster(table(tmp_path, "a,b\n1,2\n"))
