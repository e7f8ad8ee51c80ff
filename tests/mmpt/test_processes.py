"""Processes that share each batch take the steps of one, and a run survives the death of each of them."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from teachkit import mmpt


def run(
    domains: dict[str, Any], backbone: nn.Module, norm: str, sampling: str, path: Path, **more: Any
) -> None:
    """Train a few steps, and write down what came out."""
    told = {
        "epochs": 1,
        "checkpoint": path.with_suffix(".checkpoint"),
        "batch_size": 16,
        "lr": 0.01,
        "optimizer": "sgd",
        "select": "last",
        "seed": 1,
    }
    model = mmpt.pretrain(
        domains, backbone, norm=norm, sampling=sampling, device="cpu", watch_idle=True,
        **told | more,
    )  # fmt: skip
    torch.save({"history": model.history.to_dict(), "numbers": model.net.state_dict()}, path)


def one_of_many(rank: int, domains: Any, backbone: nn.Module, norm: str, sampling: str, path: Path) -> None:
    """The same as one of several processes."""
    run(domains, backbone, norm, sampling, path.with_suffix(f".{rank}"))


def one_that_dies(rank: int, domains: Any, backbone: nn.Module, path: Path, dies: bool) -> None:
    """Three passes; the second process may be killed in the second one."""

    def at_the_end_of_a_pass(history: Any) -> None:
        if dies and rank == 1 and len(history.epochs) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    path = path.with_suffix(f".{rank}")
    own = path.with_suffix(f".{rank}-checkpoint")  # machines of a job need not share a folder
    run(domains, backbone, "shared", "mixed", path, epochs=3, checkpoint=own, on_epoch=at_the_end_of_a_pass)


@pytest.mark.parametrize(
    ("world", "norm", "sampling"),
    [(2, "shared", "homogeneous"), (2, "domain", "mixed"), (4, "recalibrated", "mixed")],
)
def test_several_processes_give_the_losses_and_numbers_of_one(
    four, tiny, tmp_path, in_processes, world, norm, sampling
):
    given = (four, tiny, norm, sampling)
    assert in_processes(world, one_of_many, *given, tmp_path / "many") == [0] * world
    run(*given, tmp_path / "one")
    one = torch.load(tmp_path / "one")
    many, *others = (torch.load((tmp_path / "many").with_suffix(f".{rank}")) for rank in range(world))
    for mine, theirs in zip(one["history"]["scores"], many["history"]["scores"], strict=True):
        assert theirs == pytest.approx(mine, rel=1e-4, abs=1e-4, nan_ok=True)
    assert many["history"]["seen"] == one["history"]["seen"]
    for name, value in one["numbers"].items():
        assert torch.allclose(many["numbers"][name], value, atol=1e-4), name
        assert all(torch.equal(many["numbers"][name], other["numbers"][name]) for other in others), name
    assert many["history"]["idle_change"] == 0


def test_a_run_whose_process_was_killed_goes_on_to_the_same_numbers(four, tiny, tmp_path, in_processes):
    codes = in_processes(2, one_that_dies, four, tiny, tmp_path / "stopped", True)
    assert codes[1] == -signal.SIGKILL
    assert codes[0] not in (0, None)  # it lost its partner, and did not wait for ever
    assert not (tmp_path / "stopped.0").exists()
    assert in_processes(2, one_that_dies, four, tiny, tmp_path / "stopped", False) == [0, 0]
    assert in_processes(2, one_that_dies, four, tiny, tmp_path / "whole", False) == [0, 0]
    stopped, whole = (torch.load(tmp_path / f"{name}.0") for name in ("stopped", "whole"))
    assert len(stopped["history"]["epochs"]) == 3
    losses = [[row["loss"] for row in each["history"]["scores"]] for each in (stopped, whole)]
    assert np.array_equal(*losses, equal_nan=True)
    for name, value in whole["numbers"].items():
        assert torch.equal(stopped["numbers"][name], value), name
