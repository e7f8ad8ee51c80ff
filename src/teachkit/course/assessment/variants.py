"""Numbers of a question that differ from student to student, and from term to term.

A locked cell of a quiz draws them::

    rng = variants.draw("q7")
    changed = rng.permutation([1] * 8 + [0] * 4)

and the test below computes its key from what was drawn. Variants are off until a term is named: with
``TEACHKIT_TERM`` on the machines of students, who have ``TEACHKIT_STUDENT`` from the exchange, and with the
same text as ``c.NameStudent.term`` where work is graded. Without a term everybody has the same numbers.
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np

from teachkit.course.marking import being_graded
from teachkit.errors import LessonError

VARIANT = "variant.json"
TERM, STUDENT = "TEACHKIT_TERM", "TEACHKIT_STUDENT"


def draw(question: str, folder: str | Path = ".") -> np.random.Generator:
    """The generator of one question: the same whenever this student runs this cell, and when it is graded.

    Args:
        question: id of the question, so that two questions of a quiz draw apart.
        folder: where grading leaves ``variant.json``.

    Raises:
        LessonError: a term is named and no student, or ``variant.json`` is damaged.
    """
    term, student = _named(Path(folder)) if being_graded() else _at_the_desk()
    seed = hashlib.sha256("\0".join((term, student, question)).encode()).digest()
    return np.random.default_rng(list(seed))


def variant(term: str, student: str) -> str:
    """The text of a ``variant.json``."""
    return json.dumps({"term": term, "student": student}) + "\n"


def _at_the_desk() -> tuple[str, str]:
    term, student = os.environ.get(TERM, ""), os.environ.get(STUDENT, "")
    if term and not student:
        raise LessonError(
            f"{TERM} is '{term}', and nothing says who you are, so your numbers cannot be drawn.",
            f"Set {STUDENT} to your student id, restart the kernel, and run the quiz from the top.",
            term=term,
        )
    return (term, student) if term else ("", "")


def _named(folder: Path) -> tuple[str, str]:
    path = folder / VARIANT
    if not path.exists():
        return "", ""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        term, student = read["term"], read["student"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LessonError(
            f"{path.name} cannot be read: {error!r}.", "Grade this submission again.", path=path
        ) from error
    return str(term), str(student)
