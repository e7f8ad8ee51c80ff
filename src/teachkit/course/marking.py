"""Partial credit for one question: which parts are right, said without telling the answer.

The visible half of a test cell says which names a question asks for; its hidden half says what they should
be::

    marks = Marks("Q1", globals(), points=2)
    marks.wants_number("sensitivity", low=0, high=1)
    marks.wants_choice("clinic", "A", "B")
    ### BEGIN HIDDEN TESTS
    marks.close("sensitivity", 0.2)
    marks.same("clinic", "B")
    marks.total()
    ### END HIDDEN TESTS

nbgrader reads the number that the cell returns as the points of the cell. At a student's desk the hidden
half is absent, and the visible half prints what is still open or of the wrong form. Under ``nbgrader
validate`` the same remark is an error, so that a quiz with open questions is not called a success.
"""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from teachkit.course.records import RESULTS, read_results
from teachkit.errors import LessonError


def being_graded() -> bool:
    """True while nbgrader grades a submission, False at a student's desk."""
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"


def own_results(*names: str, folder: str | Path = ".") -> dict[str, Any]:
    """The numbers of the reader's own run: name to value, from the ``results.json`` beside the quiz.

    Args:
        names: what the question needs; all values when empty.

    Raises:
        LessonError: there is no such file, it cannot be read, or a name was not recorded.
    """
    path = Path(folder) / RESULTS
    again = "Run the lesson to its end, then run the first cell of this quiz again."
    if not path.is_file():
        raise LessonError("There is no results.json beside this quiz.", again, path=path)
    values = {name: entry["value"] for name, entry in read_results(path)["values"].items()}
    missing = [name for name in names if name not in values]
    if missing:
        raise LessonError(
            f"The results.json beside this quiz does not hold {', '.join(missing)}.", again, missing=missing
        )
    return {name: values[name] for name in names} if names else values


class Marks:
    """The points of one question, with one printed line for each part."""

    def __init__(self, question: str, answers: Mapping[str, Any], *, points: float, reread: str = "") -> None:
        """Begin a question.

        Args:
            question: what to call it, such as "Q3".
            answers: where the answers are: the notebook's ``globals()``.
            points: what all parts together are worth; `total` compares.
            reread: the part of the lesson to look at again when something is not right.
        """
        self.question = question
        self.answers = answers
        self.points = points
        self.reread = reread
        self.earned = 0.0
        self.possible = 0.0

    def wants_number(
        self, *names: str, low: float = -math.inf, high: float = math.inf, or_text: str = ""
    ) -> None:
        """Each of `names` must be one finite number from `low` to `high`, or the text `or_text` when it is
        given."""
        for name in names:
            if or_text and _equal(self.answers.get(name), or_text):
                continue
            value = _number(self.answers.get(name))
            if value is None:
                self._form(name, "one number")
            elif not low <= value <= high:
                self._form(name, f"a number from {low:g} to {high:g}")

    def wants_choice(self, name: str, *options: object) -> None:
        """`name` must be one of `options`."""
        if not any(_equal(self.answers.get(name), option) for option in options):
            self._form(name, f"one of {', '.join(map(repr, options))}")

    def wants_names(self, name: str, *options: str) -> None:
        """`name` must be a list, tuple or set whose members all are in `options`."""
        value = self.answers.get(name)
        if not isinstance(value, list | tuple | set | frozenset) or not all(
            item in options for item in value
        ):
            self._form(name, f"a list with some of {', '.join(map(repr, options))}")

    def close(self, name: str, key: float | str, *, points: float = 1, within: float = 0.005) -> None:
        """Points when the answer is within `within` of `key` (a string as key must be equal)."""
        if isinstance(key, str):
            self.same(name, key, points=points)
            return
        value = _number(self.answers.get(name))
        self.passed(name, value is not None and abs(value - key) <= within + 1e-12, points=points)

    def same(self, name: str, key: object, *, points: float = 1) -> None:
        """Points when the answer equals `key`; a set as key ignores order and accepts a list."""
        value = self.answers.get(name)
        if isinstance(key, set):
            value = _as_set(value)
        self.passed(name, _equal(value, key), points=points)

    def passed(self, part: str, right: bool, *, points: float = 1) -> None:
        """Points when `right`; prints one line that names the part and not the key."""
        self.possible += points
        self.earned += points if right else 0
        print(f"{part}: {'right' if right else 'not right'} ({points if right else 0:g} of {points:g})")

    def total(self) -> float:
        """The points of the question, as the last expression of its test cell.

        Raises:
            LessonError: the parts do not add up to the points of the question (a mistake of its author).
        """
        if not math.isclose(self.possible, self.points):
            raise LessonError(
                f"The parts of {self.question} are worth {self.possible:g} points, not {self.points:g}.",
                "Make the parts and the points of the test cell agree.",
                possible=self.possible,
                points=self.points,
            )
        if self.earned < self.points and self.reread:
            print(f"To look at again: {self.reread}.")
        return float(self.earned)

    def _form(self, name: str, wanted: str) -> None:
        if name not in self.answers or self.answers[name] is None:
            what = f"{self.question}: {name} has no answer yet."
        else:
            what = f"{self.question}: {name} is {_short(self.answers[name])}."
        remedy = f"It should be {wanted}."
        if os.environ.get("NBGRADER_EXECUTION") == "validate":
            raise LessonError(what, remedy, answer=name)
        print(what, remedy)


def _number(value: Any) -> float | None:
    """`value` as a finite float; None for flags, text, arrays and whatever else is no single number."""
    if isinstance(value, bool | str | bytes) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _equal(value: Any, key: object) -> bool:
    """Equality that keeps True apart from 1 and gives no array back."""
    value = value.item() if type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0 else value
    return type(value) is type(key) and bool(value == key)


def _as_set(value: Any) -> Any:
    try:
        return set(value) if isinstance(value, list | tuple | set | frozenset) else value
    except TypeError:  # unhashable members
        return value


def _short(value: Any, width: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"
