"""`teachkit big baseline`: names by commas, tables that say what they are, files that can be scored."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from teachkit import data
from teachkit.cli.main import command
from teachkit.errors import DataError, SettingsError


@pytest.fixture
def run(isolated: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The command on two small sets of a folder, writing to ``out``."""
    rng = np.random.default_rng(0)
    (tmp_path / "sets").mkdir()
    for name in ("one", "two"):
        arrays = {f"{part}_images": rng.integers(0, 256, (30, 12, 12), np.uint8) for part in data.SPLITS}
        arrays |= {f"{part}_labels": np.arange(30)[:, None] % 3 for part in data.SPLITS}
        np.savez(tmp_path / "sets" / f"{name}.npz", **arrays)  # type: ignore[arg-type]
    monkeypatch.setenv("TEACHKIT_DATA", str(tmp_path / "sets"))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: str) -> Result:
        given = ["big", "baseline", "--datasets", "one, two", "--out", str(tmp_path / "out")]
        return CliRunner().invoke(command(), [*given, *words])

    return call


def test_a_table_and_a_file_for_every_seed(run, tmp_path: Path) -> None:
    words = ("--arch", "test_resnet", "--scheme", "knn", "--weights", "none", "--seeds", "3,4")
    shown = run(*words)
    assert shown.exit_code == 0, shown.output
    assert "Untrained bodies (no baselines), size 28" in shown.output
    assert "Individually trained" not in shown.output
    rows = [line.split() for line in shown.output.splitlines() if line.startswith("test_resnet")]
    assert [row[3] for row in rows] == ["one", "two", "mean"]
    names = [f"untrained-body-test_resnet-knn-28-seed{seed}.csv" for seed in (3, 4)]
    assert [Path(line).name for line in shown.output.splitlines() if line.endswith(".csv")] == names
    checked = CliRunner().invoke(
        command(), ["big", "check", str(tmp_path / "out" / names[0]), "--suite", "baselines", "--size", "12"]
    )
    assert checked.output == "In order: 60 rows of one, two.\n"


def test_weights_that_are_not_there_end_the_command_with_the_way_out(run, tmp_path: Path) -> None:
    shown = run("--arch", "vit,dino", "--scheme", "linear")
    assert isinstance(shown.exception, SettingsError)
    assert "--weights none" in shown.exception.remedy
    assert not (tmp_path / "out").exists()


def test_the_benchmark_stands_for_its_twelve_sets(run) -> None:
    shown = run("--arch", "test_resnet", "--scheme", "knn", "--weights", "none", "--datasets", "big")
    assert isinstance(shown.exception, DataError)  # the first of them is not in this folder
    assert "pathmnist" in str(shown.exception)


def test_seeds_are_whole_numbers(run) -> None:
    shown = run("--arch", "test_resnet", "--scheme", "knn", "--weights", "none", "--seeds", "one")
    assert "--seeds 0,1,2" in str(shown.exception)
