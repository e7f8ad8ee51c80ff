"""docs/instructors.md, followed word by word: three students, one late, one cheating, and the grade file."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from teachkit.cli.main import command
from teachkit.course.box.flags import read_flags
from teachkit.course.secrets import secret_lines, squeeze

QUIZ = "00_start_here"
LESSON = "notebooks/00_start_here.ipynb"
BLOCK = re.compile(r"^```sh( student)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIST = "Student,ID,SIS Login ID,Email\n" + "".join(
    f"{name.title()},{number},{name},{name}@example.org\n"
    for number, name in enumerate(["ada", "bob", "eve"])
)
CANVAS = (
    f"Student,ID,SIS User ID,SIS Login ID,Section,{QUIZ} (99)\n    Points Possible,,,,,1\n"
    "Ada,1,u1,ada,A,\nBob,2,u2,bob,A,\nEve,3,u3,eve,A,\n"
)
# Eve lets every later cell, also the test, be replaced by a full score.
CHEAT = "numbers = 1\nget_ipython().input_transformers_cleanup.append(lambda lines: ['1.0\\n'])"
WORK = {"ada": "numbers = 28 * 28 * 3", "bob": "numbers = 2352", "eve": CHEAT}
NOT_NEEDED = (".*", "build", "dist", "studies", "benchmarks", "results", "__pycache__", "tests")


@dataclass
class Term:
    """The folder of the course, who works in it, and what was printed, by the start of the command."""

    root: Path
    instructor: Any
    students: dict[str, Any]
    patch: pytest.MonkeyPatch
    words: dict[str, str]
    printed: list[tuple[str, str]] = field(default_factory=list)

    def run(self, who: Any, line: str) -> Any:
        """Run one line as this person; the person, perhaps in another folder."""
        for old, new in self.words.items():
            line = line.replace(old, new)
        program, *arguments = shlex.split(line)
        if program == "cd":
            return replace(who, home=(who.home / arguments[0]).resolve())
        if program == "export":
            name, _, value = arguments[0].partition("=")
            if name == "TEACHKIT_STUDENT":
                return replace(who, student=who.student or value)
            self.patch.setenv(name, value)
            return who
        if "--message" in arguments:
            write_note(self.root / LESSON, "a clearer question", 1)
        if program == "nbgrader":
            if arguments[0] == "submit":
                answer(who.home / QUIZ / "quiz.ipynb", WORK[who.student])
                write_note(who.home.parent / LESSON, f"notes of {who.student}", 2)
            done = who.nbgrader(*arguments)
            assert done.code == 0, (line, done.log)
            said = done.log
        else:
            with who.at_work():
                said = teachkit(arguments) if program == "teachkit" else plain(program, arguments)
        self.printed.append((f"{who.student} {line}".strip(), said))
        return who

    def said(self, start: str) -> str:
        """All that commands beginning so have printed."""
        return "\n".join(text for line, text in self.printed if line.startswith(start))


def teachkit(arguments: list[str]) -> str:
    done = CliRunner().invoke(command(), arguments, catch_exceptions=False)
    assert done.exit_code == 0, (arguments, done.output)
    return done.output


def plain(program: str, arguments: list[str]) -> str:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (program, arguments, done.stderr)
    return done.stdout


def answer(path: Path, source: str) -> None:
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.metadata.nbgrader.grade_id == "q1-answer")
    cell.source = source
    nbformat.write(notebook, path)


def write_note(path: Path, source: str, place: int) -> None:
    """Write into a text cell of a lesson."""
    notebook = nbformat.read(path, as_version=4)
    [cell for cell in notebook.cells if cell.cell_type == "markdown"][place].source = source
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def term(
    bucket: str,
    person: Callable[..., Any],
    need_tool: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
    root: Path,
) -> Any:
    """The whole section of the page, block by block."""
    need_tool("bwrap", "bubblewrap")
    place = tmp_path_factory.mktemp("project")
    copy = Path(shutil.copytree(root, place / "course", ignore=shutil.ignore_patterns(*NOT_NEEDED)))
    (copy / "quizzes" / "list.csv").write_text(LIST)
    (copy / "quizzes" / "canvas.csv").write_text(CANVAS)
    gcloud = place / "bin" / "gcloud"
    gcloud.parent.mkdir()
    gcloud.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{place}/gcloud.log"\n')
    gcloud.chmod(0o755)
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch=main", place / "address.git"], check=True
    )
    due = datetime.now(UTC) - timedelta(hours=3)
    words = {
        "gs://BUCKET/TERM": bucket,
        "ADDRESS": str(place / "address.git"),
        "2027-01-31 18:00 UTC": f"{due:%Y-%m-%d %H:%M} UTC",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(gcloud.parent), prepend=":")
        patch.setenv("TEACHKIT_OFFLINE", "1")
        patch.delenv("TEACHKIT_DATA", raising=False)
        students = {name: person(name) for name in WORK}
        done = Term(copy, replace(person(), home=copy), students, patch, words)
        page = (root / "docs" / "instructors.md").read_text(encoding="utf-8")
        section = page.split("## A class from beginning to end")[1].split("\n## ")[0]
        for role, block in BLOCK.findall(section):
            for line in block.splitlines():
                if role:
                    for name in WORK:
                        done.students[name] = done.run(done.students[name], line)
                else:
                    done.instructor = done.run(done.instructor, line)
                if line.startswith("teachkit course roster import"):
                    more_time(copy / "quizzes" / "roster.csv", "ada", "eve")
        yield done


def more_time(path: Path, *students: str) -> None:
    """Ada and Eve get a day more, as the page says it is written; Bob is three hours late."""
    lines = path.read_text().splitlines()
    told = [f"{line}{QUIZ}=+1d" if line.startswith(students) else line for line in lines]
    path.write_text("\n".join(told) + "\n")


@pytest.mark.slow
def test_the_scores_are_right_for_the_good_the_late_and_the_cheat(term: Term) -> None:
    with Gradebook(f"sqlite:///{term.root / 'quizzes' / 'gradebook.db'}") as book:
        found = {
            s.student.id: (s.score, s.late_submission_penalty) for s in book.assignment_submissions(QUIZ)
        }
    assert found == {"ada": (1, 0), "bob": (1, pytest.approx(0.1)), "eve": (0, 0)}


@pytest.mark.slow
def test_the_cheat_is_flagged_and_nobody_else(term: Term) -> None:
    flags = {name: read_flags(term.root / "quizzes", QUIZ, name) for name in WORK}
    assert flags["eve"]
    assert (flags["ada"], flags["bob"]) == ([], [])
    assert "look at" in term.said("teachkit course autograde")


@pytest.mark.slow
def test_the_grade_files_hold_the_final_scores(term: Term) -> None:
    lines = (term.root / "quizzes" / "grades.csv").read_text().splitlines()
    assert lines == [
        f"Student,ID,SIS User ID,SIS Login ID,Section,{QUIZ} (99)",
        "    Points Possible,,,,,1",
        "Ada,1,u1,ada,A,1",
        "Bob,2,u2,bob,A,0.9",
        "Eve,3,u3,eve,A,0",
    ]
    moodle = (term.root / "quizzes" / "grades-moodle.csv").read_text().splitlines()
    assert moodle[2] == "bob,bob@example.org,0.9"


@pytest.mark.slow
def test_feedback_reaches_each_student_and_tells_no_hidden_test(term: Term) -> None:
    secrets = [s.line for s in secret_lines(term.root / "quizzes" / "source") if s.place.startswith(QUIZ)]
    hidden = [line for line in secrets if line.startswith("marks.close")]
    assert hidden
    for name, student in term.students.items():
        (page,) = student.home.glob(f"{QUIZ}/feedback/*/quiz.html")
        text = page.read_text(encoding="utf-8")
        assert "Q1" in text, name
        assert not [line for line in hidden if squeeze(line) in squeeze(text)], name


@pytest.mark.slow
def test_nobody_received_solutions(term: Term) -> None:
    assert not (term.students["ada"].home.parent / "quizzes" / "source").exists()
    assert "numbers = 28 * 28 * 3" not in "".join(
        plain("git", ["-C", str(term.students["bob"].home), "log", "--patch", "--all"])
    )


@pytest.mark.slow
def test_a_correction_reaches_everybody_and_their_notes_stay(term: Term) -> None:
    assert f"{LESSON}: 1 cells corrected, 1 of your own kept." in term.said("ada teachkit lesson update")
    for name, student in term.students.items():
        cells = nbformat.read(student.home.parent / LESSON, as_version=4).cells
        sources = [cell.source for cell in cells if cell.cell_type == "markdown"]
        assert sources[1:3] == ["a clearer question", f"notes of {name}"]
        quiz = nbformat.read(student.home / QUIZ / "quiz.ipynb", as_version=4)
        assert WORK[name] in [cell.source for cell in quiz.cells]


@pytest.mark.slow
def test_the_class_report_is_about_three_students_and_so_without_figures(term: Term) -> None:
    assert "fewer than 5 students" in term.said("teachkit course items")
    assert "eve: has 0% of the points" in term.said("teachkit course at-risk")
    assert "No score changed." in term.said("teachkit course regrade")


@pytest.mark.slow
def test_the_bucket_is_set_up_once_and_only_when_applied(term: Term) -> None:
    log = (term.root.parent / "gcloud.log").read_text().splitlines()
    assert sum("buckets create" in line for line in log) == 1
    assert any("inbound/bob/" in line and "bob@example.org" in line for line in log)
