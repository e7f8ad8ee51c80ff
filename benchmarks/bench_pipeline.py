"""The input pipeline alone: one pass over PneumoniaMNIST at 28×28 in shuffled batches, without a model."""

import os

import plain
import torch
from timing import BATCH_SIZE, data_folder, in_turns, report

os.environ["TEACHKIT_DATA"] = str(data_folder())
os.environ.pop("TEACHKIT_OFFLINE", None)

from teachkit import data
from teachkit.training.batches import Batches
from teachkit.training.plan import Plan


def main() -> None:
    """Compare gathers from a tensor with the plain loader, without and with workers."""
    torch.set_num_threads(1)  # so that a second program on the machine does not decide the result
    ours = Batches.of(data.load("pneumoniamnist"), torch.device("cpu"))
    plan = Plan(len(ours), 1, None, "adamw", 1e-3, BATCH_SIZE, seed=0)
    alone, two_workers = plain.loader(), plain.loader(workers=2)

    def gather_all() -> int:
        return sum(len(ours.gather(rows)[0].sub_(0.5).div_(0.5)) for rows in plan.batches(0))

    def load_all() -> int:
        return sum(len(images) for images, _ in alone)

    def load_all_with_workers() -> int:
        return sum(len(images) for images, _ in two_workers)

    assert gather_all() == load_all() == len(ours)
    report(
        "pipeline",
        "Input pipeline, PneumoniaMNIST 28×28, one pass over 4,708 images, 1 thread",
        "medmnist + PIL + DataLoader",
        in_turns(
            {
                "medmnist + PIL + DataLoader": load_all,
                "the same with 2 workers": load_all_with_workers,
                "teachkit": gather_all,
            }
        ),
    )


if __name__ == "__main__":
    main()
