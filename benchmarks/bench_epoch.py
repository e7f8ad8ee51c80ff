"""One epoch of a ResNet-18 on PneumoniaMNIST at 28×28: `fit` against the plain loop, and what else helps."""

import os
from collections.abc import Callable

import plain
import torch
from timing import BATCH_SIZE, data_folder, in_turns, report
from torch import nn

os.environ["TEACHKIT_DATA"] = str(data_folder())
os.environ["TEACHKIT_HEADLESS"] = "1"
os.environ.pop("TEACHKIT_OFFLINE", None)

from teachkit import data, training


class Normalized(nn.Module):
    """The model with the baseline's normalisation inside, where ours belongs."""

    def __init__(self, channels_last: bool = False) -> None:
        super().__init__()
        self.net = plain.grey_resnet18()
        if channels_last:
            self.net.to(memory_format=torch.channels_last)
        self.layout = torch.channels_last if channels_last else torch.contiguous_format

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(((images - 0.5) / 0.5).contiguous(memory_format=self.layout))


def with_threads(threads: int, work: Callable[[], object]) -> Callable[[], object]:
    """`work` on so many torch threads, and back to one afterwards."""

    def run() -> None:
        torch.set_num_threads(threads)
        work()
        torch.set_num_threads(1)

    return run


def fitted(net: nn.Module, train: data.Split) -> Callable[[], object]:
    """One epoch of `training.fit`."""
    return lambda: training.fit(net, train, epochs=1, lr=1e-3, batch_size=BATCH_SIZE, device="cpu")


def whole_epoch(train: data.Split) -> None:
    """The same model, batch size and optimiser, ours and plain."""
    loader, model = plain.loader(), plain.grey_resnet18()
    baseline = "medmnist + PIL + DataLoader"
    ways = {
        baseline: lambda: plain.train_one_epoch(model, loader),
        "teachkit": fitted(Normalized(), train),
    }
    title = f"ResNet-18, one epoch of PneumoniaMNIST 28×28, batches of {BATCH_SIZE}, CPU, 1 thread"
    report("epoch", title, baseline, in_turns(ways, repeats=5))


def what_else_helps(train: data.Split) -> None:
    """Memory layout, compiler and threads, on five batches."""
    usual, last, compiled = Normalized(), Normalized(channels_last=True), Normalized()
    compiled.compile()
    few = train[: 5 * BATCH_SIZE]
    ways = {
        "teachkit, 1 thread": fitted(usual, few),
        "channels_last": fitted(last, few),
        "torch.compile": fitted(compiled, few),
        "2 threads": with_threads(2, fitted(usual, few)),
    }
    report("settings", "The same model, five batches: what else helps", next(iter(ways)), in_turns(ways))


def main() -> None:
    """Both tables, on one thread: with more, a second program on the machine would decide the result."""
    torch.set_num_threads(1)
    train = data.load("pneumoniamnist")
    whole_epoch(train)
    what_else_helps(train)


if __name__ == "__main__":
    main()
