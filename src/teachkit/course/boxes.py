"""The opening and the closing box of a lesson, made from its declaration."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from teachkit import data as rooms_data
from teachkit.course import condition, meter, records
from teachkit.course.declaration import SIZES, Course, Lesson, read_course
from teachkit.course.machine import Machine, this_machine
from teachkit.course.records import Run
from teachkit.errors import LessonError, SettingsError, nearest
from teachkit.paths import course_root

BOX_STYLE = "border:1px solid;border-left-width:6px;border-radius:6px;padding:.6em 1em;max-width:48em"
LIST_STYLE = "display:grid;grid-template-columns:minmax(6em,max-content) 1fr;gap:.4em 1.2em;margin:.5em 0 0"
WHOLE_CELL = "float:none;width:auto;margin:0;padding:0"  # Jupyter gives terms and texts a share of their cell
TERM_STYLE = f"font-weight:600;{WHOLE_CELL}"
TEXT_STYLE = WHOLE_CELL
DISCLAIMER = "for teaching, not for clinical use"


@dataclass(frozen=True)
class Box:
    """A titled box for a notebook: HTML in a browser, plain text in a terminal."""

    title: str
    rows: tuple[tuple[str, str | tuple[str, ...]], ...]

    def _repr_html_(self) -> str:
        parts = []
        for name, content in self.rows:
            if isinstance(content, str):
                body = escape(content)
            else:
                items = "".join(f"<li>{escape(item)}</li>" for item in content)
                body = f'<ul style="margin:0;padding-left:1.2em">{items}</ul>'
            parts.append(f'<dt style="{TERM_STYLE}">{escape(name)}</dt><dd style="{TEXT_STYLE}">{body}</dd>')
        return (
            f'<section class="teachkit-box" aria-label="{escape(self.title)}" style="{BOX_STYLE}">'
            f'<p style="font-size:1.15em;font-weight:700;margin:0">{escape(self.title)}</p>'
            f'<dl style="{LIST_STYLE}">{"".join(parts)}</dl></section>'
        )

    def __repr__(self) -> str:
        lines = [self.title]
        for name, content in self.rows:
            if isinstance(content, str):
                lines.append(f"  {name}: {content}")
            else:
                lines += [f"  {name}:", *(f"    - {item}" for item in content)]
        return "\n".join(lines)


def preflight(
    lesson: str | None = None,
    *,
    size: str = "class",
    seed: int = 0,
    out: str | Path | None = None,
    data: str | None = None,
) -> Run:
    """Begin a lesson: check the machine, choose the data, show the opening box, start the record.

    Args:
        lesson: The lesson's id, such as ``"01"``; without one only the machine is looked at.
        size: ``"smoke"``, ``"class"`` or ``"full"``.
        seed: The run's first seed.
        out: Folder of the results; default ``results/ID`` beside the notebook.
        data: A data set by name; empty or None takes the first of the lesson's list that is here. A lesson
            on several sets takes as many as it needs, and their names joined by ", ".

    Returns:
        The run: `.settings` for this size, `.data`, `.size`, `.seed`, `.out`.
    """
    if size not in SIZES:
        raise SettingsError(f"No size '{size}'.", nearest(size, SIZES, "sizes"), size=size)
    if lesson is None:
        _display(Box("This machine", tuple(machine_rows(this_machine()))))
        return Run(lesson="", size=size, seed=seed, out=Path(out or "results"), data=data or "")
    course = read_course(course_root())
    declared = course.lesson(lesson)
    run = Run(
        lesson=declared.id,
        size=size,
        seed=int(seed),
        out=Path(out or Path("results") / declared.id),
        data=data or _chosen(declared),
        settings=declared.settings[size],
    )
    records.begin(run)
    _display(opening_box(course, declared, run))
    return run


def _chosen(lesson: Lesson) -> str:
    """The data of a run that names none."""
    if not lesson.data:
        return ""
    if lesson.sets == 1:
        return rooms_data.first_available(lesson.data)
    return ", ".join(rooms_data.available(lesson.data)[: lesson.sets])


def closing() -> None:
    """Show the closing box of the lesson that `preflight` began: what it took, and where its results lie."""
    run = records.current()
    if not run.lesson:
        raise LessonError(
            "No lesson has begun, so there is nothing to close.",
            "Run the cell with course.preflight(...) first.",
        )
    lesson = read_course(course_root()).lesson(run.lesson)
    count = len(records.read_results(run.out / records.RESULTS)["values"])
    reading = meter.read_meter(records.seconds())
    records.keep("meter", reading.record())
    _display(closing_box(lesson, run, count, tuple(meter.meter_rows(reading))))


def opening_box(course: Course, lesson: Lesson, run: Run) -> Box:
    """What a student reads before starting: needs, aims, minutes, cost, data, and help when it breaks."""
    titles = [f"lesson {other} ({course.lesson(other).title})" for other in lesson.needs]
    need = (*titles, *lesson.you_need) or ("nothing but this notebook",)
    minutes = lesson.minutes
    computing = ", ".join(f"{minutes.at(size):g} at size {size}" for size in SIZES)
    rows: list[tuple[str, str | tuple[str, ...]]] = [
        ("The question", lesson.question),
        ("You need", need),
        ("You will be able to", lesson.can_do),
        ("Minutes", f"{minutes.reading:g} of reading; computing: {computing}"),
        ("Cost", lesson.cost),
        ("Data and licence", f"{run.data or 'none'}: {lesson.licence}" if lesson.data else lesson.licence),
        ("This run", f"size {run.size}, seed {run.seed}, results in {run.out}"),
        *machine_rows(this_machine(), course),
        (
            "If it breaks",
            "Restart the kernel and run all cells from the top. Then read the last line of the error: "
            "it says what to do next.",
        ),
    ]
    return Box(f"{lesson.id} {lesson.title}", tuple(rows))


def closing_box(lesson: Lesson, run: Run, count: int, took: Iterable[tuple[str, str]] = ()) -> Box:
    """What a student takes along: one sentence, three terms, one limit, what comes next, what it took."""
    kept = f"{count} values in {run.out / records.RESULTS}"
    rows: tuple[tuple[str, str | tuple[str, ...]], ...] = (
        ("Take home", lesson.take_home),
        ("Three terms", lesson.terms),
        ("What this lesson does not show", lesson.not_shown),
        ("What comes next", lesson.next),
        ("Your results", kept),
        *took,
    )
    return Box(f"The end of lesson {lesson.id}", rows)


def machine_rows(machine: Machine, course: Course | None = None) -> Iterable[tuple[str, str]]:
    """The short form of the doctor: the machine in one line, then what to take care of."""
    yield "This machine", condition.sentence(machine)
    for check in condition.short_form(machine, course):
        if check.state != "ok":
            yield "Take care", f"{check.found} {check.remedy}".strip()


def _display(box: Box) -> None:
    if "ipykernel" in sys.modules:
        from IPython.display import display

        display(box)
    else:
        print(box)
