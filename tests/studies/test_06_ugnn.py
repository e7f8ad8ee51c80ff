import itertools
import json

import numpy as np
import pytest

from teachkit import ugnn
from teachkit.data.splits import Info, Split
from teachkit.errors import SettingsError, UnfairComparisonError


@pytest.fixture(scope="module")
def s06(study):
    return study("06_ugnn")


@pytest.fixture(scope="module")
def plan(s06, study):
    """Sets, ways and cells, as the study itself sees them."""
    import _ugnn_arms

    return _ugnn_arms


@pytest.fixture(scope="module")
def runs(s06):
    import _ugnn_runs

    return _ugnn_runs


@pytest.fixture(scope="module")
def reading(s06):
    import _ugnn_found

    return _ugnn_found


@pytest.fixture
def grid(study, tmp_path):
    return study("_grid").Grid(tmp_path / "cells")


@pytest.fixture
def blobs():
    """Sixty images, bright at the top or at the bottom, of two kinds of background."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.integers(0, 60, (60, 28, 28), dtype=np.uint8)
    images[labels == 0, :10] += 150
    images[labels == 1, 18:] += 150
    images[::3, :, :14] += 40
    info = Info("blobs", "Blobs", "binary", ("top", "bottom"), 1, "CC0-1.0", True, "", "made in the test")
    return Split(images, labels.reshape(-1, 1), info, "train", 28)


@pytest.fixture
def small(runs, plan, blobs, monkeypatch):
    """The study on the blobs: one epoch of three small clusters."""
    monkeypatch.setattr(runs, "clusters_of", lambda key, fold: ugnn.clusters(blobs, blobs, fold=fold))
    short = plan.Setting("Blobs", "blobs", "kmeans", 1)
    monkeypatch.setitem(plan.SETS, "breast_kmeans", short)
    return lambda arm, **more: runs.run_cell(plan.Cell("breast_kmeans", arm, 0.005, 0, **more))


def fill(grid, plan, cells, gain):
    """Write cells. `gain(cell, split)` is added to scores that depend on set and fold alone."""
    grid.folder.mkdir(exist_ok=True)
    for cell in cells:
        rng = np.random.default_rng([cell.fold, sorted(plan.SETS).index(cell.set)])
        values = {"steps": 100 + cell.fold, "images": [1, 2, 3], "loss": [0.1, 0.2, 0.3]}
        for split in ("val", "test", "own", "others"):
            scores = rng.uniform(0.7, 0.8, 3).round(6) + gain(cell, split)
            values[split] = {
                name: dict.fromkeys(plan.SCORES, float(score))
                for name, score in zip(cell.networks, scores, strict=True)
            }
        if plan.SETS[cell.set].by == "random":
            del values["own"], values["others"]
        whole = {"settings": cell.settings, "values": values, "versions": {"teachkit": "0.1.0"}}
        (grid.folder / f"{cell.name}.json").write_text(json.dumps(whole))


@pytest.fixture
def filled(grid, plan):
    """Every cell: joint is exactly .01 above plain, and the middle rate the best of each way."""

    def gain(cell, split):
        return 0.01 * cell.arm.startswith("joint") + 0.02 * (cell.lr == plan.RATES[1])

    fill(grid, plan, plan.core_cells(), gain)
    rates = dict.fromkeys(plan.SETS, plan.RATES[1])
    fill(grid, plan, plan.later_cells(plan.SHARING, rates), gain)
    for union in ("copies", "related"):
        fill(grid, plan, plan.later_cells(plan.ALIKE, rates, union), gain)
    fill(grid, plan, plan.later_cells(plan.GNN, rates, "gnn"), gain)
    fill(grid, plan, plan.long_related_cells(rates), gain)
    ways = itertools.product(plan.LONG_SETS, plan.LONG)
    fill(grid, plan, plan.long_cells(dict.fromkeys(ways, plan.RATES[1])), gain)
    return grid


def test_the_core_holds_every_way_at_every_rate_on_every_fold(plan):
    cells = list(plan.core_cells())
    ways = 1 + len(plan.KINDS) * len(plan.RULES) * len(plan.GROUPS)
    assert len(cells) == len(plan.SETS) * ways * len(plan.RATES) * len(plan.FOLDS)
    assert len({cell.name for cell in cells}) == len(cells)


def test_cells_come_fold_by_fold_so_that_a_stopped_study_can_be_compared_in_pairs(plan):
    folds = [cell.fold for cell in plan.core_cells()]
    assert folds == sorted(folds)


def test_ways_differ_in_the_way_alone(plan):
    for arm in plan.CORE:
        settings = plan.Cell("breast_kmeans", arm, 0.005, 0).settings
        assert settings.pop("way") == plan.CORE[arm]
        plain = plan.Cell("breast_kmeans", "plain", 0.005, 0).settings
        del plain["way"]
        assert settings == plain


def test_every_way_is_one_that_the_package_knows(plan):
    for way in plan.WAYS.values():
        ugnn.Way.of(way)


def test_a_run_scores_every_network_and_is_the_same_again(small, plan):
    first, again = small("joint_fixed_edge"), small("joint_fixed_edge")
    assert first == again
    for split in ("val", "test"):
        assert set(first[split]) == set(plan.NETWORKS)
        assert all(set(scores) == set(plan.SCORES) for scores in first[split].values())
    assert sum(first["images"]) == 48
    assert len(first["loss"]) == 3


@pytest.mark.parametrize("union", ["gnn", "related"])
def test_other_unions_run_too(small, plan, union):
    assert set(small("plain", union=union)["test"]) == set(plan.UNIONS[union])


def test_copies_that_share_all_by_role_stay_one_network(small, plan):
    scores = small("joint_role", union="copies")["test"]
    assert set(scores) == set(plan.COPIES)
    assert scores["CNN 1"] == scores["CNN 2"] == scores["CNN 3"]


def test_own_and_other_test_images_make_up_all_of_them(runs, blobs):
    class Perfect:
        names = ("a", "b", "c")

        def predict(self, split):
            return [np.eye(2, dtype=np.float32)[split.labels[:, 0]]] * 3

    clusters = ugnn.clusters(blobs, blobs)
    found = runs.by_origin(Perfect(), clusters)
    assert all(score["f1"] == 1 for part in found.values() for score in part.values())
    assert runs.by_origin(Perfect(), ugnn.clusters(blobs, blobs, by="random")) == {}


def test_the_rate_is_chosen_on_validation_and_the_smaller_wins_a_tie(reading, plan, grid):
    low, middle, high = plan.RATES
    gains = {"val": {low: 0.0, middle: 0.1, high: 0.1}, "test": {low: 0.2, middle: 0.0, high: 0.1}}
    fill(
        grid, plan, plan.core_cells(("plain",)), lambda cell, split: gains.get(split, gains["test"])[cell.lr]
    )
    assert reading.Found(grid).rate("breast_kmeans", "plain") == middle


def test_no_rate_is_chosen_before_one_fold_has_all_of_them(reading, plan, grid):
    first = plan.Cell("breast_kmeans", "plain", plan.RATES[0], 0)
    fill(grid, plan, [first], lambda cell, split: 0)
    found = reading.Found(grid)
    assert found.rate("breast_kmeans", "plain") is None
    assert found.scores("breast_kmeans", "plain", None) == {}


def test_later_parts_wait_for_all_plain_runs(s06, plan, grid):
    fill(grid, plan, list(plan.core_cells(("plain",)))[:-1], lambda cell, split: 0)
    with pytest.raises(SettingsError, match="Not all plain runs"):
        s06.run_sharing(grid)


def test_differences_are_taken_over_the_folds_that_both_have(reading):
    found = reading.difference({0: 0.5, 1: 0.7, 3: 0.9}, {0: 0.4, 3: 0.6, 4: 0.1})
    assert found.folds == 2
    assert found.interval.value == pytest.approx(0.2)
    assert str(found).endswith("(folds: 2)")
    assert reading.difference({0: 1.0}, {1: 1.0}) is None


def test_a_verdict_counts_intervals_on_either_side_and_exact_zeros(reading):
    folds = range(5)
    above = reading.difference({f: 0.5 + f / 1000 for f in folds}, dict.fromkeys(folds, 0.4))
    below = reading.difference(dict.fromkeys(folds, 0.4), {f: 0.5 + f / 1000 for f in folds})
    zero = reading.difference(dict.fromkeys(folds, 0.4), dict.fromkeys(folds, 0.4))
    text = reading.verdict([above, zero, below, None])
    assert "Of 3 intervals 1 lie wholly above 0 and 1 wholly below" in text
    assert "Exactly 0 in every fold: 1." in text
    assert reading.verdict([None]) == ""


def test_tables_hold_what_the_cells_say(s06, filled, plan, tmp_path, monkeypatch):
    page = tmp_path / "results.md"
    monkeypatch.setattr(s06, "write_section", lambda key, text: page.write_text(text))
    s06.write_tables(filled)
    text = page.read_text()
    assert "Not computed yet" not in text
    assert "runs of the main part are done" not in text
    assert f"rate {plan.RATES[1]:g}" in text
    exactly = "| fixed, by edge, rate 0.001" + 5 * " | +0.010 [+0.010, +0.010]"
    assert exactly in text
    assert "Breast, k-means 100 to 104" in text
    for arm in plan.CORE | plan.SHARING:
        assert arm.split("_")[0] in text


def test_unequal_steps_stop_the_tables(s06, filled, plan):
    path = filled.folder / f"{plan.Cell('breast_kmeans', 'plain', 0.001, 0).name}.json"
    path.write_text(path.read_text().replace('"steps": 100', '"steps": 101'))
    with pytest.raises(UnfairComparisonError, match=r"\[100, 101\]"):
        s06.write_tables(filled)


def test_an_empty_grid_says_so(s06, grid, monkeypatch):
    written = []
    monkeypatch.setattr(s06, "write_section", lambda key, text: written.append(text))
    s06.write_tables(grid)
    assert "Not computed yet." in written[0]
    assert "0 of 975 runs" in written[0]


@pytest.mark.real_data
def test_the_study_finds_its_sets(runs, plan, real_data, monkeypatch):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    monkeypatch.delenv("TEACHKIT_OFFLINE", raising=False)
    clusters = runs.clusters_of("breast_random", 0)
    assert sum(clusters.sizes) + len(clusters.val) == 546 + 78
    assert len(clusters.test) == 156


def test_the_page_of_results_holds_what_the_runs_say(study, root):
    grid = study("_grid").Grid(root / "studies" / "results" / "06")
    assert study("_ugnn_tables").section(grid) in (root / "docs" / "results.md").read_text()
