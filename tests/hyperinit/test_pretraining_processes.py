"""Processes with architectures of their own take the steps of one process that draws all parts."""

import math
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from teachkit.hyperinit import HyperInitializer
from teachkit.hyperinit.architectures import Architecture, Stream
from teachkit.hyperinit.pretraining import Shardable, pretrain

STREAM = Stream(("vgg", "mobile1"), seed=1)


class All:
    """What several workers draw, in turns."""

    def __init__(self, world: int) -> None:
        self.world = world

    def __getitem__(self, index: int) -> Architecture:
        return STREAM.shard(index % self.world, self.world)[index // self.world]

    def shard(self, worker: int, workers: int) -> "All":
        return self


class Spoilt(HyperInitializer):
    """All networks of this process get numbers that are none."""

    def predict(self, graphs, heads=None):
        found = super().predict(graphs, heads)
        return [{name: tensor * math.nan for name, tensor in numbers.items()} for numbers in found]


def run(
    stream: Shardable, nets: int, seed: int, path: Path, kind: type = HyperInitializer, **more: Any
) -> None:
    """Pre-train a few steps, and write down what came out."""
    noise = np.random.default_rng(0).integers(0, 20, (24, 12, 12))
    pictures = (np.linspace(220, 30, 12)[:, None] + noise).astype(np.uint8)
    initializer = kind(dim=8, max_channels=16, max_kernel=3, seed=seed)
    history = pretrain(
        initializer, pictures, steps=4, stream=stream, lr=0.01, nets=nets, images_per_net=16, unseen={},
        device="cpu", **more,
    )  # fmt: skip
    torch.save({"history": history.to_dict(), "numbers": initializer.state_dict()}, path)


def one_of_many(rank: int, path: Path, kinds: list[type]) -> None:
    """The same as one of several processes."""
    run(STREAM, 1, seed=rank, path=path.with_suffix(f".{rank}"), kind=kinds[rank])


def one_that_dies(rank: int, path: Path, dies: bool) -> None:
    """Four steps with a checkpoint after two; the second process may be killed after the third."""

    def after_a_step(history: Any) -> None:
        if dies and rank == 1 and history.steps == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    own = path.with_suffix(f".{rank}-checkpoint")  # machines of a job need not share a folder
    told = {"checkpoint": own, "every": 2, "on_step": after_a_step}
    run(STREAM, 1, seed=rank, path=path.with_suffix(f".{rank}"), **told)


def written(path: Path, world: int) -> list[dict[str, Any]]:
    """What came out of each process."""
    return [torch.load(path.with_suffix(f".{rank}")) for rank in range(world)]


@pytest.mark.parametrize("world", [2, 4])
def test_several_processes_give_the_losses_and_numbers_of_one_that_draws_for_all(
    tmp_path, in_processes, world
):
    assert in_processes(world, one_of_many, tmp_path / "many", [HyperInitializer] * world) == [0] * world
    many, *others = written(tmp_path / "many", world)
    run(All(world), nets=world, seed=0, path=tmp_path / "one")
    one = torch.load(tmp_path / "one")
    assert many["history"]["inputs"] == one["history"]["inputs"]
    assert many["history"]["losses"] == pytest.approx(one["history"]["losses"], rel=1e-4)
    for name, theirs in one["numbers"].items():
        assert torch.allclose(many["numbers"][name], theirs, atol=1e-4)
        assert all(torch.equal(many["numbers"][name], other["numbers"][name]) for other in others)


def test_a_process_whose_networks_all_fail_does_not_hold_up_the_other(tmp_path, in_processes):
    assert in_processes(2, one_of_many, tmp_path / "two", [HyperInitializer, Spoilt]) == [0, 0]
    two, other = written(tmp_path / "two", 2)
    assert two["history"]["skipped"] == other["history"]["skipped"] == 4
    assert np.isfinite(two["history"]["losses"]).all()
    for name, ours in two["numbers"].items():
        assert torch.equal(ours, other["numbers"][name])
        assert bool(ours.isfinite().all())


def test_a_run_whose_process_was_killed_goes_on_to_the_same_numbers(tmp_path, in_processes):
    codes = in_processes(2, one_that_dies, tmp_path / "stopped", True)
    assert codes[1] == -signal.SIGKILL
    assert codes[0] not in (0, None)  # it lost its partner, and did not wait for ever
    assert torch.load(tmp_path / "stopped.0-checkpoint", weights_only=True)["history"]["losses"][2:] == []
    assert in_processes(2, one_that_dies, tmp_path / "stopped", False) == [0, 0]
    assert in_processes(2, one_that_dies, tmp_path / "whole", False) == [0, 0]
    stopped, whole = written(tmp_path / "stopped", 2)[0], written(tmp_path / "whole", 2)[0]
    assert stopped["history"]["losses"] == whole["history"]["losses"]
    for name, value in whole["numbers"].items():
        assert torch.equal(stopped["numbers"][name], value), name
