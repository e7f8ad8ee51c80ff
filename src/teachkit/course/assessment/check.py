"""Hold the quizzes of a topic to what they promise: ``teachkit quiz check``.

The solution earns every point, whatever a run of the lesson found; an untouched release earns none; each
stated wrong answer loses the stated points and no others; and nothing hidden is in the release, in what goes
back to students, or in the package. Solutions are ours, so they run in this process and unboxed.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

import teachkit
from teachkit.course.assessment.attempts import Attempt, attempt
from teachkit.course.assessment.conventions import check_conventions
from teachkit.course.assessment.keys import Keys, Mistake, read_keys
from teachkit.course.assessment.release import answers, read, released, returned, settings
from teachkit.course.assessment.variants import VARIANT, variant
from teachkit.course.quizzes import Fault
from teachkit.course.secrets import Secret, leaks, readable, secret_lines
from teachkit.errors import LessonError

SOURCES = ("TEACHKIT_DATA", "TEACHKIT_BUCKET")
CLOSE = 1e-9
STUDENTS = ("ada", "ben", "cem", "dia", "eva")  # whose numbers a solution must suit, too


def topics(quizzes: Path, wanted: Iterable[str] = ()) -> list[Path]:
    """The source folders of the `wanted` lessons ("01"), of all when none is named.

    Raises:
        LessonError: there is no quiz for one of them.
    """
    folders = sorted(path for path in (quizzes / "source").glob("*") if path.is_dir())
    names = [name.partition("_")[0] for name in wanted]
    for name in names:
        if not any(folder.name.partition("_")[0] == name for folder in folders):
            raise LessonError(
                f"There is no quiz for lesson '{name}' in {quizzes / 'source'}.",
                f"Make one: teachkit quiz new {name}",
                lesson=name,
            )
    return [folder for folder in folders if not names or folder.name.partition("_")[0] in names]


def check_topic(folder: Path, notebooks: Iterable[str] = ("quiz", "challenge")) -> list[Fault]:
    """Every broken promise of the quizzes in one source folder: empty when all is well.

    The embedded data sets are used, so that the outcome does not depend on where this runs. A challenge
    trains its reference solution: about ten seconds.

    Args:
        folder: such as ``quizzes/source/01_classification``.
        notebooks: which of them to look at.

    Raises:
        MissingExtraError: nbgrader is not installed.
    """
    quizzes = folder.parents[1]
    try:
        keys = read_keys(quizzes / "keys" / f"{folder.name}.toml")
    except LessonError as error:
        return [Fault(folder, "its keys", str(error))]
    secrets = secret_lines(quizzes / "source")
    faults = []
    for name in notebooks:
        path = folder / f"{name}.ipynb"
        if path.is_file():
            notebook = read(path)
            release = released(notebook, settings(quizzes))
            untouched = _attempt(notebook, keys.run, answers(release))
            found = [
                *check_conventions(notebook, keys, path.stem, folder.name.partition("_")[0]),
                *_promises(notebook, untouched, keys, path.stem),
                *_leaks(notebook, release, untouched.said, secrets),
            ]
            faults += [Fault(path, place, message) for place, message in found]
    return faults


def check_package(quizzes: Path) -> list[Fault]:
    """Files of the installed package, which students have, that show lines of solutions or hidden tests."""
    package = Path(teachkit.__file__).parent
    texts = {
        f"teachkit/{path.relative_to(package)}": text
        for path in sorted(package.rglob("*"))
        if path.suffix in {".py", ".json", ".toml", ".txt", ".md", ".html"}
        for _, text in readable(path.name, path.read_bytes())
    }
    shown = leaks(secret_lines(quizzes / "source"), texts, taught=["teachkit/"])
    return [Fault(package / leak.where.partition("/")[2], leak.secret.place, str(leak)) for leak in shown]


def _promises(notebook: NotebookNode, untouched: Attempt, keys: Keys, name: str) -> Iterator[tuple[str, str]]:
    """(place, message) of each promise about points that does not hold."""
    worth = {
        cell.metadata["nbgrader"]["grade_id"]: float(cell.metadata["nbgrader"]["points"])
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
    runs = {"the run": keys.run, **(keys.runs if name == "quiz" else {})}
    for run, values in runs.items():
        solved = _attempt(notebook, values)
        for cell, message in solved.errors.items():
            yield cell, f"The solution fails with {run}: {message}"
        for cell, lost in _lost(worth, solved.marks).items():
            yield cell, f"With {run}, the solution loses {lost:g} of {worth[cell]:g} points."
    if any("variants.draw(" in cell.source for cell in notebook.cells):
        for student in STUDENTS:
            solved = _attempt(notebook, keys.run, student=student)
            for cell, lost in _lost(worth, solved.marks).items():
                yield cell, f"With the numbers of one more student, the solution loses {lost:g} points."
    for cell, points in untouched.marks.items():
        if points:
            yield cell, f"An untouched release earns {points:g} points."
    rounds = _one_by_one(keys.of(name)) if name == "quiz" else _in_rounds(keys.of(name))
    for mistakes in rounds:
        yield from _mistaken(notebook, keys, mistakes, worth)


def _one_by_one(mistakes: Iterable[Mistake]) -> list[list[Mistake]]:
    """Each alone, so that a mistake that costs points elsewhere is found."""
    return [[mistake] for mistake in mistakes]


def _in_rounds(mistakes: Iterable[Mistake]) -> list[list[Mistake]]:
    """As few rounds as there are mistakes for one cell: what a challenge trains takes its time."""
    rounds: list[list[Mistake]] = []
    for mistake in mistakes:
        free = [row for row in rounds if mistake.cell not in {other.cell for other in row}]
        if free:
            free[0].append(mistake)
        else:
            rounds.append([mistake])
    return rounds


def _mistaken(
    notebook: NotebookNode, keys: Keys, mistakes: Sequence[Mistake], worth: Mapping[str, float]
) -> Iterator[tuple[str, str]]:
    """One attempt with some mistakes in different cells; all that is lost must be stated."""
    solution, written = answers(notebook), {}
    stated: Counter[str] = Counter()
    for mistake in mistakes:
        if mistake.cell not in solution:
            yield mistake.cell, f"The keys state a mistake ('{mistake.belief}') for it; it is no answer cell."
            return
        kept = [solution[mistake.cell]] if mistake.follows_solution else []
        written[mistake.cell] = "\n".join([*kept, mistake.answer])
        stated.update(mistake.loses)
    found = _lost(worth, _attempt(notebook, keys.run, written).marks)
    if found != dict(stated):
        beliefs = " and ".join(f"'{mistake.belief}'" for mistake in mistakes)
        places = ", ".join(mistake.cell for mistake in mistakes)
        yield places, f"{beliefs}: lost {_said(found)}; the keys state {_said(stated)}."


def _leaks(
    notebook: NotebookNode, release: NotebookNode, said: Mapping[int, str], secrets: list[Secret]
) -> Iterator[tuple[str, str]]:
    """(place, message) of each secret line that a student would see."""
    pages = {"the release": release, "the feedback": returned(notebook, release, said)}
    for page, shown in pages.items():
        for leak in leaks(secrets, dict(readable(f"{page}.ipynb", nbformat.writes(shown).encode()))):
            yield page, f"It shows a line of {leak.secret.place}: {leak.secret.line.strip()[:60]}"


def _attempt(
    notebook: NotebookNode,
    values: Mapping[str, Any],
    replaced: Mapping[str, str] | None = None,
    *,
    student: str = "",
) -> Attempt:
    """One attempt in an empty folder, with the results of a run that recorded `values`."""
    with tempfile.TemporaryDirectory(prefix="teachkit-quiz-") as scratch, _embedded_sets():
        if student:
            (Path(scratch) / VARIANT).write_text(variant("a term", student), encoding="utf-8")
        return attempt(notebook, Path(scratch), answers=replaced, results=results(values) if values else None)


def results(values: Mapping[str, Any]) -> str:
    """The text of a ``results.json`` with these values by name."""
    entries = {name: {"value": value, "interval": None, "unit": ""} for name, value in values.items()}
    return json.dumps({"lesson": "", "size": "smoke", "seed": 0, "data": "", "values": entries})


@contextmanager
def _embedded_sets() -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in SOURCES if name in os.environ}
    chosen = os.environ.get("TEACHKIT_OFFLINE")
    os.environ["TEACHKIT_OFFLINE"] = "1"
    try:
        yield
    finally:
        os.environ.update(before)
        if chosen is None:
            del os.environ["TEACHKIT_OFFLINE"]
        else:
            os.environ["TEACHKIT_OFFLINE"] = chosen


def _lost(worth: Mapping[str, float], marks: Mapping[str, float]) -> dict[str, float]:
    lost = {cell: points - marks.get(cell, 0.0) for cell, points in worth.items()}
    return {cell: round(points, 6) for cell, points in lost.items() if abs(points) > CLOSE}


def _said(lost: Mapping[str, float]) -> str:
    return ", ".join(f"{points:g} in {cell}" for cell, points in lost.items()) or "nothing"
