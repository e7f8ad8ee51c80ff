"""A few real digits, and small networks for them."""

import numpy as np
import pytest
import torch
from torch import nn

from teachkit import data
from teachkit.data import Split


@pytest.fixture(autouse=True)
def _one_thread_and_one_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def digits(offline) -> tuple[Split, Split]:
    """120 digits to learn from, 40 for tests."""
    return data.load("digits", "train").sample(120), data.load("digits", "test").sample(40)


def small_networks() -> dict[str, nn.Module]:
    """Three networks of 28 × 28 pixels that train in no time."""
    return {
        "first": nn.Sequential(
            nn.Conv2d(1, 2, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 7 * 7, 10)
        ),
        "second": nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(49, 8), nn.ReLU(), nn.Linear(8, 10)),
        "third": nn.Sequential(nn.AvgPool2d(7), nn.Flatten(), nn.Linear(16, 10)),
    }


@pytest.fixture
def networks():
    return small_networks


@pytest.fixture
def same_batches():
    """Whether two lists of steps hold the same row numbers."""

    def same(a, b) -> bool:
        return all(
            np.array_equal(x, y)
            for one, other in zip(a, b, strict=True)
            for x, y in zip(one, other, strict=True)
        )

    return same
