"""Figures of scores: what they hold, and that unlike entries do not share one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from teachkit import big
from teachkit.errors import SettingsError, UnfairComparisonError, UnknownNameError

Make = Callable[..., tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]


@pytest.fixture
def scored(tmp_path: Path, suite: big.Suite, make: Make) -> list[big.BigScore]:
    """Two entries: one whole with intervals, one that lacks a set."""
    truth, made = make(suite)
    truth["breast"] = np.array([0, 1, 0, 1])
    truth["grades"] = np.array([0, 1, 2, 1])
    truth["finds"] = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 0, 1, 1]])
    whole = big.write_predictions(tmp_path / "whole.csv", made, suite=suite)
    part = big.write_predictions(
        tmp_path / "part.csv", {name: made[name] for name in ("breast", "finds")}, suite=suite
    )
    return [big.score(path, suite=suite, truth=truth, bootstrap=20) for path in (whole, part)]


def test_saving_writes_the_scores_and_six_figures_in_two_forms(
    scored: list[big.BigScore], tmp_path: Path
) -> None:
    files = scored[0].save(tmp_path / "out", scored[1])
    assert sorted(file.name for file in files) == sorted(
        ["scores.json", "scores_b.json"]
        + [f"{m}_{k}.{f}" for m in big.RANKED for k in ("lines", "boxes") for f in ("png", "svg")]
    )
    assert (tmp_path / "out" / "auc_lines.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "out" / "auc_lines.svg").read_text()
    assert "<svg" in svg
    assert "whole.csv, mean" in svg  # the description


def test_lines_name_every_set_and_the_one_that_is_missing(scored: list[big.BigScore]) -> None:
    alt = scored[1].draw("balacc").alt
    assert "part.csv, no mean: breast " in alt
    assert "grades none" in alt
    assert "2 of 3 sets" in alt
    assert "95 % bootstrap over test pictures, 20 draws" in alt


def test_boxes_show_the_spread_over_sets(scored: list[big.BigScore]) -> None:
    alt = scored[0].draw("kappa", scored[1], kind="boxes").alt
    assert "whole.csv median" in alt
    assert "part.csv median" in alt
    assert "Each box: 3 of 3 sets in whole.csv, 2 of 3 sets in part.csv" in alt


def test_two_files_of_one_name_are_told_apart(scored: list[big.BigScore]) -> None:
    alt = scored[0].draw("auc", replace(scored[1], file="whole.csv")).alt
    assert "whole.csv (1), mean" in alt
    assert "whole.csv (2), no mean" in alt


def test_unlike_entries_do_not_share_a_figure(scored: list[big.BigScore]) -> None:
    with pytest.raises(UnfairComparisonError, match="different suites or sizes"):
        scored[0].draw("auc", replace(scored[1], size=64))


def test_unknown_scores_and_kinds_are_answered_with_the_nearest(scored: list[big.BigScore]) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'kappa'"):
        scored[0].draw("kapa")
    with pytest.raises(UnknownNameError, match="Did you mean 'boxes'"):
        scored[0].draw("auc", kind="box")


def test_an_entry_without_a_defined_score_cannot_be_drawn(scored: list[big.BigScore]) -> None:
    broken = replace(scored[1], sets={"breast": dict.fromkeys(scored[1].sets["breast"], np.nan)})
    with pytest.raises(SettingsError, match="In no set is the AUC defined"):
        broken.draw("auc")
