"""What a lesson declares before it runs: the reader of ``notebooks/course.toml``.

One ``[[lesson]]`` table per notebook. The runner, the opening and closing boxes, the report and the build
file are all made from it, so a lesson joins the course by adding its files and one table.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from teachkit.course.tables import Table
from teachkit.errors import LessonError, UnknownNameError, nearest

SIZES = ("smoke", "class", "full")
JUDGED_AFTERWARDS = ("invariants", "bands", "sanity")


@dataclass(frozen=True)
class Minutes:
    """Minutes of a student's time: reading, and computing at each size."""

    reading: float
    smoke: float
    class_: float
    full: float

    def at(self, size: str) -> float:
        """Computing minutes at `size`."""
        return float(getattr(self, "class_" if size == "class" else size))


@dataclass(frozen=True)
class Budget:
    """What one run may take: wall-clock seconds and peak memory in GiB."""

    seconds: float
    gib: float


@dataclass(frozen=True)
class Invariant:
    """A recorded value that is true by construction, at every size and on all data."""

    name: str
    equals: Any
    why: str


@dataclass(frozen=True)
class Band:
    """An honest range of a recorded number, estimated over `seeds` seeds.

    `sizes` and `data` say where it applies (no data named: everywhere); `false_alarm` is the stated
    probability that a sound run falls outside.
    """

    name: str
    low: float
    high: float
    sizes: tuple[str, ...]
    data: tuple[str, ...]
    seeds: int
    false_alarm: float
    why: str


