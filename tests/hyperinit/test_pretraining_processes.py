"""Two processes with architectures of their own take the steps of one process that draws both parts."""

import multiprocessing
import os
from pathlib import Path

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


def run(stream: Shardable, nets: int, seed: int, path: Path) -> None:
    """Pre-train a few steps, and write down what came out."""
    noise = np.random.default_rng(0).integers(0, 20, (24, 12, 12))
    pictures = (np.linspace(220, 30, 12)[:, None] + noise).astype(np.uint8)
    initializer = HyperInitializer(dim=8, max_channels=16, max_kernel=3, seed=seed)
    history = pretrain(
        initializer, pictures, steps=4, stream=stream, lr=0.01, nets=nets, images_per_net=16, unseen={},
        device="cpu",
    )  # fmt: skip
    torch.save({"history": history.to_dict(), "numbers": initializer.state_dict()}, path)


def one_of_two(rank: int, port: int, path: Path) -> None:
    """The same as one of two processes, as torchrun would start them."""
    places = {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": 0, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test"}
    os.environ.update({name: str(value) for name, value in (places | address).items()})
    run(STREAM, nets=1, seed=rank, path=path.with_suffix(f".{rank}"))
    torch.distributed.destroy_process_group()


def test_two_processes_give_the_losses_and_numbers_of_one_that_draws_for_both(tmp_path: Path, free_port: int):
    fork = multiprocessing.get_context("fork")  # importing torch and Fabric anew takes longer than the test
    running = [fork.Process(target=one_of_two, args=(r, free_port, tmp_path / "two")) for r in (0, 1)]
    for process in running:
        process.start()
    run(Both(), nets=2, seed=0, path=tmp_path / "one")
    for process in running:
        process.join(timeout=120)
    assert [process.exitcode for process in running] == [0, 0]
    one, two, other = (torch.load(tmp_path / name) for name in ("one", "two.0", "two.1"))
    assert two["history"]["inputs"] == one["history"]["inputs"]
    assert two["history"]["losses"] == pytest.approx(one["history"]["losses"], rel=1e-4)
    for name, theirs in one["numbers"].items():
        assert torch.allclose(two["numbers"][name], theirs, atol=1e-4)
        assert torch.equal(two["numbers"][name], other["numbers"][name])
