"""Small networks, and one thread."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.data import Split
from teachkit.data.splits import Info


@pytest.fixture(autouse=True)
def _one_thread_and_one_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


class Residual(nn.Module):
    """Two convolutions with a shortcut, an average, a linear layer; grey images of any size."""

    def __init__(self, width: int = 8, classes: int = 3, groups: int = 1) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 5, padding=2, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.conv = nn.Conv2d(width, width, 3, padding=1, groups=groups)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.stem(x)))
        x = F.max_pool2d(F.relu(x + self.conv(x)), 2)
        return self.head(x.mean((2, 3)))


@pytest.fixture
def residual() -> type[Residual]:
    return Residual


@pytest.fixture(scope="session")
def toy() -> Callable[..., Split]:
    """`toy("train")`: 40 grey pictures of 12 pixels; those of class 1 are brighter in one corner."""

    def make(part: str, n: int = 40) -> Split:
        rng = np.random.default_rng([0, len(part), n])
        labels = np.arange(n) % 2
        pixels = rng.integers(0, 180, (n, 12, 12))
        pixels[labels == 1, :6, :6] += 60
        info = Info("toy", "Toy", "binary", ("dark", "bright"), 1, "CC0", True, "none", "made here")
        return Split(pixels.astype(np.uint8), labels[:, None], info, part, 12)

    return make
