"""A small course in a temporary folder, made from the tiny notebooks in tests/notebooks."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from teachkit.course import box
from teachkit.course.declaration import Course, read_course
from teachkit.course.progress import RunProgress
from teachkit.course.runner import Options, Status, run_lessons

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


def build_course(root: Path, *lessons: tuple[str, ...]) -> Course:
    """A course at `root` with lessons of (id, notebook in tests/notebooks, tail, extra)."""
    notebooks = root / "notebooks"
    notebooks.mkdir(parents=True, exist_ok=True)
    (root / "docs").mkdir(exist_ok=True)
    (root / "docs" / "notes.md").write_text("# Notes\n\n## A heading\n\nText.\n")
    text = HEAD
    for identifier, file, *rest in lessons:
        tail, extra = (*rest, "", "")[:2]
        text += LESSON.format(id=identifier, file=f"{file}.ipynb", tail=tail, extra=extra)
        source = (NOTEBOOKS / f"{file}.ipynb").read_text()
        for old in ('preflight(\\"{}\\"', "results/{}"):
            source = source.replace(old.format("t1"), old.format(identifier))
        (notebooks / f"{file}.ipynb").write_text(source)
    (notebooks / "course.toml").write_text(text)
    return read_course(root)


@pytest.fixture(scope="session")
def need_box(need_tool: Callable[..., str]) -> None:
    """Skip, or fail under TEACHKIT_STRICT=1, where no box can be built."""
    need_tool("bwrap", "bubblewrap")
    if problem := box.missing():
        pytest.skip(problem)


@pytest.fixture
def make_course(tmp_path: Path) -> MakeCourse:
    """`make_course(("t1", "good"), ...)`: a small course in a temporary folder, see `build_course`."""
    return lambda *lessons: build_course(tmp_path / "course", *lessons)


@pytest.fixture(scope="session")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Path, dict[str, Status]]:
    """Nine lessons run once, two side by side: the course, the output folder and the statuses."""
    course = build_course(
        tmp_path_factory.mktemp("executed") / "course",
        ("t1", "good", EXPECTATIONS),
        ("t2", "raises"),
        ("t3", "misses_band", EXPECTATIONS),
        ("t4", "uses_memory"),
        ("t5", "records_nothing"),
        ("t6", "waits", "", 'results_from = ["t2"]'),
        ("t7", "reads_good", "", 'results_from = ["t1"]'),
        ("t8", "tells_environment"),
        ("t9", "kills_its_kernel"),
    )
    out = course.root / "build"
    with RunProgress(Console(file=io.StringIO())) as progress, pytest.MonkeyPatch.context() as patch:
        patch.delenv("OMP_NUM_THREADS", raising=False)
        patch.setenv("MPLBACKEND", "agg")
        statuses = run_lessons(course, course.lessons, Options(out=out, jobs=2), progress)
    return course, out, statuses


@pytest.fixture(scope="session")
def expectations() -> str:
    """One invariant, one band and one sanity range, all met by good.ipynb and missed by misses_band.ipynb."""
    return EXPECTATIONS
