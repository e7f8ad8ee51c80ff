"""The Wisconsin table, and a small one of numbers whose answer is known."""

import numpy as np
import pandas as pd
import pytest
import torch

from teachkit import data


@pytest.fixture(autouse=True)
def headless(monkeypatch):
    """One torch thread, and nobody to move a slider."""
    monkeypatch.setenv("TEACHKIT_HEADLESS", "1")
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def wisconsin(tmp_path_factory):
    """X and y of all 569 rows."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TEACHKIT_DATA", "TEACHKIT_BUCKET"):
            patch.delenv(name, raising=False)
        patch.setenv("TEACHKIT_OFFLINE", "1")
        patch.setenv("TEACHKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        whole = data.load("wisconsin").join(data.load("wisconsin", "val"), data.load("wisconsin", "test"))
    return whole.table, whole.labels[:, 0].astype(float)


@pytest.fixture
def toy():
    """Sixty rows; y is 3 a - 2 b + 10, and c knows nothing."""
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(60, 3)), columns=["a", "b", "c"])
    return x, 3 * x["a"].to_numpy() - 2 * x["b"].to_numpy() + 10
