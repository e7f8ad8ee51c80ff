"""Two processes with architectures of their own take the steps of one process that draws both parts."""

import math
import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from teachkit.hyperinit import HyperInitializer
from teachkit.hyperinit.architectures import Architecture, Stream
from teachkit.hyperinit.pretraining import Shardable, pretrain

STREAM = Stream(("vgg", "mobile1"), seed=1)


class Both:
    """What two workers draw, in turns."""

    def __getitem__(self, index: int) -> Architecture:
        return STREAM.shard(index % 2, 2)[index // 2]

    def shard(self, worker: int, workers: int) -> "Both":
        return self


class Spoilt(HyperInitializer):
    """All networks of this process get numbers that are none."""

    def predict(self, graphs, heads=None):
        found = super().predict(graphs, heads)
        return [{name: tensor * math.nan for name, tensor in numbers.items()} for numbers in found]


def run(stream: Shardable, nets: int, seed: int, path: Path, kind: type = HyperInitializer) -> None:
    """Pre-train a few steps, and write down what came out."""
    noise = np.random.default_rng(0).integers(0, 20, (24, 12, 12))
    pictures = (np.linspace(220, 30, 12)[:, None] + noise).astype(np.uint8)
    initializer = kind(dim=8, max_channels=16, max_kernel=3, seed=seed)
    history = pretrain(
        initializer, pictures, steps=4, stream=stream, lr=0.01, nets=nets, images_per_net=16, unseen={},
        device="cpu",
    )  # fmt: skip
    torch.save({"history": history.to_dict(), "numbers": initializer.state_dict()}, path)


def one_of_two(rank: int, port: int, path: Path, kind: type) -> None:
    """The same as one of two processes, as torchrun would start them."""
    places = {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": 0, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test"}
    os.environ.update({name: str(value) for name, value in (places | address).items()})
    run(STREAM, 1, seed=rank, path=path.with_suffix(f".{rank}"), kind=kind)
    torch.distributed.destroy_process_group()


def two_processes(port: int, path: Path, kinds: tuple[type, type]) -> list[dict[str, Any]]:
    """What came out of each of them."""
    fork = multiprocessing.get_context("fork")  # importing torch and Fabric anew takes longer than the test
    running = [fork.Process(target=one_of_two, args=(r, port, path, kinds[r])) for r in (0, 1)]
    for process in running:
        process.start()
    for process in running:
        process.join(timeout=120)
    assert [process.exitcode for process in running] == [0, 0]
    return [torch.load(path.with_suffix(f".{rank}")) for rank in (0, 1)]


def test_two_processes_give_the_losses_and_numbers_of_one_that_draws_for_both(tmp_path: Path, free_port: int):
    two, other = two_processes(free_port, tmp_path / "two", (HyperInitializer, HyperInitializer))
    run(Both(), nets=2, seed=0, path=tmp_path / "one")
    one = torch.load(tmp_path / "one")
    assert two["history"]["inputs"] == one["history"]["inputs"]
    assert two["history"]["losses"] == pytest.approx(one["history"]["losses"], rel=1e-4)
    for name, theirs in one["numbers"].items():
        assert torch.allclose(two["numbers"][name], theirs, atol=1e-4)
        assert torch.equal(two["numbers"][name], other["numbers"][name])


def test_a_process_whose_networks_all_fail_does_not_hold_up_the_other(tmp_path: Path, free_port: int):
    two, other = two_processes(free_port, tmp_path / "two", (HyperInitializer, Spoilt))
    assert two["history"]["skipped"] == other["history"]["skipped"] == 4
    assert np.isfinite(two["history"]["losses"]).all()
    for name, ours in two["numbers"].items():
        assert torch.equal(ours, other["numbers"][name])
        assert bool(ours.isfinite().all())
