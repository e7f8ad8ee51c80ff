"""What a reader may see of a result: of a challenge with two parts, the private one only at the end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from teachkit.big import Member
from teachkit.big.measuring import RANKED, TITLES
from teachkit.big.ranking import DECIMALS
from teachkit.big.scoring import MEAN
from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.submissions.models import Result, Score, Submission


def heading_of(metric: str) -> str:
    """The name of a score as the head of a column."""
    return TITLES[metric][0].upper() + TITLES[metric][1:]


HEADINGS = [(name, heading_of(name)) for name in RANKED]


def feedback(entry: Submission, now: datetime) -> bool:
    """Whether the scores of an entry are told.

    Of a withheld test they are told while it is open only for an entry that is better, in print, than all
    that its team sent before: small steps up and down would teach a team the labels (Blum and Hardt, 2015).
    """
    challenge = entry.challenge
    if all_are_told(challenge, now):
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
class SetShown:
    """What is known about one set beyond its scores.

    Attributes:
        standing: whether the figure of all teams may be seen.
        confusions: true class, and how often each class was the answer.
        findings: label, and rightly without, wrongly with, missed, found.
    """

    member: Member
    standing: bool
    confusions: list[tuple[str, list[int]]]
    findings: list[tuple[str, int, int, int, int]]


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


def shown_sets(entry: Submission, result: Result | None, now: datetime) -> list[SetShown]:
    """Each scored set; only for readers who are told the scores."""
    detail = result.detail if result else {}
    tables, findings = detail.get("tables", {}), detail.get("findings", {})
    standing = all_are_told(entry.challenge, now)
    scored = detail["parts"][entry.challenge.part(now)]["sets"] if detail.get("parts") else {}
    return [
        SetShown(
            one,
            standing,
            list(zip(one.classes, tables.get(one.name, []), strict=False)),
            [(label, *row) for label, row in zip(one.classes, findings.get(one.name, []), strict=False)],
        )
        for one in entry.challenge.suite
        if one.name in scored
    ]


def all_are_told(challenge: Challenge, now: datetime) -> bool:
    """Whether scores of single sets are public: of a withheld test not before its end."""
    return not challenge.withheld or challenge.is_over(now)


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
