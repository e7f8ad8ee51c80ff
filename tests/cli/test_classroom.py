"""``teachkit course``: the commands around a class."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from teachkit.cli.main import command

LIST = "Student,ID,SIS Login ID,Email\nAda L.,1,ada,ada@example.org\nBob,2,bob,bob@example.org\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a list from Canvas."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "canvas.csv").write_text(LIST)
    return tmp_path


def run(*arguments: str) -> str:
    """Run a command that must succeed; what it prints."""
    done = CliRunner().invoke(command(), ["course", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_list_becomes_a_roster_and_is_checked(folder: Path) -> None:
    assert "roster.csv: 2 students." in run("roster", "import", "canvas.csv")
    assert "roster.csv is in order: 2 students, 0 with more time." in run("roster", "check")


def test_a_newer_list_keeps_extensions_and_names_who_left(folder: Path) -> None:
    run("roster", "import", "canvas.csv")
    path = folder / "roster.csv"
    path.write_text(path.read_text().replace("Ada L.,", "Ada L.,ps1=+2d"))
    (folder / "canvas.csv").write_text("\n".join(LIST.splitlines()[:2]))
    assert "No longer on the list: bob." in run("roster", "import", "canvas.csv")
    assert "1 students, 1 with more time" in run("roster", "check")


def test_the_setup_is_printed_and_nothing_is_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    run("roster", "import", "canvas.csv")
    printed = run("setup", "gs://uni/term", "--grader", "prof@example.org")
    assert "gcloud storage buckets create gs://uni " in printed
    assert "gs://uni/term/teachkit/inbound/ada/ --member=user:ada@example.org" in printed
    assert "Nothing is done yet" in printed
    assert not (folder / "lifecycle.json").exists()
