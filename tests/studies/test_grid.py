import json
import re
from functools import partial

import pytest
from joblib import parallel_config

from teachkit.errors import SettingsError
from teachkit.metrics import Interval, t_interval


@pytest.fixture
def grid_module(study):
    return study("_grid")


@pytest.fixture
def grid(grid_module, tmp_path):
    return grid_module.Grid(tmp_path / "cells")


def test_a_cell_is_computed_once_and_read_afterwards(grid):
    calls = []
    for _ in range(2):
        values = grid.run("a", {"seed": 1, "sizes": (1, 2)}, lambda: calls.append(1) or {"auc": 0.5})
    assert values == {"auc": 0.5}
    assert calls == [1]
    cell = json.loads((grid.folder / "a.json").read_text())
    assert cell["settings"] == {"seed": 1, "sizes": [1, 2]}
    assert cell["versions"]["teachkit"]


def test_a_cell_of_other_settings_is_refused_naming_what_changed(grid):
    grid.run("a", {"seed": 1, "lr": 0.1}, dict)
    with pytest.raises(SettingsError, match=r"lr 0\.1 → 0\.2"):
        grid.run("a", {"seed": 1, "lr": 0.2}, dict)


def test_a_run_that_dies_leaves_no_cell_behind(grid):
    def die():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grid.run("a", {}, die)
    assert grid.read("a") is None
    assert list(grid.values(["a"])) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_many_cells_are_run_and_those_that_are_there_are_left_alone(grid_module, tmp_path, jobs):
    grid = grid_module.Grid(tmp_path / "cells", jobs)
    grid.run("b", {"n": 1}, lambda: {"value": 100})
    with parallel_config("threading"):  # other processes cannot import a module that tests load by path
        grid.run_all((name, {"n": n}, partial(dict, value=n)) for n, name in enumerate("abc"))
    assert [found["value"] for found in grid.values("abc")] == [0, 100, 2]


def test_cells_that_ended_before_one_fails_are_kept(grid):
    with pytest.raises(ZeroDivisionError):
        grid.run_all([("a", {}, dict), ("b", {}, lambda: {"value": 1 / 0}), ("c", {}, dict)])
    assert grid.read("a") is not None
    assert grid.read("b") is None


def test_cells_of_other_settings_are_refused_before_anything_is_computed(grid):
    grid.run("b", {"n": 1}, dict)
    with pytest.raises(SettingsError, match="n 1 → 2"):
        grid.run_all([("a", {}, dict), ("b", {"n": 2}, dict)])
    assert grid.read("a") is None


@pytest.mark.slow
def test_workers_of_a_cluster_need_neither_the_scripts_nor_the_folder(grid_module, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        grid = grid_module.Grid(tmp_path / "cells", cluster=cluster.scheduler_address)
        grid.run_all((name, {"n": n}, partial(dict, value=n)) for n, name in enumerate("abc"))
    assert [found["value"] for found in grid.values("abc")] == [0, 1, 2]


def test_a_section_is_replaced_between_its_markers_and_nothing_else(grid_module, tmp_path):
    page = tmp_path / "results.md"
    page.write_text("before\n<!-- study 02: begin -->\nold\n<!-- study 02: end -->\nafter\n")
    grid_module.write_section("02", "new", page)
    assert page.read_text() == "before\n<!-- study 02: begin -->\nnew\n<!-- study 02: end -->\nafter\n"
    grid_module.write_section("03", "third", page)
    grid_module.write_section("03", "third again", page)
    assert page.read_text().count("third") == 1
    assert page.read_text().startswith("before")


def test_a_page_that_is_not_there_gets_its_introduction(grid_module, tmp_path):
    grid_module.write_section("01", "text", tmp_path / "results.md")
    assert (tmp_path / "results.md").read_text().startswith("# Measured results")


def test_a_marker_without_its_end_is_refused(grid_module, tmp_path):
    page = tmp_path / "results.md"
    page.write_text("<!-- study 01: begin -->\n")
    with pytest.raises(SettingsError, match="study 01: end"):
        grid_module.write_section("01", "text", page)


def test_a_number_without_spread_is_printed_without_limits(grid_module):
    assert grid_module.with_interval(t_interval([0.5])) == "0.500"
    assert grid_module.with_interval(Interval(0.1, -0.1, 0.3), signed=True) == "+0.100 [-0.100, +0.300]"


def test_differences_use_the_seeds_that_both_arms_have(study):
    tables = study("_tables")
    rows = {
        "a": [{"test": {"auc": v}} for v in (0.5, 0.6, 0.9)],
        "b": [{"test": {"auc": v}} for v in (0.7, 0.7)],
    }
    assert "| b − a | 2 | +0.150 [-0.485, +0.785] |" in tables.difference_table(rows, [("test", "auc")])
    assert "| a | 3 | 0.667 [" in tables.score_table(rows, [("test", "auc")])


def test_versions_of_all_cells_are_named(grid):
    grid.run("a", {}, dict)
    grid.run("b", {}, dict)
    path = grid.folder / "b.json"
    path.write_text(path.read_text().replace('"teachkit": "', '"teachkit": "9.'))
    assert re.search(r"teachkit (\S+) and 9\.\1,", grid.versions_used())
