"""Made domains of every task: a pattern for each class, and a brightness and contrast for each domain."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from teachkit.data.splits import Info, Split

EDGE = 12
BRIGHTNESS = {"binary": (70, 10), "multi-class": (235, 10), "ordinal": (30, 6), "multi-label": (140, 80)}


@pytest.fixture(autouse=True)
def _one_thread_and_one_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def made_split(task: str, rows: int = 40, part: str = "train", classes: int = 3, channels: int = 1) -> Split:
    """Pictures whose bright quarter says the class, on a ground that says the domain."""
    classes = 2 if task == "binary" else classes
    rng = np.random.default_rng([rows, len(task), len(part)])
    columns = classes if task == "multi-label" else 1
    labels = np.arange(rows * columns).reshape(rows, columns) % (2 if columns > 1 else classes)
    labels = rng.permuted(labels, axis=0)
    ground, contrast = BRIGHTNESS[task]
    images = rng.normal(ground, contrast, (rows, EDGE, EDGE))
    for k in range(classes):
        here = labels[:, k] == 1 if columns > 1 else labels[:, 0] == k
        top, left = divmod(k, 2)
        images[here, 6 * top : 6 * top + 6, 6 * left : 6 * left + 6] += 3 * contrast
    pictures = images.clip(0, 255).astype(np.uint8)
    if channels == 3:
        pictures = np.repeat(pictures[..., None], 3, axis=-1)
    names = tuple(f"class {k}" for k in range(classes))
    info = Info(task, task, task, names, None, "CC0", True, "", "made for tests")
    return Split(pictures, labels.astype(np.int64), info, part, EDGE)


class Tiny(nn.Module):
    """Two convolutions with BatchNorm and the mean over places: images to eight features."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(channels, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.second, self.last = nn.Conv2d(8, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.first(x)))
        return torch.relu(self.last(self.second(x))).mean((2, 3))


@pytest.fixture
def made() -> Callable[..., Split]:
    return made_split


@pytest.fixture
def tiny() -> Tiny:
    return Tiny()


@pytest.fixture(scope="module")
def made_module() -> Callable[..., Split]:
    return made_split


@pytest.fixture(scope="module")
def tiny_module() -> Tiny:
    torch.manual_seed(0)
    return Tiny()


@pytest.fixture
def four() -> dict[str, tuple[Split, Split]]:
    """A domain of every task, with unequal numbers of rows."""
    rows = {"binary": 20, "multi-class": 60, "ordinal": 33, "multi-label": 40}
    return {task: (made_split(task, n), made_split(task, 24, "val")) for task, n in rows.items()}
