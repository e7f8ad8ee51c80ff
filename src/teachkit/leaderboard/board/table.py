"""The rows of a board: which entries, in which order, at which place."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Max

from teachkit.big.measuring import AVERAGED, RANKED, TITLES
from teachkit.big.ranking import LOWER_IS_BETTER, best_of_each, mean_ranks, places
from teachkit.big.scoring import MEAN
from teachkit.leaderboard.challenges.models import Challenge, Reference
from teachkit.leaderboard.submissions.models import Note, Result, Score, Submission
from teachkit.leaderboard.submissions.shown import heading_of

TRACKS = {"all": "all", "standard": "standard", "open": "open"}
SHOWN = {"best": "best of each team", "all": "all entries"}
VIEWS = {"score": "score", "ranks": "mean rank over the sets"}
PAGE = 100
MOST_NAMED = 1000  # numbers of entries in one question to a database; some take no more than 32,766
NONE = (None, None)
Limits = tuple[float | None, float | None]


@dataclass(frozen=True)
class Filter:
    """What the reader asked for; every field is one of the values that the challenge offers."""

    size: int
    metric: str = "auc"
    place: str = MEAN
    track: str = "all"
    shown: str = "best"
    view: str = "score"
    published: bool = True

    @classmethod
    def read(cls, challenge: Challenge, asked: Mapping[str, str], *, over: bool = False) -> "Filter":
        """From the address; what makes no sense there is replaced by the first choice.

        Args:
            over: whether the challenge is closed.
        """
        suite = challenge.suite
        sizes = [str(size) for size in suite.sizes]
        if challenge.withheld and not over:  # a team's best mean is all that is told
            asked = {"size": asked.get("size", "")}
        return cls(
            size=int(_one_of(asked.get("size"), sizes)),
            metric=_one_of(asked.get("metric"), AVERAGED),
            place=_one_of(asked.get("set"), (MEAN, *suite.names)),
            track=_one_of(asked.get("track"), TRACKS),
            shown=_one_of(asked.get("show"), SHOWN),
            view=_one_of(asked.get("view"), VIEWS),
            published=asked.get("published", "1") != "0",
        )

    @property
    def higher_is_better(self) -> bool:
        return self.view == "score" and self.metric not in LOWER_IS_BETTER

    @property
    def query(self) -> dict[str, str]:
        """As part of an address."""
        return {
            "size": str(self.size),
            "metric": self.metric,
            "set": self.place,
            "track": self.track,
            "show": self.shown,
            "view": self.view,
            "published": "1" if self.published else "0",
        }

    @property
    def heading(self) -> str:
        """Name of the column with the value."""
        if self.view == "ranks":
            return f"Mean rank by {TITLES[self.metric]}"
        return heading_of(self.metric)


@dataclass(frozen=True)
class Row:
    """One line of a board.

    Attributes:
        number: the place; None for a published figure, which takes none.
        entry: the submission, or None for a published figure.
    """

    number: int | None
    value: float
    low: float | None
    high: float | None
    entry: Submission | None
    reference: Reference | None = None


@dataclass(frozen=True)
class Board:
    """The table that a filter gives."""

    challenge: Challenge
    wanted: Filter
    part: str
    values: list[tuple[int, float]]  # submission and value, in order
    numbers: list[int]
    limits: dict[int, Limits]  # of the interval, by submission; ranks have none
    references: list[Reference]

    @property
    def count(self) -> int:
        """Entries, published figures not counted."""
        return len(self.values)

    def page(self, number: int) -> list[Row]:
        """Entries of one page, and the published figures that fall between them."""
        chosen = slice((number - 1) * PAGE, number * PAGE)
        return self._rows(self.values[chosen], self.numbers[chosen], number)

    @property
    def rows(self) -> list[Row]:
        """Everything."""
        return self._rows(self.values, self.numbers, None)

    @property
    def pages(self) -> int:
        return max(1, math.ceil(self.count / PAGE))

    def _rows(self, values: list[tuple[int, float]], numbers: list[int], page: int | None) -> list[Row]:
        asked = Submission.objects.select_related("team")
        if len(values) <= MOST_NAMED:
            entries = asked.in_bulk([one for one, _ in values])
        else:
            entries = asked.filter(challenge=self.challenge, size=self.wanted.size).in_bulk()
        rows = [
            Row(number, value, *self.limits.get(one, NONE), entries[one])
            for (one, value), number in zip(values, numbers, strict=True)
        ]
        for reference in self.references:
            value = getattr(reference, self.wanted.metric)
            if page is None or self._belongs(value, values, page):
                rows.append(Row(None, value, None, None, None, reference))
        sign = -1 if self.wanted.higher_is_better else 1
        return sorted(rows, key=lambda row: (sign * round(row.value, 4), row.number or 0))

    def _belongs(self, value: float, values: list[tuple[int, float]], page: int) -> bool:
        """Whether a published figure lies within this page; the last page takes all that are worse."""
        sign = 1 if self.wanted.higher_is_better else -1
        above = page > 1 and values and sign * value > sign * values[0][1]
        below = page < self.pages and values and sign * value <= sign * values[-1][1]
        return not above and not below


def board(challenge: Challenge, wanted: Filter, now: datetime) -> Board:
    """The table for `wanted` at the time `now`."""
    part = challenge.part(now)
    values, numbers, limits = _ordered(challenge.pk, wanted, part, _stamp())
    shown = wanted.published and wanted.view == "score" and wanted.place == MEAN and wanted.metric in RANKED
    references = list(challenge.references.filter(size=wanted.size)) if shown else []
    return Board(challenge, wanted, part, values, numbers, limits, references)


@lru_cache(maxsize=64)
def _ordered(
    challenge_pk: int, wanted: Filter, part: str, stamp: tuple[int | None, ...]
) -> tuple[list[tuple[int, float]], list[int], dict[int, Limits]]:
    """Entries with their values, in order, their places and intervals; remembered until `_stamp` changes."""
    challenge = Challenge.objects.get(pk=challenge_pk)
    if wanted.view == "ranks":
        values, limits = _ranks(challenge, wanted, part), {}
    else:
        found = _scores(challenge, wanted, part)
        values, limits = [(one, value) for one, value, _ in found], {one: pair for one, _, pair in found}
    numbers = places([value for _, value in values], higher_is_better=wanted.higher_is_better)
    return values, numbers, limits


def forget_orders() -> None:
    """Ask the database anew, such as after a backup was restored under a running site."""
    _ordered.cache_clear()


def _stamp() -> tuple[int | None, ...]:
    """Changes with every result, score and step of moderation: all that can change an order."""
    return tuple(table.objects.aggregate(last=Max("pk"))["last"] for table in (Result, Score, Note))


def _column(challenge: Challenge, wanted: Filter, part: str) -> Any:
    found = Score.objects.filter(
        challenge=challenge,
        size=wanted.size,
        part=part,
        place=wanted.place,
        metric=wanted.metric,
        current=True,
        submission__state=Submission.State.SCORED,
        submission__hidden=False,
    )
    if wanted.track != "all":
        found = found.filter(submission__track=wanted.track)
    return found


def _scores(challenge: Challenge, wanted: Filter, part: str) -> list[tuple[int, float, Limits]]:
    order = "-value" if wanted.higher_is_better else "value"
    found = _column(challenge, wanted, part).order_by(order, "submission")
    entries = list(found.values_list("submission", "submission__team", "value", "low", "high"))
    kept = {one for one, *_ in entries}
    if wanted.shown != "all":
        each = [(one, team, value) for one, team, value, *_ in entries]
        kept = set(best_of_each(each, higher_is_better=wanted.higher_is_better))
    return [(one, value, (low, high)) for one, _, value, low, high in entries if one in kept]


def _ranks(challenge: Challenge, wanted: Filter, part: str) -> list[tuple[int, float]]:
    """Mean ranks; of each team the entry with the best mean score takes part."""
    plain = Filter(wanted.size, wanted.metric, MEAN, wanted.track, wanted.shown)
    scores: dict[int, dict[str, float]] = {one: {} for one, *_ in _scores(challenge, plain, part)}
    found = Score.objects.filter(part=part, metric=wanted.metric, current=True).exclude(place=MEAN)
    if len(scores) <= MOST_NAMED:
        # Naming challenge and size as well would lead the database to the scores of all.
        found = found.filter(submission__in=list(scores))
    else:
        found = found.filter(challenge=challenge, size=wanted.size)
    for one, place, value in found.values_list("submission", "place", "value"):
        if one in scores:
            scores[one][place] = value
    better = wanted.metric not in LOWER_IS_BETTER
    means = mean_ranks(scores, challenge.suite.names, higher_is_better=better)
    return sorted(means.items(), key=lambda pair: (round(pair[1], 4), pair[0]))


def _one_of(given: str | None, known: Iterable[str]) -> str:
    options = list(known)
    return options[0] if given is None or given not in options else given
