"""Two processes that share each batch take the steps of one process, and nobody waits for an idle head."""

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from teachkit import mmpt


def run(domains: dict[str, Any], backbone: nn.Module, norm: str, sampling: str, path: Path) -> None:
    """Train a few steps, and write down what came out."""
    told = {"epochs": 1, "batch_size": 16, "lr": 0.01, "optimizer": "sgd", "select": "last", "seed": 1}
    model = mmpt.pretrain(
        domains, backbone, norm=norm, sampling=sampling, device="cpu", watch_idle=True,
        checkpoint=path.with_suffix(".checkpoint"), **told,
    )  # fmt: skip
    torch.save({"history": model.history.to_dict(), "numbers": model.net.state_dict()}, path)


def one_of_two(
    rank: int, port: int, domains: Any, backbone: nn.Module, norm: str, sampling: str, path: Path
) -> None:
    """The same as one of two processes, as torchrun would start them."""
    places = {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": 0, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test"}
    os.environ.update({name: str(value) for name, value in (places | address).items()})
    run(domains, backbone, norm, sampling, path.with_suffix(f".{rank}"))
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("norm", "sampling"), [("shared", "homogeneous"), ("recalibrated", "mixed"), ("domain", "mixed")]
)
def test_two_processes_give_the_losses_and_numbers_of_one(four, tiny, tmp_path, free_port, norm, sampling):
    fork = multiprocessing.get_context("fork")  # importing torch and Fabric anew takes longer than the test
    given = (four, tiny, norm, sampling, tmp_path / "two")
    running = [fork.Process(target=one_of_two, args=(rank, free_port, *given)) for rank in (0, 1)]
    for process in running:
        process.start()
    for process in running:
        process.join(timeout=120)
    assert [process.exitcode for process in running] == [0, 0]
    run(four, tiny, norm, sampling, tmp_path / "one")
    two, other = (torch.load((tmp_path / "two").with_suffix(f".{rank}")) for rank in (0, 1))
    one = torch.load(tmp_path / "one")
    for mine, theirs in zip(one["history"]["scores"], two["history"]["scores"], strict=True):
        assert theirs == pytest.approx(mine, rel=1e-4, abs=1e-4, nan_ok=True)
    assert two["history"]["seen"] == one["history"]["seen"]
    for name, value in one["numbers"].items():
        assert torch.allclose(two["numbers"][name], value, atol=1e-4), name
        assert torch.equal(two["numbers"][name], other["numbers"][name]), name
    assert two["history"]["idle_change"] == 0
