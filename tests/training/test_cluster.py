"""Runs on the workers of a scheduler: the same results, nothing lost with a worker, and clear refusals."""

import importlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from joblib import delayed

from teachkit import training
from teachkit.errors import SettingsError, TrainingError
from teachkit.training import cluster

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as made:
        yield made


@pytest.fixture
def in_this_process() -> Iterator[Callable[..., str]]:
    """Address of a scheduler whose workers are threads of this process."""
    made: list[Any] = []

    def start(workers: int, threads: int = 1) -> str:
        made.append(
            distributed.LocalCluster(
                n_workers=workers, threads_per_worker=threads, processes=False, protocol="tcp",
                dashboard_address="127.0.0.1:0", host="127.0.0.1",
            )
        )  # fmt: skip
        return str(made[-1].scheduler_address)

    yield start
    for one in made:
        one.close()


def test_a_comparison_on_workers_equals_the_one_of_this_machine(two_workers, make_split, small_net):
    splits = (make_split(), make_split(split="val"), make_split(split="test"))
    arms = {
        name: training.Arm(small_net, *splits, epochs=1, lr=lr, batch_size=30, device="cpu")
        for name, lr in (("slow", 0.001), ("fast", 0.01))
    }
    there = training.compare(arms, (0, 1), factor="lr", cluster=two_workers.scheduler_address)
    here = training.compare(arms, (0, 1), factor="lr")
    assert there.scores.equals(here.scores)
    for name in arms:
        for ours, theirs in zip(here.predictions[name], there.predictions[name], strict=True):
            assert np.array_equal(ours, theirs)


def test_what_a_killed_worker_was_doing_goes_to_another_one(two_workers, tmp_path):
    victim = two_workers.workers[0].pid

    def marked(number: int) -> int:
        (tmp_path / f"{number}-{os.getpid()}").touch()
        time.sleep(0.1)  # long enough to be killed in it
        return number * number

    def kill_in_mid_run() -> None:
        while not list(tmp_path.glob(f"*-{victim}")):
            time.sleep(0.005)
        os.kill(victim, signal.SIGKILL)

    thread = threading.Thread(target=kill_in_mid_run, daemon=True)
    thread.start()
    tasks = [delayed(marked)(number) for number in range(12)]
    found = list(cluster.results(tasks, None, two_workers.scheduler_address))
    thread.join(60)
    assert not thread.is_alive()
    assert found == [number * number for number in range(12)]
    began = [int(path.name.partition("-")[0]) for path in tmp_path.iterdir()]
    assert len(began) > 12  # one at least began twice


def test_what_ends_first_can_come_first(in_this_process):
    def waited(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    tasks = [delayed(waited)(seconds) for seconds in (0.4, 0.0)]
    address = in_this_process(2)
    assert list(cluster.results(tasks, None, address, ordered=False)) == [0.0, 0.4]
    assert list(cluster.results(tasks, None, address)) == [0.4, 0.0]


def test_an_error_of_a_run_arrives_as_it_is(in_this_process):
    def fail() -> None:
        raise TrainingError("The loss is no number.", "Try a smaller lr.")

    with pytest.raises(TrainingError, match="smaller lr"):
        list(cluster.results([delayed(fail)()], None, in_this_process(1)))


def test_a_module_that_workers_lack_is_named_and_nobody_waits(two_workers, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def one():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    only_here = importlib.import_module("only_here")
    with pytest.raises(SettingsError, match=r"cannot import 'only_here'.*PYTHONPATH"):
        list(cluster.results([delayed(only_here.one)()], None, two_workers.scheduler_address))


def test_a_run_that_ends_its_workers_stops_with_the_name_of_the_last_one(two_workers, monkeypatch):
    monkeypatch.setattr(two_workers.scheduler, "allowed_failures", 0)  # 3 by default

    def die() -> None:
        os._exit(1)

    with pytest.raises(TrainingError, match=r"ended one worker after the other, the last one at tcp://127"):
        list(cluster.results([delayed(die)()], None, two_workers.scheduler_address))


def test_workers_with_several_threads_are_refused_for_runs_would_share_random_numbers(in_this_process):
    with pytest.raises(SettingsError, match=r"has 2 threads.*--nthreads 1"):
        list(cluster.results([delayed(abs)(1)], None, in_this_process(1, threads=2)))


def test_a_scheduler_without_workers_is_named(in_this_process, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.1)
    address = in_this_process(0)
    with pytest.raises(SettingsError, match=f"'{address}' has no workers.* dask worker {address}"):
        list(cluster.results([delayed(abs)(1)], None, address))


def test_workers_are_asked_for_their_versions_before_they_get_anything(two_workers, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "version", lambda name: "0.0.1")
    with pytest.raises(SettingsError, match=r"tcp://127\.0\.0\.1:\d+ has teachkit .* and not 0\.0\.1"):
        list(cluster.results([delayed(abs)(1)], None, two_workers.scheduler_address))


def test_a_worker_with_other_versions_is_named_with_what_differs():
    ours = cluster.versions()
    assert {"python", "teachkit", "torch"} <= set(ours)
    cluster.refuse_other_versions(ours, {"tcp://a:1": dict(ours)})
    other = {**ours, "torch": "2.7.0"}
    del other["joblib"]
    with pytest.raises(SettingsError, match=r"tcp://b:2 has torch 2\.7\.0 and not .*, joblib none") as caught:
        cluster.refuse_other_versions(ours, {"tcp://a:1": ours, "tcp://b:2": other})
    assert caught.value.worker == "tcp://b:2"
