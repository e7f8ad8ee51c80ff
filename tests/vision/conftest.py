"""One torch thread, and a classifier small enough to build often."""

import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread(offline):
    torch.set_num_threads(1)


@pytest.fixture
def grey():
    """Six images of blobs at random places, uint8 [6, 28, 28]."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:28, :28]
    centres = rng.uniform(6, 22, (6, 2))
    blobs = [np.exp(-((y - a) ** 2 + (x - b) ** 2) / 20) for a, b in centres]
    return (np.stack(blobs) * 200 + rng.uniform(0, 40, (6, 28, 28))).astype(np.uint8)
