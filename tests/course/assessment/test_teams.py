"""What a team reached counts for each member who was in it in time."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from teachkit.course.assessment.standings import Rules, read_rules
from teachkit.course.assessment.teams import earned, team_points
from teachkit.course.roster import Entry, Roster
from teachkit.errors import LessonError

RULES = Rules("cells", "auc", ((0.6, 2), (0.8, 5)))
SENT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Team:
    team: str
    accounts: tuple[str, ...]
    late: frozenset[str] = frozenset()
    place: int | None = None
    score: float | None = None
    handed_in: datetime | None = SENT


TEAMS = [
    Team("Owls", ("ada@x.org", "ben@x.org"), frozenset({"ben@x.org"}), 1, 0.8),
    Team("Foxes", ("eve@x.org", "guest@x.org"), frozenset(), 2, 0.79),
    Team("Bears", ("joe@x.org",), frozenset(), 3, 0.1),
    Team("Moles", ("kim@x.org",), handed_in=None),
]
ROSTER = Roster(
    tuple(Entry(name, f"{name.title()}@X.org") for name in ("ada", "ben", "eve", "joe", "kim", "lea"))
)


def by_account(table):
    return {row.account.lower(): row for row in table.itertuples()}


def test_members_get_the_points_of_the_band_that_their_team_reached():
    rows = by_account(team_points(RULES, TEAMS, ROSTER))
    assert {who: row.points for who, row in rows.items()} == {
        "ada@x.org": 5,
        "ben@x.org": 0,
        "eve@x.org": 2,
        "guest@x.org": 2,
        "joe@x.org": 0,
        "kim@x.org": 0,
        "lea@x.org": 0,
    }
    assert rows["ada@x.org"].student == "ada"
    assert (rows["eve@x.org"].team, rows["eve@x.org"].place, rows["eve@x.org"].score) == ("Foxes", 2, 0.79)


def test_whoever_has_no_points_is_told_why():
    rows = by_account(team_points(RULES, TEAMS, ROSTER))
    assert {who: row.note for who, row in rows.items() if row.note} == {
        "ben@x.org": "joined the team after the end",
        "guest@x.org": "not on the roster",
        "kim@x.org": "no scored entry",
        "lea@x.org": "in no team that handed in",
    }


def test_only_students_with_a_scored_entry_in_time_go_into_the_gradebook():
    assert earned(team_points(RULES, TEAMS, ROSTER)) == {"ada": (5, SENT), "eve": (2, SENT), "joe": (0, SENT)}
    assert earned(team_points(RULES, [], ROSTER)) == {}
    assert earned(team_points(RULES, TEAMS)) == {}


def test_without_a_roster_the_table_holds_the_members_of_the_teams_in_order():
    table = team_points(RULES, list(reversed(TEAMS)))
    assert table["account"].tolist() == [who for team in TEAMS for who in team.accounts]
    assert set(table["student"]) == {""}
    assert len(team_points(RULES, [])) == 0


def test_rules_of_a_board_name_neither_labels_nor_budgets(tmp_path):
    path = tmp_path / "rules.toml"
    text = 'assignment = "cells"\nscore = "auc"\nbands = [[0.6, 2], [0.8, 5]]\n'
    path.write_text(text)
    assert read_rules(path, on_board=True) == RULES
    with pytest.raises(LessonError, match="neither"):
        read_rules(path)
    path.write_text(text + 'data = ["pathmnist"]')
    with pytest.raises(LessonError, match="'data' that means nothing"):
        read_rules(path, on_board=True)
