"""What a reader may see of a result: of a challenge with two parts, the private one only at the end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from teachkit.big.measuring import RANKED
from teachkit.big.ranking import DECIMALS
from teachkit.big.scoring import MEAN
from teachkit.leaderboard.submissions.models import Result, Score, Submission


def feedback(entry: Submission, now: datetime) -> bool:
    """Whether the scores of an entry are told.

    Of a withheld test they are told while it is open only for an entry that is better, in print, than all
    that its team sent before: small steps up and down would teach a team the labels (Blum and Hardt, 2015).
    """
    challenge = entry.challenge
    if not challenge.withheld or challenge.is_over(now):
        return True
    means = Score.objects.filter(part="public", place=MEAN, metric=RANKED[0], current=True)
    own = means.filter(submission=entry).values_list("value", flat=True).first()
    if own is None:
        return False
    before = means.filter(submission__team=entry.team_id, submission__challenge=challenge)
    best = before.filter(submission__size=entry.size, submission__pk__lt=entry.pk).order_by("-value").first()
    return best is None or round(own, DECIMALS) > round(best.value, DECIMALS)


@dataclass(frozen=True)
class Line:
    """One set, or the mean: a value and its interval for each ranked score."""

    place: str
    title: str
    cells: list[tuple[str, float | None, float | None, float | None]]


@dataclass(frozen=True)
class Part:
    """The table of one part of the test."""

    name: str
    lines: list[Line]
    rankable: bool
    missing: list[str]
    undefined: list[str]


def shown_table(
    entry: Submission, result: Result | None, now: datetime, *, everything: bool = False
) -> list[Part]:
    """The tables that may be seen at `now`; staff sees `everything`."""
    if result is None or not (everything or feedback(entry, now)):
        return []
    told = result.detail["parts"]
    over = entry.challenge.part(now) == "private"
    names = [name for name in told if name == "public" or over or everything]
    return [_part(entry, name, told[name]) for name in names]


def _part(entry: Submission, name: str, told: dict[str, Any]) -> Part:
    lines = [
        _line(one.name, one.title, told["sets"][one.name], told["intervals"])
        for one in entry.challenge.suite
        if one.name in told["sets"]
    ]
    lines.append(_line("mean", "Mean", told["mean"], told["intervals"]))
    return Part(name, lines, told["rankable"], told["missing"], told["undefined"])


def _line(place: str, title: str, values: dict[str, Any], intervals: dict[str, Any]) -> Line:
    limits = intervals.get(place, {})
    return Line(
        place, title, [(name, values.get(name), *(limits.get(name) or (None, None))) for name in RANKED]
    )
