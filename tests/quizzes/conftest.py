"""Graded work: the release of each quiz, and a few students, run through nbgrader once for all tests."""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from teachkit.course.assessment.attempts import evaluate
from teachkit.course.assessment.check import results
from teachkit.course.assessment.keys import read_keys
from teachkit.course.grading import run_nbgrader

QUIZZES = Path(__file__).resolve().parents[2] / "quizzes"
START, LESSON = "00_start_here", "01_classification"
# A line such as "train," or ").values()" stands in any code and gives nothing away.
BARE_NAME = re.compile(r"[\s()\[\]{},.:]*\w*[\s()\[\]{},.:]*")

# The mistaken student answers these questions as the keys of the quiz state, and the others rightly.
MISTAKEN = {"q2-answer", "q3-answer", "q5-answer", "q9-answer", "q11-answer"}
KEYS = read_keys(QUIZZES / "keys" / f"{LESSON}.toml")
MISTAKES = {wrong.cell: wrong for wrong in KEYS.of("quiz") if wrong.cell in MISTAKEN}
NOSY = "print(open('quiz.ipynb').read())\nprint(In)\nprint('\\n'.join(In))"


@dataclass(frozen=True)
class Graded:
    """A graded course: its folder, and the rows of its gradebook by (student, assignment, notebook)."""

    course: Path
    rows: dict[tuple[str, str, str], dict[str, Any]]

    def feedback(self, student: str, assignment: str) -> str:
        """All feedback pages of one student's assignment, as text."""
        pages = sorted((self.course / "feedback" / student / assignment).glob("*.html"))
        return "\n".join(page.read_text(encoding="utf-8") for page in pages)


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """Four students: one with our solutions, one with mistakes, one without results, one who did nothing."""
    course = tmp_path_factory.mktemp("graded")
    settings = (QUIZZES / "nbgrader_config.py").read_text()
    (course / "nbgrader_config.py").write_text(settings + '\nc.NameStudent.term = "autumn"\n')
    shutil.copytree(QUIZZES / "source", course / "source")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TEACHKIT_DATA", "TEACHKIT_BUCKET"):
            patch.delenv(name, raising=False)
        patch.setenv("TEACHKIT_OFFLINE", "1")
        run_nbgrader(course, [START, LESSON], ["generate"])
        hand_in(course)
        rows = run_nbgrader(course, [START, LESSON], ["autograde", "feedback"])
    return Graded(course, {(row["student"], row["assignment"], row["notebook"]): row for row in rows})


def hand_in(course: Path) -> None:
    """Lay out the students' folders."""
    submitted = course / "submitted"
    for assignment in (START, LESSON):
        shutil.copytree(course / "release" / assignment, submitted / "untouched" / assignment)
        shutil.copytree(course / "source" / assignment, submitted / "reference" / assignment)
    for student in ("mistaken", "without"):
        (submitted / student / LESSON).mkdir(parents=True)
        shutil.copyfile(
            course / "source" / LESSON / "quiz.ipynb", submitted / student / LESSON / "quiz.ipynb"
        )
    for student in ("untouched", "reference", "mistaken"):
        (submitted / student / LESSON / "results.json").write_text(results(KEYS.run))
    make_mistakes(submitted / "mistaken" / LESSON / "quiz.ipynb")


def make_mistakes(path: Path) -> None:
    """Put the mistakes into a quiz, and cells that print all they can reach."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        question = cell.metadata.get("nbgrader", {}).get("grade_id")
        if question in MISTAKES:
            cell.source = MISTAKES[question].answer
    notebook.cells.append(nbformat.v4.new_code_cell(NOSY))
    nbformat.write(notebook, path)


@pytest.fixture
def marks_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, float]]:
    """`marks_of(notebook)`: run a source notebook here, as grading would; the points of each test cell.

    `replace` gives other sources by grade id, and `before` another results.json.
    """

    def run(notebook: str, replace: dict[str, str] | None = None, before: str = "") -> dict[str, float]:
        (tmp_path / "results.json").write_text(before or results(KEYS.run))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        names: dict[str, Any] = {"__name__": "__main__"}
        marks = {}
        for cell in nbformat.read(QUIZZES / "source" / notebook, as_version=4).cells:
            about = cell.metadata.get("nbgrader", {})
            if cell.cell_type != "code":
                continue
            value = evaluate((replace or {}).get(about.get("grade_id"), cell.source), names)
            if about.get("grade"):
                marks[about["grade_id"]] = value
        return marks

    return run


@pytest.fixture(scope="session")
def hidden_lines() -> list[str]:
    """Every line of a solution, hidden test or mark scheme that says more than one name."""
    found: list[str] = []
    for path in sorted((QUIZZES / "source").glob("*/*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            inside = False
            for line in cell.source.split("\n"):
                if line.strip().startswith("### BEGIN "):
                    inside = True
                elif line.strip().startswith("### END "):
                    inside = False
                elif inside and not BARE_NAME.fullmatch(line.strip()):
                    found.append(line.strip())
    return found


@pytest.fixture(scope="session")
def mistakes() -> dict[str, Mapping[str, float]]:
    """What each answer of the mistaken student loses, by the grade id of its cell."""
    return {cell: wrong.loses for cell, wrong in MISTAKES.items()}


@pytest.fixture(scope="session")
def run_results() -> Callable[..., str]:
    """`run_results("01", "one seed", name=value)`: a results.json as the keys of that quiz state it."""

    def text(lesson: str, run: str = "", **values: Any) -> str:
        keys = read_keys(next((QUIZZES / "keys").glob(f"{lesson}_*.toml")))
        return results({**(keys.runs[run] if run else keys.run), **values})

    return text


@pytest.fixture(scope="session")
def points_of() -> Callable[[str], dict[str, float]]:
    """`points_of(notebook)`: what each test cell of a source notebook is worth."""

    def read(notebook: str) -> dict[str, float]:
        cells = nbformat.read(QUIZZES / "source" / notebook, as_version=4).cells
        about = [cell.metadata.get("nbgrader", {}) for cell in cells]
        return {cell["grade_id"]: cell["points"] for cell in about if cell.get("grade")}

    return read
