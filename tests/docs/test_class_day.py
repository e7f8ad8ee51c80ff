"""The page for the class day: its commands exist with their options, its words are those of the scripts."""

import re
import shlex
from pathlib import Path

import pytest
from typer.core import TyperGroup

from teachkit.cli.main import command
from teachkit.course.declaration import read_course
from teachkit.ops import gpu_step


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "class_day.md").read_text(encoding="utf-8")


def lines(page: str) -> list[list[str]]:
    """The commands of the page, as words."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line.strip()]


def test_every_command_of_ours_exists_with_its_options(page: str) -> None:
    ours = [words[1:] for words in lines(page) if words[0] == "teachkit"]
    assert len(ours) > 6
    for words in ours:
        found = command()
        while isinstance(found, TyperGroup):
            found = found.get_command(None, words.pop(0))
            assert found is not None, words
        options = {option for parameter in found.params for option in parameter.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options


def test_files_and_words_that_it_names_are_those_of_the_scripts(page: str, root: Path) -> None:
    script = (root / "deploy" / "post_startup.sh").read_text()
    assert "$HOME_DIR/SETUP_FAILED.txt" in script
    assert "`/home/jupyter/SETUP_FAILED.txt`" in page
    for name in ("setup.log", "ready"):
        assert f"$STATE/{name}" in script
        assert f"/home/jupyter/.teachkit/{name}`" in page
    assert '"Course (Python 3.12)"' in script
    assert "*Course (Python 3.12)*" in page
    assert (root / re.findall(r"`(deploy/\S+\.sh)`", page)[0]).is_file()
    assert "SKIPPED" in Path(gpu_step.__file__).read_text()


def test_what_plan_b_promises_is_what_the_lessons_declare(page: str, root: Path) -> None:
    minutes, memory = re.findall(
        r"takes at most (\d+) minutes on two cores, and (\d+) GB", " ".join(page.split())
    )[0]
    budgets = [lesson.budget["class"] for lesson in read_course(root).lessons]
    assert max(budget.seconds for budget in budgets) <= 60 * int(minutes)
    assert max(budget.gib for budget in budgets) <= int(memory)
