"""nbgrader's gradebook, read into two tables."""

from pathlib import Path

import pandas as pd
import pytest

from teachkit.course.gradebook.reading import read_grades
from teachkit.errors import SettingsError, UnknownNameError

ADA = ("ada", "ps1")


def test_scores_are_less_the_penalty_and_never_below_zero(make_book) -> None:
    points = {"ada": {"ps1": (2, 4, 4)}, "bob": {"ps1": (0, 0, 0)}}
    grades = read_grades(make_book(points, penalty={ADA: 1.5, ("bob", "ps1"): 9.0}, late={ADA: 7200}))
    rows = grades.submissions.set_index(["student", "assignment"])
    assert rows.loc[ADA, ["raw", "penalty", "score", "max_score", "late_s"]].to_list() == [
        12,
        1.5,
        10.5,
        12,
        7200,
    ]
    assert rows.loc[("bob", "ps1"), "score"] == 0


def test_who_never_handed_in_has_a_row_without_a_score(make_book) -> None:
    grades = read_grades(make_book({"ada": {"ps1": (2, 4, 4)}}), ["zoe"])
    rows = grades.submissions
    missing = rows[rows["score"].isna()]
    assert set(zip(missing["student"], missing["assignment"], strict=True)) == {
        ("ada", "ps2"),
        ("zoe", "ps1"),
        ("zoe", "ps2"),
    }
    assert missing["handed_in"].isna().all()
    assert missing["due"].notna().all()


def test_cells_say_who_grades_them_and_what_waits(make_book) -> None:
    cells = read_grades(make_book({"ada": {"ps1": (2, 1, 4)}}, waiting=(ADA,))).cells.set_index("cell")
    assert cells["by_hand"].to_dict() == {
        "q1-test": False,
        "q2-test": False,
        "q3-test": False,
        "report": True,
    }
    assert cells.loc["q2-test", ["score", "max_score"]].to_list() == [1, 4]
    assert cells.index[cells["waiting"]].to_list() == ["report"]


def test_one_assignment_can_be_taken_alone(make_book) -> None:
    grades = read_grades(make_book({"ada": {"ps1": (2, 4, 4), "ps2": (0, 0, 0)}}))
    assert set(grades.of(["ps2"]).cells["assignment"]) == {"ps2"}
    pd.testing.assert_frame_equal(grades.of([]).cells, grades.cells)
    with pytest.raises(UnknownNameError, match="ps1"):
        grades.of(["ps3"])


def test_a_missing_gradebook_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="generate_assignment"):
        read_grades(tmp_path / "gradebook.db")
    assert not list(tmp_path.iterdir())
