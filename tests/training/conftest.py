"""Toy sets and models small enough to train in every test."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
import torch
from jaxtyping import install_import_hook
from torch import Tensor, nn

# Axis names in annotations are checked in these tests; in use they cost nothing.
with install_import_hook(["teachkit.training.batches", "teachkit.training.losses"], "beartype.beartype"):
    import teachkit.training  # noqa: F401

from teachkit.data.splits import Info, Split


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small tensors are faster on one thread, and sums keep one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class FrozenBodyNet(nn.Module):
    """A body with BatchNorm that must not move, and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        ).requires_grad_(False)
        self.head = nn.Linear(24, 2)

    def frozen_body(self) -> nn.Module:
        return self.body

    def train(self, mode: bool = True) -> "FrozenBodyNet":
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images))


@pytest.fixture
def make_split() -> Callable[..., Split]:
    """Brightness tells the class; every other detail is noise."""

    def make(task: str = "binary", rows: int = 60, split: str = "train", channels: int = 1) -> Split:
        rng = np.random.default_rng([len(split), rows])
        classes = {"binary": 2, "regression": 0, "segmentation": 2}.get(task, 3)
        shape = (rows, 8, 8) if channels == 1 else (rows, 8, 8, channels)
        images = rng.integers(0, 120, shape)
        masks, table = None, None
        if task == "regression":
            labels = rng.random((rows, 1)).astype(np.float32)
            images += (labels.reshape(rows, *[1] * (len(shape) - 1)) * 120).astype(int)
            table = pd.DataFrame({"a": labels[:, 0] * 2 + 1, "b": rng.random(rows)})
        elif task == "multi-label":
            labels = rng.integers(0, 2, (rows, classes))
            images[:, 0] += 60 * labels[:, :1]
        else:
            labels = np.arange(rows).reshape(-1, 1) % classes
            images += 60 * labels.reshape(rows, *[1] * (len(shape) - 1))
        if task == "segmentation":
            masks = (images > 90).astype(np.uint8)
        names = tuple("abc"[:classes])
        info = Info("toy", "Toy", task, names, 1 if classes == 2 else None, "CC0", True, "", "made up")
        return Split(images.astype(np.uint8), labels, info, split, 8, masks=masks, table=table)

    return make


@pytest.fixture
def small_net() -> Callable[..., nn.Module]:
    """A convolutional net with BatchNorm and dropout; the same weights at every call."""

    def make(outputs: int = 2, channels: int = 1) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(7)
            return nn.Sequential(
                nn.Conv2d(channels, 4, 3),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.Flatten(),
                nn.Dropout(0.2),
                nn.Linear(144, outputs),
            )

    return make


@pytest.fixture
def frozen_net() -> Callable[[], FrozenBodyNet]:
    def make() -> FrozenBodyNet:
        with torch.random.fork_rng():
            torch.manual_seed(8)
            net = FrozenBodyNet()
            net.body[1].running_mean.normal_()
            return net

    return make
