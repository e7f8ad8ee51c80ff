"""Graded work: the release of each quiz, and a few students, run through nbgrader once for all tests."""

import ast
import builtins
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from teachkit.course.grading import run_nbgrader

QUIZZES = Path(__file__).resolve().parents[2] / "quizzes"
START, LESSON = "00_start_here", "01_classification"
# A line such as "train," or ").values()" stands in any code and gives nothing away.
BARE_NAME = re.compile(r"[\s()\[\]{},.:]*\w*[\s()\[\]{},.:]*")

# A plausible mistake for each question: the answer cell as a student would write it, and the points it costs.
MISTAKES = {
    "q2": ("moved_although_frozen = [name for name in before if before[name] != after[name]]\ncall = 'b'", 2),
    "q3": (  # takes the share of right alarms for the sensitivity
        "sensitivity_a, specificity_a, majority_a = 10 / 20, 940 / 950, 0.95\n"
        "sensitivity_b, specificity_b, majority_b = 0.95, 0.95, 0.5",
        1,
    ),
    "q5": (  # believes that AUC is the share of patients classified correctly
        "auc_before, auc_after = 0.7, 0.8\naccuracy_before, accuracy_after = 0.7, 0.8\n"
        "gap_before = scores.mean() - labels.mean()\ngap_after = (scores**2).mean() - labels.mean()",
        2,
    ),
    "q9": (  # uses the normal multiplier for five seeds
        "x, y = x_second - x_first, y_second - y_first\nx_mean, y_mean = x.mean(), y.mean()\n"
        "x_low, x_high = x_mean - 1.96 * stats.sem(x), x_mean + 1.96 * stats.sem(x)\n"
        "y_low = y_mean - 1.96 * stats.sem(y)\nbelievable = 'both'",
        4,
    ),
    "q11": (  # takes the share of right alarms for the sensitivity, of the own run too
        "own_sensitivity = own['true_positives'] / (own['true_positives'] + own['false_positives'])\n"
        "own_majority = 60 / 110\nown_missed = 20 * (1 - 40 / 50)",
        1,
    ),
}
NOSY = "print(open('quiz.ipynb').read())\nprint(In)\nprint('\\n'.join(In))"


RUN_01 = {
    "true_positives": 40,
    "false_negatives": 10,
    "false_positives": 6,
    "true_negatives": 54,
    "auc_finetuned_by_seed": [0.95, 0.97, 0.96],
    "auc_frozen_by_seed": [0.90, 0.93, 0.91],
}


def results(run: Mapping[str, Any] = RUN_01, /, **values: Any) -> str:
    """A results.json: the numbers of a run, one of lesson 01 by default, with `values` in place of some."""
    entries = {
        name: {"value": value, "interval": None, "unit": ""} for name, value in {**run, **values}.items()
    }
    return json.dumps({"lesson": "01", "size": "smoke", "seed": 0, "values": entries})


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
    shutil.copyfile(QUIZZES / "nbgrader_config.py", course / "nbgrader_config.py")
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
        (submitted / student / LESSON / "results.json").write_text(results())
    make_mistakes(submitted / "mistaken" / LESSON / "quiz.ipynb")


def make_mistakes(path: Path) -> None:
    """Put the mistakes into a quiz, and cells that print all they can reach."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        question, _, part = cell.metadata.get("nbgrader", {}).get("grade_id", "").partition("-")
        if part == "answer" and question in MISTAKES:
            cell.source = MISTAKES[question][0]
    notebook.cells.append(nbformat.v4.new_code_cell(NOSY))
    nbformat.write(notebook, path)


@pytest.fixture
def marks_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, float]]:
    """`marks_of(notebook)`: run a source notebook here, as grading would; the points of each test cell.

    `replace` gives other sources by grade id, and `before` another results.json.
    """

    def run(notebook: str, replace: dict[str, str] | None = None, before: str = "") -> dict[str, float]:
        (tmp_path / "results.json").write_text(before or results())
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


def evaluate(source: str, names: dict[str, Any]) -> Any:
    """Run a cell like a kernel does: the value of its last expression, or None."""
    body = ast.parse(source).body
    last = ast.Expression(body.pop().value) if body and isinstance(body[-1], ast.Expr) else None
    builtins.exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return builtins.eval(compile(last, "cell", "eval"), names) if last else None


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
def mistakes() -> dict[str, tuple[str, int]]:
    """The mistaken student's answers and what each costs, by question."""
    return MISTAKES


@pytest.fixture(scope="session")
def run_results() -> Callable[..., str]:
    """`run_results(run, name=value)`: the text of a results.json, of lesson 01 when no run is given."""
    return results


@pytest.fixture(scope="session")
def points_of() -> Callable[[str], dict[str, float]]:
    """`points_of(notebook)`: what each test cell of a source notebook is worth."""

    def read(notebook: str) -> dict[str, float]:
        cells = nbformat.read(QUIZZES / "source" / notebook, as_version=4).cells
        about = [cell.metadata.get("nbgrader", {}) for cell in cells]
        return {cell["grade_id"]: cell["points"] for cell in about if cell.get("grade")}

    return read


@pytest.fixture
def outcome_of(
    marks_of: Callable[..., dict[str, float]], points_of: Callable[[str], dict[str, float]]
) -> Callable[..., tuple[float, list[str]]]:
    """`outcome_of(notebook, run, question, source)`: marks of that answer, other tests that lost marks."""

    def outcome(notebook: str, run: Mapping[str, Any], question: str, source: str) -> tuple[float, list[str]]:
        marks = marks_of(notebook, {f"{question}-answer": source}, before=results(run))
        asked, full = f"{question}-test", points_of(notebook)
        return marks[asked], [name for name in full if name != asked and marks[name] != full[name]]

    return outcome
