"""The grid of baselines: each cell once, whatever stops it; its files are scored; random bodies are none."""

import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from teachkit import big, data
from teachkit.errors import SettingsError, UnknownNameError
from teachkit.mmpt import Baselines, Regime, cells
from teachkit.mmpt.architectures import TEN, find_architecture, find_architectures
from teachkit.mmpt.domains import TASKS
from teachkit.training import cluster

EDGE = 12  # of the made pictures, in pixels
SHORT = Regime(epochs=1, batch_size=64)


@pytest.fixture(autouse=True)
def _made(
    offline: Path,
    made: Callable[..., data.Split],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Made sets that are called as their tasks, where all happens in this process."""
    if request.node.get_closest_marker("slow"):
        return
    real = data.load

    def load(name: str, split: str = "train", size: int = 28) -> data.Split:
        return made(name, 40, split) if name in TASKS else real(name, split, size)

    monkeypatch.setattr(data, "load", load)


@pytest.fixture
def weights(tmp_path: Path) -> str:
    """A file with numbers for the smallest body of timm."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        torch.save(timm.create_model("test_resnet", pretrained=False).state_dict(), tmp_path / "own.pth")
    return str(tmp_path / "own.pth")


def grid(out: Path, **changes: object) -> Baselines:
    given = {
        "architectures": ["test_resnet"],
        "schemes": ["knn"],
        "datasets": ["multi-class"],
        "seeds": [0, 1],
    }
    return Baselines(**given | {"out": out, "weights": None, "regime": SHORT} | changes)  # type: ignore[arg-type]


def test_the_ten_are_found_by_short_and_long_names():
    assert find_architectures(["all"]) == TEN
    assert len({one.name for one in TEN}) == len({one.model for one in TEN}) == 10
    assert find_architecture("vit_base_patch16_224.dino") is find_architecture("dino")
    assert find_architecture("small_resnet").canvas == 0
    with pytest.raises(UnknownNameError, match="resnet18"):
        find_architecture("resnet-18")


def test_every_scheme_answers_for_every_task_and_its_files_are_scored(tmp_path: Path):
    sets = list(TASKS)
    found = grid(tmp_path, schemes=["knn", "linear", "end-to-end"], datasets=sets, seeds=[0]).run()
    assert not found.failed
    assert [path.name for path in found.files] == [
        f"untrained-body-test_resnet-{scheme}-28-seed0.csv" for scheme in ("knn", "linear", "end-to-end")
    ]
    truth = {name: data.load(name, "test").labels for name in sets}
    for path in found.files:
        scored = big.score(path, suite="baselines", truth=truth, size=EDGE)
        assert scored.complete
        cells_of = [one for one in found.outcomes if one.cell.who in path.name]
        assert {one.cell.dataset: one.scores for one in cells_of} == {
            name: pytest.approx(dict(of), nan_ok=True) for name, of in scored.sets.items()
        }
    for one in found.outcomes:  # the file of a cell is one as well
        scored = big.score(one.predictions, suite=one.suite, truth=truth, size=EDGE)
        assert scored.sets[one.cell.dataset] == pytest.approx(one.scores, nan_ok=True)


def test_a_random_body_is_named_so_and_stands_in_no_table_of_baselines(weights: str, tmp_path: Path):
    random = grid(tmp_path / "out").run()
    (title,) = random.tables
    assert title == "Untrained bodies (no baselines), size 28"
    table = random.tables[title]
    assert set(table.index.get_level_values("start")) == {"untrained body"}
    told = [json.loads(path.read_text()) for path in (tmp_path / "out" / "cells").glob("*seed*.json")]
    assert [one["baseline"] for one in told] == [False, False]
    assert all("untrained body" in one["what"] for one in told)
    assert all(path.name.startswith("untrained-body-") for path in random.files)
    trained = grid(tmp_path / "out", weights=weights).run()
    assert list(trained.tables) == ["Individually trained baselines, size 28"]
    assert "untrained" not in trained.tables[next(iter(trained.tables))].to_string()
    assert trained.outcomes[0].predictions != random.outcomes[0].predictions


def test_neighbours_on_trained_weights_run_once_for_nothing_in_them_is_random(weights: str, tmp_path: Path):
    cells_of = grid(tmp_path, weights=weights, schemes=["knn", "linear"])
    found = [
        (one.scheme, one.seed) for one in cells_of.cells({"multi-class": data.load("multi-class", "test")})
    ]
    assert found == [("knn", 0), ("linear", 0), ("linear", 1)]


def test_a_second_run_makes_only_what_is_missing_or_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = grid(tmp_path).run()
    made = []
    real = cells._from_features
    monkeypatch.setattr(cells, "_from_features", lambda cell, *rest: made.append(cell) or real(cell, *rest))
    again = grid(tmp_path).run()
    assert made == []
    assert again.scores.equals(first.scores)
    damaged = first.outcomes[1].predictions
    damaged.write_text(damaged.read_text().replace("multi-class,0,", "multi-class,0,0", 1))
    mended = grid(tmp_path).run()
    assert [cell.seed for cell in made] == [1]
    assert mended.scores.equals(first.scores)
    grid(tmp_path, regime=Regime(neighbours=3)).run()
    assert len(made) == 3  # another setting is another cell


def test_a_cell_that_fails_stops_no_other(tmp_path: Path):
    few = grid(tmp_path, datasets=["multi-class", "binary"], seeds=[0], regime=Regime(neighbours=101)).run()
    assert len(few.failed) == 2
    assert all("101 neighbours of 40" in why for why in few.failed.values())
    assert few.tables == {}


def test_the_mean_over_sets_needs_every_set(tmp_path: Path):
    found = grid(tmp_path, datasets=["multi-class", "ordinal"], seeds=[0, 1]).run()
    (table,) = found.tables.values()
    who = ("test_resnet", "untrained body", "nearest neighbours")
    by_seed = found.scores[found.scores["score"] == "auc"].groupby("seed")["value"].mean()
    assert table.loc[(*who, "mean"), ("AUC", "mean")] == pytest.approx(by_seed.mean())
    one_less = type(found)(found.outcomes[:-1], {}, ())
    (table,) = one_less.tables.values()
    assert math.isnan(table.loc[(*who, "mean"), ("AUC", "mean")])


def test_a_whole_set_of_the_benchmark_is_scored_under_its_suite():
    whole = big.find_suite("big")["breastmnist"]
    split = data.load("binary", "test")
    assert cells.suite_of("binary", split, 28) == ("binary", 12)
    test = split[np.zeros(whole.rows, dtype=int)]
    assert cells.suite_of("breastmnist", test, 28) == ("big", 28)
    assert cells.suite_of("breastmnist", test[:10], 28) == ("breastmnist", 12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architectures": []}, "0 architectures"),
        ({"seeds": [-1]}, "seeds"),
        ({"schemes": ["svm"]}, "No scheme is called 'svm'"),
        ({"datasets": ["didgits"]}, "Did you mean 'digits'"),
        ({"datasets": ["ihc_nuclei"]}, "regression"),
        ({"architectures": ["vgg16"], "weights": "imagenet"}, "vgg16-397923af.pth"),
        ({"architectures": ["vgg16", "alexnet"], "weights": "own.pth"}, "cannot fit 2 architectures"),
        ({"architectures": ["test_resnet"], "weights": "imagenet"}, "No weights are called"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(
    changes: dict[str, object], message: str, tmp_path: Path
):
    with pytest.raises(Exception, match=message) as refused:
        grid(tmp_path / "out", **changes).run()
    assert type(refused.value).__module__ == "teachkit.errors"
    assert not (tmp_path / "out").exists()


def test_a_scheduler_that_does_not_answer_is_named(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cluster, "ANSWER", 0.5)
    with pytest.raises(SettingsError, match=f"127.0.0.1:{free_port}"):
        grid(tmp_path).run(cluster=f"tcp://127.0.0.1:{free_port}")


@pytest.mark.slow
def test_a_worker_killed_half_way_loses_nothing(
    made: Callable[..., data.Split], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    distributed = pytest.importorskip("distributed")
    parts = {part: made("multi-class", 40, part) for part in data.SPLITS}
    arrays = {f"{part}_images": split.images for part, split in parts.items()}
    arrays |= {f"{part}_labels": split.labels for part, split in parts.items()}
    (tmp_path / "sets").mkdir()
    np.savez(tmp_path / "sets" / "made_set.npz", **arrays)  # type: ignore[arg-type]
    monkeypatch.delenv("TEACHKIT_OFFLINE")
    monkeypatch.setenv("TEACHKIT_DATA", str(tmp_path / "sets"))
    plan = grid(tmp_path / "out", datasets=["made_set"], seeds=range(6))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as workers:
        victim = workers.workers[0].pid

        def kill_after_the_first_cell() -> None:
            while not list((tmp_path / "out").glob("cells/*seed*.json")):
                time.sleep(0.02)
            os.kill(victim, signal.SIGKILL)

        thread = threading.Thread(target=kill_after_the_first_cell, daemon=True)
        thread.start()
        found = plan.run(cluster=workers.scheduler_address)
        thread.join(60)
    assert not found.failed
    assert sorted(one.cell.seed for one in found.outcomes) == list(range(6))
    assert len(found.files) == 6
