"""Row counts changed between releases of MedMNIST: the suite says which, and old files are refused."""

from dataclasses import replace
from pathlib import Path

import medmnist
import numpy as np
import pytest

from teachkit import big
from teachkit.errors import FormatError

# Test rows in table 4 of the thesis that began the benchmark, adapted from Yang et al. 2023.
TABLE_4 = {
    "pathmnist": 7180,
    "chestmnist": 22433,
    "dermamnist": 2005,
    "octmnist": 1000,
    "pneumoniamnist": 624,
    "retinamnist": 400,
    "breastmnist": 156,
    "bloodmnist": 3421,
    "tissuemnist": 47280,
    "organamnist": 17778,
    "organcmnist": 8268,
    "organsmnist": 8829,
}


def test_the_suite_has_the_rows_that_medmnist_states() -> None:
    for member in big.find_suite("big"):
        assert member.rows == medmnist.INFO[member.name]["n_samples"]["test"]


def test_the_published_table_has_54_blank_slices_that_are_gone() -> None:
    suite = big.find_suite("big")
    assert tuple(TABLE_4) == suite.names
    assert sum(TABLE_4.values()) == 119_374
    assert suite.rows == 119_320
    gone = {member.name: TABLE_4[member.name] - member.rows for member in suite}
    assert {name: count for name, count in gone.items() if count} == {"organcmnist": 52, "organsmnist": 2}


def test_predictions_for_the_older_release_are_refused_not_shifted(tmp_path: Path) -> None:
    """The ids of an old file may stand for other pictures, so no rows are dropped to make it fit."""
    now = big.find_suite("big")
    old = replace(now, sets=tuple(replace(member, rows=TABLE_4[member.name]) for member in now))
    assert old.digest != now.digest
    path = big.write_predictions(
        tmp_path / "old.csv", {"organsmnist": np.full((8829, 11), 1 / 11)}, suite=old
    )
    with pytest.raises(big.PredictionFileError) as refused:
        big.read_predictions(path, suite=now)
    first, second = refused.value.faults
    assert (first.line, first.column, first.value) == (8829, "id", "8827")
    assert (second.line, second.column, second.value) == (8830, "id", "8828")
    assert "out of range; the ids of organsmnist are 0 to 8,826" in first.message


def test_truth_of_the_older_release_is_refused(tmp_path: Path) -> None:
    path = big.write_predictions(tmp_path / "new.csv", {"organsmnist": np.full((8827, 11), 1 / 11)})
    with pytest.raises(FormatError, match="Row counts differ between versions of MedMNIST"):
        big.score(path, truth={"organsmnist": np.zeros(8829, int)})
