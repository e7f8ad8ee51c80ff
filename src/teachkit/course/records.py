"""What a lesson found: ``OUT/results.json``, written value by value and never half."""

import json
import math
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from teachkit import __version__
from teachkit.errors import LessonError
from teachkit.paths import atomic, course_root

RESULTS = "results.json"
Value = float | int | bool | str | list[Any]


@dataclass(frozen=True)
class Run:
    """The settings of one lesson run, as shown in its opening box and saved with its results."""

    lesson: str
    size: str
    seed: int
    out: Path
    data: str
    settings: Mapping[str, Any] = field(default_factory=dict)


_current: Run | None = None
_begun = 0.0  # of the monotonic clock, which no correction of the time of day moves


def begin(run: Run) -> None:
    """Make `run` the one that `record` writes to, and clear what an earlier run left in its folder."""
    global _current, _begun
    _current, _begun = run, time.monotonic()
    _write(run.out, _frame(run))


def current() -> Run:
    """The run begun by `preflight`; without one, the folder that ``TEACHKIT_OUT`` names.

    Raises:
        LessonError: when there is neither.
    """
    if _current is not None:
        return _current
    if out := os.environ.get("TEACHKIT_OUT"):
        return Run(lesson="", size="", seed=0, out=Path(out), data="")
    raise LessonError(
        "No lesson has begun, so there is no place to record a value.",
        "Run the cell with course.preflight(...) first, or set TEACHKIT_OUT to a folder.",
    )


def record(name: str, value: object, *, interval: tuple[float, float] | None = None, unit: str = "") -> None:
    """Write one finding to ``OUT/results.json``; the same name again replaces it.

    Args:
        name: What the value is called in course.toml and in the quiz, such as ``"auc_frozen"``.
        value: A number, text, truth value, or a list of numbers. NumPy scalars and arrays are fine.
        interval: Low and high end of its uncertainty; bounds that are not finite are kept as "unknown".
        unit: Such as ``"s"``; empty for a score.

    Raises:
        LessonError: when no run has begun, or the value cannot be kept as it is.
    """
    run = current()
    path = run.out / RESULTS
    results = read_results(path) if path.is_file() else _frame(run)
    results.setdefault("times", {})["last"] = _now()
    results["values"][name] = {
        "value": _plain(name, value),
        "interval": _interval(name, interval),
        "unit": unit,
    }
    _write(run.out, results)


def seconds() -> float:
    """How long ago the current run began."""
    return time.monotonic() - _begun


def keep(name: str, content: Mapping[str, float]) -> None:
    """Put `content` beside the values of the current run; no question and no range looks at it."""
    path = current().out / RESULTS
    _write(path.parent, {**read_results(path), name: dict(content)})


def read_results(path: Path) -> dict[str, Any]:
    """The content of a ``results.json``.

    Raises:
        LessonError: when the file is absent or is not such a record.
    """
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LessonError(
            f"The results {path} cannot be read: {error}.", "Run the lesson again to write them.", path=path
        ) from error
    if not isinstance(results, dict) or not isinstance(results.get("values"), dict):
        raise LessonError(
            f"{path} does not hold the results of a lesson.", "Run the lesson again to write them.", path=path
        )
    return results


def place_results(lesson: str, folder: str | Path = ".") -> Path:
    """Copy the newest results of `lesson` beside a quiz, as ``folder/results.json``.

    Looked at: the student's own runs (``notebooks/results``) and headless runs (``*/lessons``) of the
    course around `folder`; ``TEACHKIT_RESULTS`` names one folder to look at instead. While a submission
    is being graded nothing is copied: the results that came with it count.

    Raises:
        LessonError: when the lesson has not been run.
    """
    target = Path(folder) / RESULTS
    if os.environ.get("NBGRADER_EXECUTION") == "autograde":
        if target.is_file():
            return target
        raise LessonError(  # a grader's own results must never stand in for a student's
            f"This submission came without {RESULTS}, and it asks about a run of lesson {lesson}.",
            "Run the first cell of the quiz before handing in, and hand in the whole folder.",
            lesson=lesson,
        )
    found = sorted(_candidates(lesson, Path(folder)), key=lambda path: path.stat().st_mtime)
    if not found:
        if target.is_file():
            return target
        raise LessonError(
            f"No results of lesson {lesson} yet, and this quiz asks about your own run.",
            f"Run the lesson first: open its notebook, or type: teachkit run {lesson}",
            lesson=lesson,
        )
    with atomic(target) as temporary:
        shutil.copyfile(found[-1], temporary)
    return target


def _candidates(lesson: str, folder: Path) -> list[Path]:
    if chosen := os.environ.get("TEACHKIT_RESULTS"):
        places = [Path(chosen) / lesson, Path(chosen) / "lessons" / lesson]
    else:
        root = course_root(folder)
        places = [root / "notebooks" / "results" / lesson, *root.glob(f"*/lessons/{lesson}")]
    return [place / RESULTS for place in places if (place / RESULTS).is_file()]


def _frame(run: Run) -> dict[str, Any]:
    return {
        "lesson": run.lesson,
        "size": run.size,
        "seed": run.seed,
        "data": run.data,
        "versions": versions(),
        "times": {"begun": _now()},
        "values": {},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Versions of the packages that can move a number; read from metadata, so nothing heavy is imported."""
    found = {"teachkit": __version__}
    for package in ("numpy", "scikit-learn", "torch", "torchvision", "timm"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _write(out: Path, results: Mapping[str, Any]) -> None:
    with atomic(out / RESULTS) as temporary:
        temporary.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _plain(name: str, value: object) -> Value:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise LessonError(
                f"'{name}' is {value}, which is not a number to keep.",
                "Find out why the score is undefined; often a class is absent from the sample.",
                name=name,
                value=value,
            )
        return value
    if isinstance(value, Sequence):
        return [_number(name, item) for item in value]
    raise LessonError(
        f"'{name}' is of type {type(value).__name__}, which cannot be recorded.",
        "Record a number, a text, a truth value, or a list of numbers.",
        name=name,
        value=value,
    )


def _number(name: str, item: object) -> float | int:
    plain = _plain(name, item)
    if isinstance(plain, bool | str | list):
        raise LessonError(
            f"'{name}' holds {item!r}, which is not a number.",
            "Record a list of numbers.",
            name=name,
            value=item,
        )
    return plain


def _interval(name: str, interval: tuple[float, float] | None) -> list[float] | None:
    if interval is None:
        return None
    low, high = (float(bound) for bound in interval)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None  # one seed gives no finite interval; the mean is still worth keeping
    if low > high:
        raise LessonError(
            f"The interval of '{name}' runs from {low} down to {high}.", "Give (low, high).", name=name
        )
    return [low, high]
