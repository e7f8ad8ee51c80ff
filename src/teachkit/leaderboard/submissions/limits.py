"""How many more times a team may try, and when. Any 24 hours count, not calendar days."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.people.models import Team
from teachkit.leaderboard.submissions.models import Submission

WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class Room:
    """What is left.

    Attributes:
        today: submissions left in the 24 hours that end now.
        in_all: submissions left in the whole challenge.
        next_slot: when one is free again; None when one is free now, or none ever will be.
    """

    today: int
    in_all: int
    next_slot: datetime | None

    @property
    def left(self) -> int:
        """How many may be handed in now."""
        return max(0, min(self.today, self.in_all))

    @property
    def sentence(self) -> str:
        """For people."""
        if not self.in_all:
            return "All submissions of your team are used."
        if self.next_slot:
            when = f"{self.next_slot:%d %B %Y at %H:%M:%S} UTC"
            return f"Your next slot is free on {when}; {self.in_all} are left in all."
        return f"You may submit {self.left} more now; {self.in_all} are left in all."


def room(team: Team, challenge: Challenge, now: datetime) -> Room:
    """What `team` has left in `challenge`; it stays true inside a transaction that holds the team."""
    counted = Submission.objects.counted(team, challenge)
    in_all = max(0, challenge.in_all - counted.count())
    # A time that lies ahead, after the clock was set back, counts as well.
    recent = list(
        counted.filter(created__gt=now - WINDOW).order_by("-created").values_list("created", flat=True)
    )
    today = max(0, challenge.per_day - len(recent))
    frees = recent[challenge.per_day - 1] + WINDOW if not today and in_all else None
    return Room(today, in_all, frees)
