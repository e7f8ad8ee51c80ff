"""Who is on the list and why; how long lessons take."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from teachkit.course.gradebook.attention import at_risk, times
from teachkit.course.gradebook.reading import read_grades

AFTER_FIRST = datetime(2030, 1, 12)  # ps1 was due on 10 January, ps2 is due a week later
LATER = datetime(2030, 3, 1)
FULL = (2.0, 4.0, 4.0)
NONE = (0.0, 0.0, 0.0)


def reasons(
    path: Path, now: datetime = LATER, students: tuple[str, ...] = (), **more: float
) -> dict[str, str]:
    found = at_risk(read_grades(path, students), now, **more)
    return {concern.student: "; ".join(concern.reasons) for concern in found}


def test_only_what_is_due_can_be_missing(make_book) -> None:
    path = make_book({"ada": {"ps1": FULL}})
    assert reasons(path, AFTER_FIRST, ("zoe",)) == {"zoe": "never handed in ps1"}
    assert reasons(path, LATER, ("zoe",)) == {"zoe": "never handed in ps1, ps2", "ada": "never handed in ps2"}


def test_few_points_are_a_reason_below_the_limit_only(make_book) -> None:
    path = make_book({"ada": {"ps1": FULL}, "bob": {"ps1": NONE}})
    assert reasons(path, AFTER_FIRST) == {"bob": "has 17% of the points"}
    assert reasons(path, AFTER_FIRST, low=0.1) == {}


def test_work_that_waits_for_a_person_is_not_held_against_anybody(make_book) -> None:
    assert reasons(make_book({"bob": {"ps1": NONE}}, waiting=(("bob", "ps1"),)), AFTER_FIRST) == {}


def test_late_once_is_no_reason_and_twice_is(make_book) -> None:
    work = {"ps1": FULL, "ps2": FULL}
    late = {("ada", "ps1"): 60.0, ("bob", "ps1"): 7200.0, ("bob", "ps2"): 3 * 86400.0}
    assert reasons(make_book({"ada": work, "bob": work}, late=late)) == {
        "bob": "late 2 times, by 3 days at most"
    }


def test_a_fall_is_seen_in_the_newest_work(make_book) -> None:
    names = ("ps1", "ps2", "ps3")
    path = make_book(
        {"ada": {"ps1": FULL, "ps2": FULL, "ps3": (0, 2, 2)}, "bob": dict.fromkeys(names, FULL)},
        assignments=names,
    )
    assert reasons(path) == {"ada": "fell to 50% in ps3"}


def test_most_reasons_come_first(make_book) -> None:
    found = at_risk(read_grades(make_book({"ada": {"ps1": FULL}, "bob": {"ps1": NONE}})), LATER)
    assert [concern.student for concern in found] == ["bob", "ada"]
    assert str(found[0]) == "bob: never handed in ps2; has 17% of the points"


def results(folder: Path, student: str, minutes: float, lesson: str = "01") -> None:
    begun = datetime(2030, 1, 1, 10)
    times = {"begun": begun.isoformat(), "last": (begun + timedelta(minutes=minutes)).isoformat()}
    path = folder / student / "01_topic" / "results.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"lesson": lesson, "times": times, "values": {}}))


def test_times_are_quartiles_over_students(tmp_path: Path) -> None:
    for number, minutes in enumerate((10, 20, 30, 40, 50)):
        results(tmp_path, f"s{number}", minutes)
    (row,) = times(tmp_path).to_dict("records")
    assert row == {
        "lesson": "01",
        "n": 5,
        "lower_quartile_min": 20.0,
        "median_min": 30.0,
        "upper_quartile_min": 40.0,
    }


def test_four_students_give_no_times(tmp_path: Path) -> None:
    for number in range(4):
        results(tmp_path, f"s{number}", 10)
    table = times(tmp_path)
    assert table["n"].to_list() == [4]
    assert table.drop(columns=["lesson", "n"]).isna().all(axis=None)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"lesson": "01"}', '{"lesson": "01", "times": {"begun": "soon"}}']
)
def test_a_file_without_times_is_passed_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ada" / "01_topic" / "results.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert times(tmp_path).empty


def test_a_clock_that_ran_backwards_is_passed_over(tmp_path: Path) -> None:
    results(tmp_path, "ada", -5)
    assert times(tmp_path).empty
