"""A challenge that teams entered on the leaderboard: what a team reached counts for each of its members."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

import pandas as pd

from teachkit.course.assessment.standings import Rules
from teachkit.course.roster import Roster

COLUMNS = ["student", "account", "team", "place", "score", "points", "handed_in", "note"]
NO_SCORE = "no scored entry"
TOO_LATE = "joined the team after the end"
UNKNOWN = "not on the roster"
NO_TEAM = "in no team that handed in"


class Standing(Protocol):
    """A team on a board, as the leaderboard tells it.

    Attributes:
        accounts: e-mail addresses of the members.
        late: those of `accounts` who joined after the end.
        place, score, handed_in: of the best entry, its time with a zone; None while no entry has a score.
    """

    @property
    def team(self) -> str: ...
    @property
    def accounts(self) -> tuple[str, ...]: ...
    @property
    def late(self) -> frozenset[str]: ...
    @property
    def place(self) -> int | None: ...
    @property
    def score(self) -> float | None: ...
    @property
    def handed_in(self) -> datetime | None: ...


def team_points(rules: Rules, teams: Iterable[Standing], roster: Roster | None = None) -> pd.DataFrame:
    """One row a member, the best team first; with `roster`, its other students follow.

    Accounts of teams and the column ``principal`` of the roster are compared without regard to case. Who
    joined after the end, or has no scored entry, gets no points.

    Returns:
        columns `COLUMNS`; ``student`` is the id of the roster, "" without one or for people who are not on
        it. ``note`` says why there are no points.
    """
    ids = {entry.principal.lower(): entry.student for entry in (roster or Roster()).entries}
    rows = [_row(rules, team, account, ids, roster) for team in teams for account in team.accounts]
    there = {row["account"].lower() for row in rows}
    blank = {"points": 0.0, "note": NO_TEAM}
    rows += [{"student": ids[who], "account": who, **blank} for who in ids if who not in there]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["place"] = table["place"].astype("Int64")
    table["score"] = table["score"].astype(float)
    table["team"] = table["team"].astype(object).fillna("")
    return table.sort_values(["place", "team", "account"], na_position="last").reset_index(drop=True)


def earned(table: pd.DataFrame) -> dict[str, tuple[float, datetime]]:
    """Of the rows of `team_points` that count: student, points and the time of the entry."""
    counted = table[(table["student"] != "") & (table["note"] == "")]
    times = [moment.to_pydatetime() for moment in counted["handed_in"]]
    return dict(zip(counted["student"], zip(counted["points"], times, strict=True), strict=True))


def _row(rules: Rules, team: Standing, account: str, ids: dict[str, str], roster: Roster | None) -> Any:
    student = ids.get(account.lower(), "")
    points, note = 0.0, ""
    if team.score is None:
        note = NO_SCORE
    elif account in team.late:
        note = TOO_LATE
    else:
        points = rules.points(team.score)
        note = UNKNOWN if roster is not None and not student else ""
    return {
        "student": student,
        "account": account,
        "team": team.team,
        "place": team.place,
        "score": team.score,
        "points": points,
        "handed_in": team.handed_in,
        "note": note,
    }
