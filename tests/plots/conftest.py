"""Plots never wait for a reader in tests."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def headless(monkeypatch):
    monkeypatch.setenv("TEACHKIT_HEADLESS", "1")


@pytest.fixture
def cases():
    """True classes and probabilities of class 1 for 200 images of a mediocre model."""
    rng = np.random.default_rng(0)
    labels = (rng.random(200) < 0.4).astype(int)
    return labels, 1 / (1 + np.exp(-(2 * labels - 1 + rng.normal(0, 1.2, 200))))
