"""The error index holds messages that the package says; the pages name commands that exist."""

import ast
import re
from pathlib import Path

import pytest
from typer.core import TyperGroup

from teachkit import errors
from teachkit.cli.main import command

ROW = re.compile(r"^\| `(\w+Error)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
# Families, of which only members are raised, and what only instructors and graders meet.
FAMILIES = {"TeachkitError"}
NOT_FOR_STUDENTS = {"LeakError", "BoxMissingError", "AlreadyStoredError"}


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "students.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def said(root: Path) -> set[tuple[str, str]]:
    """(error, message) of everything the package can raise, with … for what changes."""
    found = set()
    for path in (root / "src" / "teachkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                found.add((node.func.id, shape(message(node.args[0]))))
    return found


def message(node: ast.expr) -> str:
    """The text of a constant or an f-string; … for everything else."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(message(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "…"


def shape(text: str) -> str:
    return re.sub("…+", "…", text).strip()


def test_every_message_of_the_index_is_one_that_the_package_says(page: str, said: set) -> None:
    rows = [(error, shape(text)) for error, text, _ in ROW.findall(page)]
    assert len(rows) > 30
    assert [row for row in rows if row not in said] == []


def test_no_message_stands_there_twice(page: str) -> None:
    rows = [(error, text) for error, text, _ in ROW.findall(page)]
    assert len(set(rows)) == len(rows)


def test_every_error_that_students_meet_has_a_row(page: str) -> None:
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.TeachkitError)
    }
    assert {error for error, *_ in ROW.findall(page)} == kinds - FAMILIES - NOT_FOR_STUDENTS


@pytest.mark.parametrize("name", ["students.md", "instructors.md"])
def test_every_command_and_variable_that_a_page_names_exists(root: Path, name: str) -> None:
    text = (root / "docs" / name).read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in (root / "src").rglob("*.py"))
    variables = set(re.findall(r"TEACHKIT_[A-Z]+", text))
    assert len(variables) > 2
    assert [name for name in variables if f'"{name}"' not in source] == []
    called = re.findall(r"(?:`|^)teachkit ([a-z][a-z -]*[a-z])", text, re.MULTILINE)
    assert len(called) > 2
    for words in called:
        exists(words.split())


def exists(words: list[str]) -> None:
    """The words name a command, perhaps followed by its arguments."""
    found: object = command()
    for word in words:
        if not isinstance(found, TyperGroup):
            return  # what follows a command are its arguments
        found = found.get_command(None, word)  # type: ignore[arg-type]
        assert found is not None, words


def test_make_targets_that_the_page_names_exist_for_students(page: str, root: Path) -> None:
    makefile = (root / "src" / "teachkit" / "ops" / "student" / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make (\w+)`", page))
    assert "update" in named
    assert [name for name in named if f"\n{name}:" not in makefile] == []


def test_every_finding_of_the_doctor_that_the_page_shows_is_one_that_it_says(page: str, root: Path) -> None:
    section = page.partition("## Is this machine ready?")[2].partition("\n## ")[0]
    shown = [row.split(" | ")[0][2:] for row in section.splitlines() if row.startswith("| ") and "…" in row]
    assert len(shown) > 3
    package = root / "src" / "teachkit"
    files = [package / "course" / "condition.py", *(package / "ops" / "doctor").glob("*.py")]
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    spoken = re.sub(r"\{[^{}]*\}", "…", re.sub(r'"\s*f?"', "", source))  # what changes, and lines that go on
    assert [text for text in shown if text not in spoken] == []
