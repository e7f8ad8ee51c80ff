import pytest

from teachkit.errors import SettingsError

RATES, ARMS = (0.1, 0.01), ("a", "b")


@pytest.fixture(scope="module")
def sweeps(study):
    return study("_sweeps")


@pytest.fixture
def grid(study, tmp_path):
    """All cells of a sweep but the last."""
    made = study("_grid").Grid(tmp_path)
    for name, auc in (("sweep_a_0.1", 0.7), ("sweep_b_0.1", 0.9), ("sweep_a_0.01", 0.9)):
        made.run(name, {}, lambda auc=auc: {"val": {"auc": auc}})
    return made


def test_no_rate_is_chosen_from_half_a_sweep(sweeps, grid):
    half = sweeps.sweep_scores(grid, RATES, ARMS, "auc")
    assert sweeps.sweep_table(half, ARMS, "Seed 1", "serves all") == "Not computed yet."
    with pytest.raises(SettingsError, match="not complete"):
        sweeps.chosen_rate(half)


def test_a_whole_sweep_has_a_row_a_rate_and_names_the_best_mean(sweeps, grid):
    grid.run("sweep_b_0.01", {}, lambda: {"val": {"auc": 0.8}})
    whole = sweeps.sweep_scores(grid, RATES, ARMS, "auc")
    table = sweeps.sweep_table(whole, ARMS, "Seed 1", "serves all")
    assert "The rate with the best mean, 0.01, serves all." in table
    assert "| 0.1 | 0.700 | 0.900 | 0.800 |" in table
