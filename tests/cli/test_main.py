"""The command line: help that lists everything at once, groups that load late, errors in one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from teachkit import __version__
from teachkit.cli.main import GROUPS, command

TEACHKIT = [sys.executable, "-m", "teachkit.cli"]


def call(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TEACHKIT, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def test_help_lists_every_command_and_group() -> None:
    shown = CliRunner().invoke(command(), ["--help"])
    assert shown.exit_code == 0
    for word in ("run", "report", "check", *GROUPS):
        assert f" {word} " in shown.output


def test_help_imports_neither_rooms_nor_groups() -> None:
    code = (
        "import sys; sys.argv = ['teachkit', '--help']\n"
        "from teachkit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in sys.modules if m in ('torch', 'numpy', 'teachkit.cli.data', 'teachkit.course')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_loaded_when_it_is_called(group: str) -> None:
    shown = CliRunner().invoke(command(), [group, "--help"])
    assert shown.exit_code == 0
    assert "Commands" in shown.output


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(command(), ["--version"]).output.strip() == f"teachkit {__version__}"


def test_an_error_ends_in_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    done = call("check", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("teachkit: No course here")
    assert "Traceback" not in done.stderr
