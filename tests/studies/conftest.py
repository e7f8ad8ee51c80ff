"""The scripts in studies/ are no package; tests load them by path."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from teachkit.data.splits import Info, Split

STUDIES = Path(__file__).resolve().parents[2] / "studies"


def load(name):
    spec = importlib.util.spec_from_file_location(f"study_{name}", STUDIES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def study():
    """`study("01_classification")` is that script as a module."""
    sys.path.insert(0, str(STUDIES))
    yield load
    sys.path.remove(str(STUDIES))


@pytest.fixture
def noise():
    """Forty images of noise with two classes."""
    rng = np.random.default_rng(0)
    info = Info("noise", "Noise", "binary", ("no", "yes"), 1, "CC0-1.0", True, "", "made in the test")
    images = rng.integers(0, 256, (40, 28, 28), dtype=np.uint8)
    return Split(images, np.arange(40).reshape(-1, 1) % 2, info, "train", 28)
