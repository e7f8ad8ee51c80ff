"""What can be earned where: the points of every question, from the source notebooks themselves."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from teachkit.course.assessment.release import read

PAGE = Path("docs") / "points.md"
TITLE = re.compile(r"^#+ +(?:Q\d+\. +|Text\. +)?(.*?) *\([^()]*points?\b[^()]*\)", re.MULTILINE)
ROW = re.compile(r"^\| *([\d +]+?) *\| *(.*?) *\|$", re.MULTILINE)
HEAD = """# Points

What each quiz and each challenge gives. Tests give most points at once; a person reads the texts.
`teachkit quiz points --write` makes this page from the quizzes.
"""


@dataclass(frozen=True)
class Item:
    """One thing that earns points.

    Attributes:
        topic: such as "01_classification".
        notebook: "quiz" or "challenge".
        name: "Q3", "Text", "Report", or empty for a row of a challenge's own table.
        title: what it is about.
        points: how many it gives.
        by: "tests" or "a person".
    """

    topic: str
    notebook: str
    name: str
    title: str
    points: float
    by: str


def items(source: Path) -> list[Item]:
    """All that earns points below ``quizzes/source``, in the order in which students meet it."""
    found = []
    for folder in sorted(path for path in source.glob("*") if path.is_dir()):
        for name in ("quiz", "challenge"):
            if (folder / f"{name}.ipynb").is_file():
                found += _of(read(folder / f"{name}.ipynb"), folder.name, name)
    return found


def totals(rows: Iterable[Item]) -> dict[tuple[str, str], tuple[float, float]]:
    """Points by tests and by a person, by (topic, notebook)."""
    sums: dict[tuple[str, str], tuple[float, float]] = {}
    for row in rows:
        tests, person = sums.get((row.topic, row.notebook), (0.0, 0.0))
        mine = (row.points, 0.0) if row.by == "tests" else (0.0, row.points)
        sums[row.topic, row.notebook] = tests + mine[0], person + mine[1]
    return sums


def page(source: Path) -> str:
    """The page ``docs/points.md``: a table over all, then one for each quiz and challenge."""
    rows = items(source)
    sums = totals(rows)
    lines = [HEAD, "| lesson | | by tests | by a person | together |", "|---|---|---|---|---|"]
    for (topic, notebook), (tests, person) in sums.items():
        lines.append(f"| {_title(topic)} | {notebook} | {tests:g} | {person:g} | {tests + person:g} |")
    tests, person = (sum(both[k] for both in sums.values()) for k in (0, 1))
    lines.append(f"| **all** | | {tests:g} | {person:g} | {tests + person:g} |")
    for topic, notebook in sums:
        lines += ["", f"## {_title(topic)}: {notebook}", "", "| | about | points | by |", "|---|---|---|---|"]
        lines += [
            f"| {row.name} | {row.title} | {row.points:g} | {row.by} |"
            for row in rows
            if (row.topic, row.notebook) == (topic, notebook)
        ]
    return "\n".join(lines) + "\n"


def _of(notebook: NotebookNode, topic: str, name: str) -> list[Item]:
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    found = []
    if name == "challenge" and "intro" in cells:
        for points, title in ROW.findall(cells["intro"].source):
            found.append(Item(topic, name, "", title, sum(map(int, points.split("+"))), "tests"))
    for grade_id, cell in cells.items():
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade") and name == "quiz":
            question = grade_id.removesuffix("-test")
            text = cells[question].source if question in cells else ""
            found.append(Item(topic, name, question.upper(), _heading(text), about["points"], "tests"))
        elif about.get("task"):
            short = "Text" if name == "quiz" else "Report"
            title = _heading(cell.source)
            found.append(
                Item(topic, name, short, "" if title == short else title, about["points"], "a person")
            )
    return found


def _heading(text: str) -> str:
    found = TITLE.search(text)
    return found.group(1).replace("|", "\\|") if found else ""


def _title(topic: str) -> str:
    return topic.replace("_", " ")
