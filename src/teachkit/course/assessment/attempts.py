"""Run a quiz the way grading does, in this process: each answer cell as given, each test cell for its points.

Only for notebooks whose every line is the author's own: nothing here keeps code from doing harm. Students'
work is graded by nbgrader, in a kernel of its own.
"""

import ast
import builtins
import io
import os
import traceback
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from teachkit.course.records import RESULTS


@dataclass
class Attempt:
    """What came of one run of a notebook.

    Attributes:
        marks: points by grade id of the test cell.
        said: what each cell printed, by its number from 0.
        errors: the last line of the error of each cell that raised one, by grade id.
    """

    marks: dict[str, float] = field(default_factory=dict)
    said: dict[int, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def attempt(
    notebook: NotebookNode,
    folder: Path,
    *,
    answers: Mapping[str, str] | None = None,
    results: str | None = None,
) -> Attempt:
    """Run the code cells from top to bottom, as nbgrader grades: an error ends its cell and not the notebook.

    A test cell earns the number that its last expression gives; all its points when that is None; and
    nothing when it raised an error or printed to standard error.

    Args:
        notebook: with answers and hidden tests.
        folder: working folder of the cells; a challenge leaves its files there.
        answers: source by grade id, in place of the cell's own.
        results: text of the ``results.json`` beside the quiz.
    """
    done, names = Attempt(), {"__name__": "__main__"}
    if results is not None:
        (folder / RESULTS).write_text(results, encoding="utf-8")
    with chdir(folder), _as_grading():
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            about = cell.metadata.get("nbgrader", {})
            name = about.get("grade_id", f"cell {number + 1}")
            out, err = io.StringIO(), io.StringIO()
            value, failed = None, ""
            with redirect_stdout(out), redirect_stderr(err):
                try:
                    value = evaluate((answers or {}).get(name, cell.source), names)
                except (Exception, SystemExit) as error:
                    failed = traceback.format_exception_only(error)[-1].strip()
            done.said[number] = out.getvalue() + err.getvalue()
            if failed:
                done.errors[name] = failed
            if about.get("grade"):
                stopped = bool(failed or err.getvalue())
                done.marks[name] = 0.0 if stopped else _points(value, float(about["points"]))
    return done


def evaluate(source: str, names: dict[str, Any]) -> Any:
    """Run a cell like a kernel does: the value of its last expression, or None."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    builtins.exec(compile(ast.Module(body, []), "cell", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    return builtins.eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@contextmanager
def _as_grading() -> Iterator[None]:
    before = os.environ.get("NBGRADER_EXECUTION")
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    try:
        yield
    finally:
        if before is None:
            del os.environ["NBGRADER_EXECUTION"]
        else:
            os.environ["NBGRADER_EXECUTION"] = before


def _points(value: object, worth: float) -> float:
    if value is None:
        return worth
    return float(value) if isinstance(value, int | float) else worth
