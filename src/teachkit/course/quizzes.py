"""Self-checks: a few questions after a lesson, shown in the notebook and never graded.

The files are jupyterquiz's format, read strictly: JSON without trailing commas or repeated keys, one right
answer, and feedback for every answer. jupyterquiz itself pastes a broken file into a page and shows nothing.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from teachkit.errors import LessonError, UnknownNameError, nearest
from teachkit.extras import need
from teachkit.paths import course_root

# What a run found changes with seed, size and data, so a fixed answer may not lean on it.
OWN_RUN = re.compile(
    r"\b(?:your|our|my|this) (?:own )?(?:run|results?|model|scores?|curves?|plot|figure|output|training)\b"
    r"|\b(?:you|we) (?:just )?(?:got|saw|measured|observed|obtained)\b"
    r"|\b(?:previous|last|next) cell\b",
    re.IGNORECASE,
)
MIN_OPTIONS = 3


@dataclass(frozen=True)
class Fault:
    """One thing to mend in a quiz file."""

    path: Path
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}, {self.place}: {self.message}"


def show(lesson: str, *, root: Path | None = None) -> None:
    """Display the self-check of a lesson, such as ``"01"``.

    In a live notebook it is interactive, with a text version folded below. With ``TEACHKIT_HEADLESS=1`` (runs
    without a reader, reports, print) only the text version is shown: each answer's feedback is folded.

    Args:
        lesson: the id of the lesson.
        root: the folder of the course; default: the one around the working directory.

    Raises:
        UnknownNameError: there is no self-check for `lesson`.
        LessonError: the file is not a self-check; all faults are named.
    """
    from IPython.display import HTML, display

    path = _find(lesson, (root or course_root()) / "quizzes" / "self_checks")
    faults = list(_check_file(path))
    if faults:
        raise LessonError(
            "The self-check cannot be shown. " + " ".join(map(str, faults)),
            "Mend the file, then type: teachkit quiz check",
            faults=faults,
        )
    questions = read_strictly(path)
    text = static_html(questions)
    if os.environ.get("TEACHKIT_HEADLESS") != "1":
        need("jupyterquiz", "lessons").display_quiz(questions, max_width=800)
        text = f"<details><summary>The same questions as text, with answers</summary>{text}</details>"
    display(HTML(text))


def static_html(questions: list[dict[str, Any]]) -> str:
    """The questions as a page that needs no script: a list, with each answer's feedback folded.

    Reading order is the order on the page, right and wrong are words and not only colours, and the folds are
    the browser's own, so a keyboard and a screen reader reach everything.
    """
    items = []
    for number, question in enumerate(questions, start=1):
        options = "".join(f"<li>{_option(answer)}</li>" for answer in question["answers"])
        items.append(
            f'<li style="margin:1em 0"><p style="margin:0;font-weight:600">{escape(question["question"])}</p>'
            f'<ul aria-label="Answers to question {number}">{options}</ul></li>'
        )
    return f'<section class="teachkit-self-check" aria-label="Self-check"><ol>{"".join(items)}</ol></section>'


def check_self_checks(folder: Path) -> list[Fault]:
    """Every fault of the self-check files in `folder`: empty when all is well.

    A file must be strict JSON. Each question has one right answer, at least three options (or a number),
    feedback for each of them, no HTML, all its numbers in its own text, and nothing that depends on one run.
    """
    faults = [fault for path in sorted(folder.glob("*.json")) for fault in _check_file(path)]
    if not any(folder.glob("*.json")):
        faults.append(
            Fault(folder, "the folder", "It holds no self-check; add one JSON file for each lesson.")
        )
    return faults


def read_strictly(path: Path) -> Any:
    """JSON as the standard says: no trailing commas, comments, NaN, or a key given twice.

    Raises:
        ValueError: with line and column where the file departs from it.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in items]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"the key '{twice[0]}' is given twice")
        return dict(items)

    def constant(name: str) -> float:
        raise ValueError(f"{name} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=pairs, parse_constant=constant)


def _find(lesson: str, folder: Path) -> Path:
    found = sorted(folder.glob(f"{lesson}_*.json")) or sorted(folder.glob(f"{lesson}.json"))
    if not found:
        known = [path.stem.partition("_")[0] for path in folder.glob("*.json")]
        raise UnknownNameError(
            f"No self-check for lesson '{lesson}' in {folder}.",
            nearest(lesson, known, "lessons"),
            lesson=lesson,
        )
    return found[0]


def _option(answer: dict[str, Any]) -> str:
    verdict = "Right." if answer.get("correct") else "Not right."
    if answer.get("type") == "default":
        label = "any other number"
    elif answer.get("type") == "range":
        label = f"a number from {answer['range'][0]:g} to {answer['range'][1]:g}"
    else:
        label = str(answer.get("answer", answer.get("value")))
    said = f"<strong>{verdict}</strong> {escape(answer['feedback'])}"
    return (
        f'<details><summary>{escape(label)}</summary><p style="margin:.2em 0 .6em 1em">{said}</p></details>'
    )


def _check_file(path: Path) -> Iterator[Fault]:
    try:
        questions = read_strictly(path)
    except (ValueError, OSError) as error:
        yield Fault(path, "the file", f"It is not strict JSON: {error}.")
        return
    if not isinstance(questions, list) or not questions or not all(isinstance(q, dict) for q in questions):
        yield Fault(path, "the file", "It must be a list of questions.")
        return
    for number, question in enumerate(questions, start=1):
        for message in _check_question(question):
            yield Fault(path, f"question {number}", message)
    texts = [question.get("question") for question in questions]
    for text in {str(text) for text in texts if texts.count(text) > 1}:
        yield Fault(path, "the file", f"It asks twice: '{text}'.")


def _check_question(question: dict[str, Any]) -> Iterator[str]:
    kind, text, answers = question.get("type"), question.get("question"), question.get("answers")
    if not _is_text(text):
        yield "It needs a text under 'question'."
    if kind not in ("multiple_choice", "numeric"):
        yield f"Its type is {kind!r}; use 'multiple_choice' or 'numeric'."
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        yield "It needs a list of answers."
        return
    right = sum(answer.get("correct") is True for answer in answers)
    if right != 1:
        yield f'It has {right} right answers; exactly one must have "correct": true.'
    for number, answer in enumerate(answers, start=1):
        if not _is_text(answer.get("feedback")):
            yield f"Answer {number} has no feedback."
        if not isinstance(answer.get("correct", False), bool):
            yield f"Answer {number}: 'correct' is {answer['correct']!r}, not true or false."
    yield from _check_numeric(text, answers) if kind == "numeric" else _check_choice(answers)
    yield from _check_words([text, *(value for answer in answers for value in answer.values())])


def _check_choice(answers: list[dict[str, Any]]) -> Iterator[str]:
    options = [answer.get("answer") for answer in answers]
    if len(options) < MIN_OPTIONS:
        yield f"It has {len(options)} options; give at least {MIN_OPTIONS}."
    if not all(map(_is_text, options)):
        yield "Every option needs a text under 'answer'."
    elif len({str(option).casefold().strip() for option in options}) < len(options):
        yield "Two options say the same."


def _check_numeric(text: Any, answers: list[dict[str, Any]]) -> Iterator[str]:
    if not re.search(r"\d", str(text)):
        yield "A numeric question must give its numbers in its text."
    for number, answer in enumerate(answers, start=1):
        kind = answer.get("type")
        if kind == "value":
            good = _is_number(answer.get("value"))
        elif kind == "range":
            ends = answer.get("range")
            good = (
                isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends)) and ends[0] < ends[1]
            )
        else:
            good = kind == "default" and not answer.get("correct")
        if not good:
            yield f"Answer {number} is no value, range or default: {answer!r}."
    if sum(answer.get("type") == "default" for answer in answers) != 1:
        yield "It needs one answer of type 'default', with feedback for any other number."


def _check_words(values: Iterable[Any]) -> Iterator[str]:
    for value in filter(_is_text, values):
        if found := OWN_RUN.search(value):
            yield f"It depends on one run ('{found.group()}'); give the numbers in the question."
        if "<" in value or ">" in value:
            yield f"'{value[:40]}' holds '<' or '>', which a page reads as HTML; use words."


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
