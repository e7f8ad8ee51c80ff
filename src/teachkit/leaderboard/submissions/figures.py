"""The figures of an entry, drawn from stored scores by `teachkit.big` and `teachkit.plots`."""

import math
from collections.abc import Callable
from textwrap import shorten
from threading import Lock
from typing import Any

import numpy as np

from teachkit.big import BigScore
from teachkit.leaderboard.submissions.models import Submission
from teachkit.metrics import Interval
from teachkit.plots import Picture, confusion

LONGEST_NAME = 24  # of a class in a figure
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


def content_of(draw: Callable[[], Picture], form: str) -> bytes:
    """What `draw` draws, as PNG or SVG."""
    with _one_at_a_time:
        picture = draw()
        return picture.png if form == "png" else picture.svg


def draw_confusion(entry: Submission, name: str) -> Picture | None:
    """The confusion matrix of one set; None for a set that has none."""
    result = entry.result
    told = result.detail.get("tables", {}).get(name) if result else None
    if told is None:
        return None
    counts = np.array(told)
    truth, answers = np.repeat(np.argwhere(counts >= 0), counts.reshape(-1), axis=0).T
    member = entry.challenge.suite[name]
    classes = [shorten(one, LONGEST_NAME, placeholder=" …") for one in member.classes]
    part = ", public part of the test" if entry.challenge.split else ""
    return confusion(truth, answers, classes, title=f"{member.title}, entry {entry.pk}{part}")


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _numbers(values: dict[str, float | None]) -> dict[str, float]:
    return {name: _number(value) for name, value in values.items()}
