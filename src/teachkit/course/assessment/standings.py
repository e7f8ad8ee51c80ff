"""A challenge of a whole class: score, budgets, points, and one table.

The rules stand in a file::

    assignment = "01_classification"
    score = "balacc"                # a score of the task, larger is better
    truth = "toy_hidden_truth.npz"  # beside the rules; or, where labels are public:
    # data = ["pathmnist", "ihc_patches"]
    max_steps = 300
    max_seconds = 600               # of training; may be left out
    bands = [[0.6, 2], [0.75, 5], [0.85, 7]]

Whoever reaches 0.75 and not 0.85 gets 5 points. A run over a budget, or one that does not say what it used,
gets none. A challenge on the leaderboard has its labels there: its rules are ``assignment``, ``score`` and
``bands`` alone.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from teachkit.course.assessment.hidden import Truth, read_truth
from teachkit.course.challenge import PREDICTIONS, read_predictions
from teachkit.course.tables import Table
from teachkit.data import load
from teachkit.errors import DataError, LessonError, UnknownNameError, nearest
from teachkit.metrics import scores

SCORES = ("auc", "acc", "balacc", "kappa")
HONOUR, HIDDEN = "honour system", "hidden labels"


@dataclass(frozen=True)
class Rules:
    """What counts in one challenge.

    Attributes:
        assignment: name of the nbgrader assignment.
        score: one of `SCORES`.
        bands: (lowest score, points), rising.
        data: names of public sets that may be handed in for; none when `truth` is given.
        truth: file of hidden labels; None when the labels of a public set count.
        max_steps: optimiser steps; None without a limit.
        max_seconds: of training; None without a limit.
    """

    assignment: str
    score: str
    bands: tuple[tuple[float, float], ...]
    data: tuple[str, ...] = ()
    truth: Path | None = None
    max_steps: int | None = None
    max_seconds: float | None = None

    @property
    def trust(self) -> str:
        """Whether scores rest on hidden labels or on the honour of the class."""
        return HIDDEN if self.truth else HONOUR

    def points(self, score: float) -> float:
        """The points of the highest band that `score` reaches; 0 below all of them, and for nan."""
        return max((points for lowest, points in self.bands if score >= lowest), default=0.0)


def read_rules(path: Path, *, on_board: bool = False) -> Rules:
    """Read the rules of a challenge.

    Args:
        path: of the file.
        on_board: whether the leaderboard scores the challenge; then labels and budgets have no place here.

    Raises:
        LessonError: the file is absent or no TOML, a key is missing or misspelt, or bands do not rise.
        UnknownNameError: there is no such score.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LessonError(f"{path} cannot be read: {error}.", "Mend the rules.", path=path) from error
    table = Table(content, path.name, mend=path.name)
    score = table.text("score")
    if score not in SCORES:
        raise UnknownNameError(f"No score '{score}'.", nearest(score, SCORES, "scores"), score=score)
    rules = Rules(table.text("assignment"), score, _bands(table.value("bands"), path))
    if on_board:
        table.finish()
        return rules
    rules = replace(
        rules,
        data=table.texts("data", default=()),
        truth=path.parent / table.text("truth") if "truth" in content else None,
        max_steps=int(table.number("max_steps")) if "max_steps" in content else None,
        max_seconds=table.number("max_seconds") if "max_seconds" in content else None,
    )
    table.finish()
    if bool(rules.data) == bool(rules.truth):
        raise LessonError(
            f"{path.name} gives {'both' if rules.data else 'neither'} of 'data' and 'truth'.",
            "Name the public sets under data, or the file of hidden labels under truth.",
            path=path,
        )
    return rules


def standings(rules: Rules, submitted: Path, *, students: Iterable[str] = ()) -> pd.DataFrame:
    """The class table, best score first: one row a student, with a note where something is wrong.

    A file that cannot be read, or is made for other pictures, gets no points and stops nobody else.

    Args:
        rules: of the challenge.
        submitted: nbgrader's folder of hand-ins: ``submitted/STUDENT/ASSIGNMENT/predictions.npz``.
        students: ids that must have a row, also when they handed nothing in.

    Returns:
        columns rank, student, score, steps, seconds, points, trust, note. Equal scores share a rank.

    Raises:
        FormatError: the file of hidden labels is absent or damaged.
    """
    hidden = read_truth(rules.truth) if rules.truth else None
    found = {path.parent.name for path in submitted.glob(f"*/{rules.assignment}") if path.is_dir()}
    rows = []
    for student in sorted(found | set(students)):
        folder = submitted / student / rules.assignment
        rows.append({"student": student, **_row(rules, folder, hidden)})
    columns = ["student", "score", "steps", "seconds", "points", "trust", "note"]
    table = pd.DataFrame(rows, columns=columns)
    table["score"] = table["score"].astype(float)
    table = table.sort_values(["score", "student"], ascending=[False, True], na_position="last")
    table.insert(0, "rank", table["score"].rank(ascending=False, method="min").astype("Int64"))
    return table.reset_index(drop=True)


def _row(rules: Rules, folder: Path, hidden: Truth | None) -> dict[str, object]:
    blank = {"score": np.nan, "steps": None, "seconds": None, "points": 0.0, "trust": rules.trust}
    if not folder.is_dir():
        return {**blank, "note": "nothing handed in"}
    try:
        handed_in = read_predictions(folder / PREDICTIONS)
        key = _key(handed_in.data, rules, hidden)
        score = scores(key.labels, handed_in.probabilities, key.task)[rules.score]
    except DataError as error:
        return {**blank, "note": str(error)}
    used = {"steps": handed_in.steps, "seconds": handed_in.seconds}
    note = over_budget(rules, handed_in.steps, handed_in.seconds)
    points = 0.0 if note else rules.points(score)
    return {**blank, **used, "score": score, "points": points, "note": note}


def over_budget(rules: Rules, steps: int, seconds: float | None) -> str:
    """Why a run gets no points for its score; empty when it kept its budgets."""
    if rules.max_steps is not None and not 0 <= steps <= rules.max_steps:
        return f"{steps} steps; allowed are 0 to {rules.max_steps}"
    if rules.max_seconds is not None and seconds is None:
        return "does not say how many seconds it trained"
    if rules.max_seconds is not None and seconds is not None and seconds > rules.max_seconds:
        return f"{seconds:.0f} s of training; allowed are {rules.max_seconds:g} s"
    return ""


def _key(name: str, rules: Rules, hidden: Truth | None) -> Truth:
    """What to score against: a file for pictures that nobody asked for is refused."""
    wanted = (hidden.data,) if hidden else rules.data
    if name not in wanted:
        raise DataError(
            f"The predictions are for '{name}'.", f"This challenge takes those for {' or '.join(wanted)}."
        )
    return hidden or _public(name)


@cache
def _public(name: str) -> Truth:
    split = load(name, "test")
    return Truth(split.labels[:, 0], name, split.info.task)


def _bands(value: object, path: Path) -> tuple[tuple[float, float], ...]:
    good = isinstance(value, list) and all(
        isinstance(band, list) and len(band) == 2 and all(isinstance(n, int | float) for n in band)
        for band in value
    )
    bands = tuple((float(low), float(points)) for low, points in value) if good else ()  # type: ignore[attr-defined]
    rising = all(low[0] < high[0] and low[1] < high[1] for low, high in pairwise(bands))
    if not bands or not rising or bands[0][1] <= 0:
        raise LessonError(
            f"{path.name}: 'bands' is {value!r}.",
            "Give [lowest score, points] pairs that rise: [[0.6, 2], [0.75, 5]].",
            path=path,
        )
    return bands
