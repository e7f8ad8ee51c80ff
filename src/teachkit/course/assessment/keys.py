"""What a quiz promises: runs of the lesson that it must accept, and wrong answers with what each costs.

One file a topic, ``quizzes/keys/01_classification.toml``. It lies outside ``quizzes/source``, because
nbgrader copies whatever lies beside a source notebook into the release::

    [run]                       # what a run of the lesson records
    auc_frozen_by_seed = [0.90, 0.93, 0.91]

    [runs."a single seed"]      # the same with other numbers: the solution must be right for this run, too
    auc_frozen_by_seed = [0.90]

    [[mistakes]]
    belief = "takes the share of right alarms for the sensitivity"
    cell = "q3-answer"
    answer = "sensitivity = 10 / 20"
    loses = { q3-test = 1 }
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from teachkit.course.tables import Table
from teachkit.errors import LessonError


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that a student could give.

    Attributes:
        belief: the misconception behind it, in a few words.
        notebook: "quiz" or "challenge".
        cell: grade id of the answer cell.
        answer: what the student writes into it.
        loses: points lost, by grade id of the test cell; no other test cell loses any.
        follows_solution: whether `answer` stands below the solution instead of in its place.
    """

    belief: str
    notebook: str
    cell: str
    answer: str
    loses: Mapping[str, float]
    follows_solution: bool = False


@dataclass(frozen=True)
class Keys:
    """All that one file promises; `run` and each of `runs` are values by name, as `course.record` takes
    them. A `warm_up` is a first try: it needs no question on the own run and no text."""

    path: Path
    run: Mapping[str, Any] = field(default_factory=dict)
    runs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()
    warm_up: bool = False

    def of(self, notebook: str) -> tuple[Mistake, ...]:
        """The mistakes stated for one notebook."""
        return tuple(mistake for mistake in self.mistakes if mistake.notebook == notebook)


def read_keys(path: Path) -> Keys:
    """Read such a file.

    Raises:
        LessonError: the file is absent or no TOML, or a key is missing, misspelt or of the wrong kind.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LessonError(
            f"{path} cannot be read: {error}.",
            "It states what wrong answers to this quiz cost. Write it, or mend it, then check again.",
            path=path,
        ) from error
    top = Table(content, f"{path.parent.name}/{path.name}", mend=path.name)
    run = top.table("run").rest() if "run" in content else {}
    variants = top.table("runs").rest() if "runs" in content else {}
    mistakes = tuple(map(_mistake, top.tables("mistakes")))
    warm_up = _flag(top, "warm_up")
    top.finish()
    outcomes = {name: {**run, **changes} for name, changes in variants.items()}
    return Keys(path, run, outcomes, mistakes, warm_up)


def _flag(table: Table, key: str) -> bool:
    return key in table.content and table.value(key) is True


def _mistake(table: Table) -> Mistake:
    loses = table.table("loses")
    mistake = Mistake(
        belief=table.text("belief"),
        notebook=table.text("notebook") if "notebook" in table.content else "quiz",
        cell=table.text("cell"),
        answer=table.text("answer"),
        loses={name: loses.number(name) for name in loses.content},
        follows_solution=_flag(table, "follows_solution"),
    )
    table.finish()
    if not mistake.loses or any(points <= 0 for points in mistake.loses.values()):
        raise LessonError(
            f"{table.place}: it loses {dict(mistake.loses)}.",
            "State a test cell and the points, above 0, that this answer loses.",
            place=table.place,
        )
    return mistake
