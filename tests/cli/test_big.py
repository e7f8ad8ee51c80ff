"""`teachkit big`: good files give a table, JSON and figures; bad files a line for every fault."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from teachkit import big, data
from teachkit.cli.main import command
from teachkit.errors import DataError, PredictionFileError


@pytest.fixture
def file(offline: Path, tmp_path: Path) -> Path:
    """Predictions for two embedded sets, and the manifest beside them."""
    splits = [data.load(name, "test") for name in ("ihc_patches", "digits")]
    rng = np.random.default_rng(0)
    made = {split.info.name: rng.dirichlet(np.ones(len(split.info.classes)), len(split)) for split in splits}
    return big.write_predictions(tmp_path / "mine.csv", made, suite="course", splits=splits)


def test_scoring_prints_a_table_and_writes_json_and_figures(file: Path) -> None:
    shown = CliRunner().invoke(command(), ["big", "score", str(file), "--suite", "course"])
    assert shown.exit_code == 0, shown.output
    assert "BALACC" in shown.output
    assert "Mean over the 2 sets of 'course' at size 28: AUC 0." in shown.output
    folder = file.parent / "mine-score"
    told = json.loads((folder / "scores.json").read_text())
    assert told == big.score(file, suite="course").to_dict()
    assert len(list(folder.glob("*.png"))) == len(list(folder.glob("*.svg"))) == 6


def test_a_second_model_is_scored_too_and_shares_the_figures(file: Path) -> None:
    other = file.with_name("other.csv")
    held = big.read_predictions(file, suite="course")
    big.write_predictions(other, {name: p[:, ::-1] for name, p in held.sets.items()}, suite="course")
    folder = file.parent / "both"
    asked = ["big", "score", str(file), "--suite", "course", "--model-b", str(other), "--bootstrap", "20"]
    shown = CliRunner().invoke(command(), [*asked, "--out", str(folder)])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("Mean over the 2 sets") == 2
    told = [json.loads((folder / name).read_text()) for name in ("scores.json", "scores_b.json")]
    assert [one["file"] for one in told] == ["mine.csv", "other.csv"]
    assert told[0]["intervals"]["mean"]["auc"][0] < told[0]["mean"]["auc"]
    assert "mine.csv" in (svg := (folder / "kappa_boxes.svg").read_text())
    assert "other.csv" in svg


def test_a_fault_in_the_second_file_leaves_nothing_behind(file: Path) -> None:
    other = file.with_name("other.csv")
    other.write_text(file.read_text().replace("ihc_patches,0,", "ihc_patches,0,x"))
    shown = CliRunner().invoke(
        command(), ["big", "score", str(file), "--suite", "course", "--model-b", str(other)]
    )
    assert isinstance(shown.exception, PredictionFileError)
    assert shown.output.startswith("other.csv, line 2, column p0")
    assert not (file.parent / "mine-score").exists()


def test_checking_needs_no_truth(file: Path) -> None:
    shown = CliRunner().invoke(command(), ["big", "check", str(file), "--suite", "course"])
    assert shown.exit_code == 0, shown.output
    assert shown.output == "In order: 600 rows of ihc_patches, digits.\n"


@pytest.mark.parametrize("verb", ["check", "score"])
def test_every_fault_has_a_line_of_its_own(verb: str, file: Path) -> None:
    lines = file.read_text().splitlines()
    lines[4] = "ihc_patches,3,nan,0.5"
    lines[8] = "ihc_patches,7,0.5,0.6"
    file.write_text("\n".join(lines) + "\n")
    shown = CliRunner().invoke(command(), ["big", verb, str(file), "--suite", "course"])
    assert isinstance(shown.exception, PredictionFileError)
    first, second = shown.output.splitlines()
    assert first.startswith("mine.csv, line 5, column p0, found 'nan': not a number")
    assert second.startswith("mine.csv, line 9, column p0 to p1, found 'sum 1.1'")
    assert not (file.parent / "mine-score").exists()


def test_a_missing_set_is_named(file: Path) -> None:
    kept = [one for one in file.read_text().splitlines() if not one.startswith("digits")]
    file.write_text("\n".join(kept) + "\n")
    shown = CliRunner().invoke(command(), ["big", "check", str(file), "--suite", "course"])
    assert "No mean and no rank: digits missing." in shown.output


@pytest.mark.usefixtures("offline")
def test_truth_that_the_source_lacks_is_named(tmp_path: Path) -> None:
    rows = big.find_suite("big")["breastmnist"].rows
    path = big.write_predictions(tmp_path / "mine.csv", {"breastmnist": np.full((rows, 2), 0.5)})
    shown = CliRunner().invoke(command(), ["big", "score", str(path)])
    assert isinstance(shown.exception, DataError)
    assert "breastmnist" in str(shown.exception)
