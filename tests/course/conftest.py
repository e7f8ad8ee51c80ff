"""A small course in a temporary folder, made from the tiny notebooks in tests/notebooks."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from teachkit.course.declaration import Course, read_course

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"

HEAD = '[course]\ntitle = "A tiny course"\nversion = "1"\n'
LESSON = """
[[lesson]]
id = "{id}"
file = "{file}"
title = "Lesson {id}"
question = "What is the answer?"
take_home = "One number is not much."
terms = ["one: a number", "two: another", "three: the last"]
not_shown = "Anything else."
next = "Nothing."
licence = "none"
cost = "nothing"
can_do = ["see a number"]
{extra}
[lesson.minutes]
reading = 1
smoke = 0.1
class = 0.2
full = 0.3
[lesson.budget.smoke]
seconds = 5
gib = 0.5
[lesson.budget.class]
seconds = 5
gib = 0.5
[lesson.budget.full]
seconds = 5
gib = 0.5
{tail}
"""
EXPECTATIONS = """
[[lesson.invariants]]
name = "steps_differ"
equals = 0
why = "all arms take the same steps"
[[lesson.bands]]
name = "score"
low = 0.45
high = 0.55
sizes = ["smoke"]
seeds = 20
false_alarm = 0.001
why = "twenty seeds"
[[lesson.sanity]]
name = "answer"
low = 42
high = 42
"""

MakeCourse = Callable[..., Course]


@pytest.fixture
def make_course(tmp_path: Path) -> MakeCourse:
    """`make_course(("t1", "good", EXPECTATIONS), ...)`: lessons of (id, notebook, tail, extra)."""

    def make(*lessons: tuple[str, ...], root: Path = tmp_path / "course") -> Course:
        notebooks = root / "notebooks"
        notebooks.mkdir(parents=True, exist_ok=True)
        (root / "docs").mkdir(exist_ok=True)
        (root / "docs" / "notes.md").write_text("# Notes\n\n## A heading\n\nText.\n")
        text = HEAD
        for identifier, file, *rest in lessons:
            tail, extra = (*rest, "", "")[:2]
            text += LESSON.format(id=identifier, file=f"{file}.ipynb", tail=tail, extra=extra)
            target = notebooks / f"{file}.ipynb"
            shutil.copyfile(NOTEBOOKS / f"{file}.ipynb", target)
            target.write_text(
                target.read_text().replace('preflight(\\"t1\\"', f'preflight(\\"{identifier}\\"')
            )
        (notebooks / "course.toml").write_text(text)
        return read_course(root)

    return make


@pytest.fixture(scope="session")
def expectations() -> str:
    """One invariant, one band and one sanity range, all met by good.ipynb and missed by misses_band.ipynb."""
    return EXPECTATIONS
