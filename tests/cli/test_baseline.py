"""`teachkit big baseline`: names by commas, tables that say what they are, files that can be scored."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from teachkit import data
from teachkit.cli.main import command
from teachkit.errors import DataError, SettingsError


@pytest.fixture
def run(offline: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The command on fifty pictures of each embedded set, writing to ``out``."""
    real = data.load

    def load(name: str, split: str = "train", size: int = 28) -> data.Split:
        return real(name, split, size)[:50]

    monkeypatch.setattr(data, "load", load)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: str) -> Result:
        given = ["big", "baseline", "--datasets", "digits, fundus_grades", "--out", str(tmp_path / "out")]
        return CliRunner().invoke(command(), [*given, *words])

    return call


def test_a_table_and_a_file_for_every_seed(run, tmp_path: Path) -> None:
    words = ("--arch", "test_resnet", "--scheme", "knn", "--weights", "none", "--seeds", "3,4")
    shown = run(*words)
    assert shown.exit_code == 0, shown.output
    assert "Untrained bodies (no baselines), size 28" in shown.output
    assert "Individually trained" not in shown.output
    rows = [line.split() for line in shown.output.splitlines() if line.startswith("test_resnet")]
    assert [row[3] for row in rows] == ["digits", "fundus_grades", "mean"]
    names = [f"untrained-body-test_resnet-knn-28-seed{seed}.csv" for seed in (3, 4)]
    assert [Path(line).name for line in shown.output.splitlines() if line.endswith(".csv")] == names
    checked = CliRunner().invoke(
        command(), ["big", "check", str(tmp_path / "out" / names[0]), "--suite", "baselines"]
    )
    assert checked.output == "In order: 100 rows of digits, fundus_grades.\n"


def test_weights_that_are_not_there_end_the_command_with_the_way_out(run, tmp_path: Path) -> None:
    shown = run("--arch", "vit,dino", "--scheme", "linear")
    assert isinstance(shown.exception, SettingsError)
    assert "--weights none" in shown.exception.remedy
    assert not (tmp_path / "out").exists()


def test_the_benchmark_stands_for_its_twelve_sets(run) -> None:
    shown = run("--arch", "test_resnet", "--scheme", "knn", "--weights", "none", "--datasets", "big")
    assert isinstance(shown.exception, DataError)  # offline, the first of them is not there
    assert "pathmnist" in str(shown.exception)


def test_seeds_are_whole_numbers(run) -> None:
    shown = run("--arch", "test_resnet", "--scheme", "knn", "--weights", "none", "--seeds", "one")
    assert "--seeds 0,1,2" in str(shown.exception)
