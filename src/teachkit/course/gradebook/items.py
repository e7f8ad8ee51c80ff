"""Item analysis: which questions were hard, which tell strong from weak, and which wrong answers attract.

Difficulty is the mean share of the points. Discrimination is the correlation of a question with the rest of
its notebook (corrected item-total correlation). Both follow classical test theory, as in Ebel and Frisbie,
Essentials of Educational Measurement (1991), whose rule of thumb is: above 0.3 good, below 0.1 look at it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd

from teachkit.course.gradebook.reading import FEWEST, Grades

EASY, HARD, WEAK = 0.95, 0.3, 0.1
ITEMS = ["assignment", "notebook", "question", "n", "difficulty", "sd", "discrimination", "note"]
CHOICES = ["assignment", "notebook", "question", "name", "answer", "n", "rest"]
OTHER = "other"
UNKNOWN = "no plain answer"
FEW = f"fewer than {FEWEST} students"


def item_analysis(grades: Grades) -> pd.DataFrame:
    """One row for each graded cell: students, difficulty, spread, discrimination, and a note in words.

    Cells that wait for a person are left out. Where fewer than five students have a score, the figures are
    nan; discrimination is nan, too, where nobody differs.
    """
    cells = grades.cells[~grades.cells["waiting"]]
    found = []
    for (assignment, notebook), part in cells.groupby(["assignment", "notebook"], sort=True):
        points = part.pivot_table(index="student", columns="cell", values="score", aggfunc="sum")
        most = part.groupby("cell")["max_score"].max()
        for cell in dict.fromkeys(part["cell"]):
            if most[cell] > 0:
                figures = _figures(points, str(cell), float(most[cell]))
                found.append({"assignment": assignment, "notebook": notebook, "question": cell, **figures})
    return pd.DataFrame(found, columns=ITEMS)


def discrimination(item: np.ndarray, rest: np.ndarray) -> float:
    """Correlation of the points of a question with those of the other questions; nan when one is constant.

    >>> round(discrimination(np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 2.0, 3.0, 4.0])), 3)
    0.894
    """
    if len(item) < 2 or np.ptp(item) == 0 or np.ptp(rest) == 0:
        return float("nan")
    return float(np.corrcoef(item, rest)[0, 1])


def distractors(grades: Grades, handed_in: Path) -> pd.DataFrame:
    """What students answered where a question offers choices, and how they did in the rest of the notebook.

    Args:
        grades: the gradebook.
        handed_in: a folder ``STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``, such as ``autograded``. Only answers
            written as plain values count; the notebooks are read, not run.

    Returns:
        One row for each answer that at least five students gave, with the mean share of points that they
        have in the other questions. Rarer answers are added up as "other", and where these are fewer than
        five the next rarest answer is added, so that no small group can be calculated.
    """
    answers = [
        {"student": student, "assignment": assignment, "notebook": path.stem, **row}
        for (student, assignment) in sorted(
            set(zip(grades.cells["student"], grades.cells["assignment"], strict=True))
        )
        for path in sorted((handed_in / student / assignment).glob("*.ipynb"))
        for row in chosen(nbformat.read(path, as_version=4))
    ]
    if not answers:
        return pd.DataFrame(columns=CHOICES)
    table = pd.DataFrame(answers)
    table["rest"] = [_rest(grades.cells, row) for row in table.itertuples()]
    found: list[dict[str, Any]] = []
    keys = ["assignment", "notebook", "question", "name"]
    for group, part in table.groupby(keys, sort=False):
        common = dict(zip(keys, group, strict=True))
        found += [{**common, **row} for row in _tally(part)]
    return pd.DataFrame(found, columns=CHOICES)


def chosen(notebook: Any) -> Iterator[dict[str, str]]:
    """The answer to each choice of a notebook: rows with question (the test cell), name and answer."""
    values: dict[str, str] = {}
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type != "code":
            continue
        if about.get("solution"):
            values |= _plain_values(cell.source)
        elif about.get("grade"):
            for name in _choices(cell.source):
                yield {
                    "question": about["grade_id"],
                    "name": name,
                    "answer": values.get(name, UNKNOWN),
                }


def _figures(points: pd.DataFrame, cell: str, most: float) -> dict[str, Any]:
    scored = points[points[cell].notna()]
    item = scored[cell].to_numpy(float)
    if len(item) < FEWEST:
        nan = float("nan")
        return {"n": len(item), "difficulty": nan, "sd": nan, "discrimination": nan, "note": FEW}
    rest = scored.drop(columns=cell).fillna(0.0).sum(axis=1).to_numpy(float)
    share, tells = float(np.mean(item) / most), discrimination(item, rest)
    return {
        "n": len(item),
        "difficulty": share,
        "sd": float(np.std(item / most, ddof=1)),
        "discrimination": tells,
        "note": _note(share, tells),
    }


def _note(share: float, tells: float) -> str:
    if tells < 0:
        return "weak students do better here: look at the key"
    if share >= EASY:
        return "nearly everybody has it"
    if share <= HARD:
        return "hard"
    if tells < WEAK:
        return "does not tell strong from weak"
    return ""


def _choices(source: str) -> list[str]:
    """The names that a test cell checks with ``marks.wants_choice("name", ...)``."""
    return [
        str(node.args[0].value)
        for node in ast.walk(_parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "wants_choice"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]


def _plain_values(source: str) -> dict[str, str]:
    """name → the value as text, of assignments of constants; None counts as not answered."""
    found: dict[str, str] = {}
    for node in _parse(source).body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                found |= dict(_pairs(target, node.value))
    return found


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, str]]:
    """(name, value as text) of ``name = constant`` and ``a, b = 1, 2``."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=False):
            yield from _pairs(one, its)
    elif isinstance(target, ast.Name):
        yield target.id, _said(value.value) if isinstance(value, ast.Constant) else UNKNOWN


def _said(value: object) -> str:
    return "not answered" if value is None else repr(value)


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):  # a student's cell may be anything
        return ast.Module([], [])


def _rest(cells: pd.DataFrame, row: Any) -> float:
    """The share of points in all other questions of this student's notebook."""
    mine = cells[
        (cells["student"] == row.student)
        & (cells["assignment"] == row.assignment)
        & (cells["notebook"] == row.notebook)
        & (cells["cell"] != row.question)
        & ~cells["waiting"]
    ]
    most = mine["max_score"].sum()
    return float(mine["score"].sum() / most) if most else float("nan")


def _tally(part: pd.DataFrame) -> list[dict[str, Any]]:
    counts = part["answer"].value_counts()
    order = sorted(counts.index, key=lambda answer: (-counts[answer], answer))
    shown = [answer for answer in order if counts[answer] >= FEWEST]
    while shown and 0 < sum(counts[answer] for answer in order if answer not in shown) < FEWEST:
        shown.pop()
    rows = [(answer, part[part["answer"] == answer]) for answer in shown]
    others = part[~part["answer"].isin(shown)]
    if len(others) >= FEWEST:
        rows.append((OTHER, others))
    elif len(others):
        return [{"answer": FEW, "n": len(others), "rest": float("nan")}]
    return [
        {"answer": answer, "n": len(group), "rest": float(group["rest"].mean())} for answer, group in rows
    ]
