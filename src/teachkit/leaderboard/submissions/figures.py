"""The figures of an entry, drawn from stored scores by the functions of `teachkit.big`."""

import math
from threading import Lock
from typing import Any

from teachkit.big import BigScore
from teachkit.leaderboard.submissions.models import Submission
from teachkit.metrics import Interval

FORMS = {"png": "image/png", "svg": "image/svg+xml"}
_one_at_a_time = Lock()  # the style of a figure is a setting of the whole process


def score_of(entry: Submission, part: str) -> BigScore | None:
    """The scores in force of one part of the test; None while there are none."""
    result = entry.result
    told: dict[str, Any] | None = result.detail["parts"].get(part) if result else None
    if told is None:
        return None
    sets = {name: _numbers(values) for name, values in told["sets"].items()}
    mean = _numbers(told["mean"])
    values = {**sets, "mean": mean}
    intervals = {
        where: {name: Interval(values[where][name], *map(_number, pair)) for name, pair in scores.items()}
        for where, scores in told["intervals"].items()
    }
    return BigScore(
        f"entry {entry.pk}",  # a long name in the legend would squeeze the figure
        entry.challenge.suite,
        entry.size,
        sets,
        mean,
        tuple(told["missing"]),
        intervals,
        told["bootstrap"],
    )


def drawn(scores: list[BigScore], metric: str, kind: str, form: str) -> bytes:
    """One figure of one entry or of two."""
    with _one_at_a_time:
        picture = scores[0].draw(metric, *scores[1:], kind=kind)
        return picture.png if form == "png" else picture.svg


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _numbers(values: dict[str, float | None]) -> dict[str, float]:
    return {name: _number(value) for name, value in values.items()}
