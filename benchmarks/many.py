"""A few steps of both pre-trainings, for `bench_processes`: one process, or several that torchrun started.

The first process writes the seconds that 1,000 samples took. First passes and steps do not count.
"""

import json
import os
import sys
from pathlib import Path

import torch

os.environ["TEACHKIT_OFFLINE"] = "1"
os.environ["TEACHKIT_HEADLESS"] = "1"
os.environ.pop("TEACHKIT_DATA", None)

from teachkit import data, mmpt
from teachkit.hyperinit import HyperInitializer
from teachkit.training.device import first_process
from teachkit.training.job import said_once

WARM_UP, STEPS = 3, 12
DEVICE = os.environ.get("TEACHKIT_BENCH_DEVICE", "cpu")


def domains() -> float:
    """mm-PT on two sets."""
    model = mmpt.pretrain(
        ["digits", "ihc_patches"], "small_resnet", epochs=3, batch_size=128, seed=0, select="last",
        device=DEVICE,
    )  # fmt: skip
    seconds = sum(epoch["seconds"] for epoch in model.history.epochs[1:])
    rows = sum(row["rows"] for row in model.history.scores if row["epoch"] > 1)
    return 1000 * seconds / rows


def hyper_network() -> float:
    """The hyper-initializer: every process draws networks of its own."""
    passed: list[tuple[float, int]] = []
    HyperInitializer(seed=0).pretrain(
        data.load("digits"), steps=WARM_UP + STEPS, nets=2, images_per_net=48, seed=0, unseen={},
        device=DEVICE,
        on_step=lambda history: passed.append((history.seconds, history.inputs)),
    )  # fmt: skip
    (before, few), (after, all_) = passed[WARM_UP - 1], passed[-1]
    return 1000 * (after - before) / (all_ - few)


def main() -> None:
    """Write what this number of processes needs to the file that is named."""
    torch.set_num_threads(1)
    with said_once():
        found = {"mmpt": domains(), "hyperinit": hyper_network()}
        if first_process():
            Path(sys.argv[1]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
