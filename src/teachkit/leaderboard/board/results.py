"""How a challenge ended for each team and its members: for the person who grades a class."""

from dataclasses import dataclass
from datetime import datetime

from teachkit.errors import SettingsError
from teachkit.leaderboard.board.table import Filter, board
from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.people.models import Membership, Team


@dataclass(frozen=True)
class Standing:
    """A team and its best entry.

    Attributes:
        accounts: addresses of its members, as far as they are confirmed: others could be anybody's.
        late: those of `accounts` who joined after the end.
        place, score, handed_in: None while no entry of the team has a score.
    """

    team: str
    accounts: tuple[str, ...]
    late: frozenset[str]
    place: int | None = None
    score: float | None = None
    handed_in: datetime | None = None


def results(challenge: Challenge, metric: str, now: datetime, size: int | None = None) -> list[Standing]:
    """The teams that handed something in, as the board ranks them by the mean of `metric`.

    Once a challenge with two parts is over, the private part decides, here as on the board.

    Args:
        size: of the images; the first one of the suite when it is None.

    Raises:
        SettingsError: the suite has no images of that size.
    """
    sizes = challenge.suite.sizes
    if size is not None and size not in sizes:
        raise SettingsError(
            f"'{challenge.title}' has no images of size {size}.",
            f"Choose one of {', '.join(map(str, sizes))}.",
            size=size,
        )
    wanted = Filter(size or sizes[0], metric, published=False)
    best = {row.entry.team_id: row for row in board(challenge, wanted, now).rows if row.entry is not None}
    teams = Team.objects.filter(submission__challenge=challenge).distinct().order_by("name", "pk")
    found = []
    for team in teams:
        members = Membership.objects.filter(team=team, user__confirmed__isnull=False).select_related("user")
        accounts = {one.user.email: one.since for one in members.order_by("user__email")}
        closes = challenge.closes
        late = frozenset(who for who, since in accounts.items() if closes is not None and since >= closes)
        row = best.get(team.pk)
        place = (row.number, row.value, row.entry.created) if row and row.entry else (None, None, None)
        found.append(Standing(team.name, tuple(accounts), late, *place))
    return sorted(found, key=lambda one: (one.place is None, one.place or 0))