@dataclass(frozen=True)
class Sanity:
    """A wide range that any run must respect, at every size."""

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Lesson:
    """One lesson: its place in the course, its texts, budgets, settings and expectations.

    A run uses the first `sets` of `data` that are there.
    """

    id: str
    file: str
    title: str
    question: str
    take_home: str
    terms: tuple[str, ...]
    not_shown: str
    next: str
    licence: str
    cost: str
    can_do: tuple[str, ...]
    you_need: tuple[str, ...]
    needs: tuple[str, ...]
    results_from: tuple[str, ...]
    data: tuple[str, ...]
    sets: int
    minutes: Minutes
    budget: Mapping[str, Budget]
    settings: Mapping[str, Mapping[str, Any]]
    invariants: tuple[Invariant, ...]
    bands: tuple[Band, ...]
    sanity: tuple[Sanity, ...]
    table: Mapping[str, Any] = field(repr=False)

    @property
    def stem(self) -> str:
        """The notebook's name without ending, shared by its quiz folder and its page."""
        return Path(self.file).stem

    def fingerprint(self) -> str:
        """Hash of everything declared that can change what the notebook shows.

        Ranges are left out: they are judged after a run, so a new band needs no new run.
        """
        seen = {key: value for key, value in self.table.items() if key not in JUDGED_AFTERWARDS}
        return hashlib.sha256(json.dumps(seen, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Course:
    """The course: a title, a version and the lessons in teaching order."""

    root: Path
    title: str
    version: str
    lessons: tuple[Lesson, ...]

    @property
    def notebooks(self) -> Path:
        """The folder of the lessons."""
        return self.root / "notebooks"

    def lesson(self, wanted: str) -> Lesson:
        """The lesson with this id, file name or stem.

        Raises:
            UnknownNameError: with the nearest ids.
        """
        for lesson in self.lessons:
            if wanted in (lesson.id, lesson.file, lesson.stem):
                return lesson
        known = [lesson.id for lesson in self.lessons]
        raise UnknownNameError(
            f"No lesson '{wanted}' in notebooks/course.toml.",
            nearest(wanted, known, "lessons"),
            lesson=wanted,
        )

    def select(self, wanted: Iterable[str] = ()) -> tuple[Lesson, ...]:
        """The named lessons in course order (all when none is named), with those whose results they read."""
        names = list(wanted)
        if not names:
            return self.lessons
        chosen: set[str] = set()
        queue = [self.lesson(name).id for name in names]
        while queue:
            current = queue.pop()
            if current not in chosen:
                chosen.add(current)
                queue.extend(self.lesson(current).results_from)
        return tuple(lesson for lesson in self.lessons if lesson.id in chosen)


def read_course(root: Path) -> Course:
    """Read and check ``root/notebooks/course.toml``.

    Raises:
        LessonError: naming the file, the table, the value and what is expected.
    """
    path = root / "notebooks" / "course.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LessonError(
            f"{path} cannot be read: {error}.", "Mend the file and run again.", path=path
        ) from error
    top = Table(content, path.name)
    head = top.table("course")
    title, version = head.text("title"), head.text("version")
    head.finish()
    lessons = tuple(_lesson(table) for table in top.tables("lesson"))
    top.finish()
    _check_references(lessons)
    return Course(root=root, title=title, version=version, lessons=lessons)


def _lesson(table: Table) -> Lesson:
    table.place = f"lesson {table.content.get('id', '?')}"
    lesson = Lesson(
        id=table.text("id"),
        file=table.text("file"),
        title=table.text("title"),
        question=table.text("question"),
        take_home=table.text("take_home"),
        terms=table.texts("terms", length=3),
        not_shown=table.text("not_shown"),
        next=table.text("next"),
        licence=table.text("licence"),
        cost=table.text("cost"),
        can_do=table.texts("can_do"),
        you_need=table.texts("you_need", default=()),
        needs=table.texts("needs", default=()),
        results_from=table.texts("results_from", default=()),
        data=table.texts("data", default=()),
        sets=int(table.number("sets")) if "sets" in table.content else 1,
        minutes=_minutes(table.table("minutes")),
        budget={size: _budget(part) for size, part in _by_size(table, "budget").items()},
        settings={size: part.rest() for size, part in _by_size(table, "settings", optional=True).items()},
        invariants=tuple(_invariant(part) for part in table.tables("invariants")),
        bands=tuple(_band(part) for part in table.tables("bands")),
        sanity=tuple(_sanity(part) for part in table.tables("sanity")),
        table=table.content,
    )
    table.finish()
    return lesson


def _by_size(table: Table, key: str, *, optional: bool = False) -> dict[str, Table]:
    if optional and key not in table.content:
        return {size: Table({}, key) for size in SIZES}
    parts = table.table(key)
    found = {size: parts.table(size) for size in SIZES}
    parts.finish()
    return found


def _minutes(table: Table) -> Minutes:
    minutes = Minutes(
        table.number("reading"), table.number("smoke"), table.number("class"), table.number("full")
    )
    table.finish()
    return minutes


def _budget(table: Table) -> Budget:
    budget = Budget(table.number("seconds"), table.number("gib"))
    table.finish()
    return budget


def _invariant(table: Table) -> Invariant:
    invariant = Invariant(table.text("name"), table.value("equals"), table.text("why"))
    table.finish()
    return invariant


def _band(table: Table) -> Band:
    low, high = table.range()
    band = Band(
        name=table.text("name"),
        low=low,
        high=high,
        sizes=table.texts("sizes"),
        data=table.texts("data", default=()),
        seeds=int(table.number("seeds")),
        false_alarm=table.number("false_alarm"),
        why=table.text("why"),
    )
    table.finish()
    for size in band.sizes:
        if size not in SIZES:
            raise UnknownNameError(
                f"{table.place}, band '{band.name}': no size '{size}'.",
                nearest(size, SIZES, "sizes"),
                size=size,
            )
    if band.seeds < 20:
        raise LessonError(
            f"{table.place}, band '{band.name}' rests on {band.seeds} seeds.",
            "A band needs at least 20 seeds; below that use a sanity range.",
            seeds=band.seeds,
        )
    return band


def _sanity(table: Table) -> Sanity:
    low, high = table.range()
    sanity = Sanity(table.text("name"), low, high)
    table.finish()
    return sanity


def _check_references(lessons: tuple[Lesson, ...]) -> None:
    seen: set[str] = set()
    for lesson in lessons:
        if lesson.id in seen:
            raise LessonError(
                f"Two lessons have the id '{lesson.id}'.",
                "Give each lesson an id of its own.",
                lesson=lesson.id,
            )
        for key in ("needs", "results_from"):
            for other in getattr(lesson, key):
                if other not in seen:
                    raise LessonError(
                        f"Lesson {lesson.id} names '{other}' in {key}, which no earlier lesson has as id.",
                        f"Earlier lessons: {', '.join(sorted(seen)) or 'none'}.",
                        lesson=lesson.id,
                        other=other,
                    )
        seen.add(lesson.id)
