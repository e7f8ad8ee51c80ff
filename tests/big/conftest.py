"""A suite of three small sets that covers the kinds of tasks, and predictions for it that are in order."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from teachkit.big import Member, Suite

# Written by hand, so that a test can say what stands in which line. Line 1 is the header.
IN_ORDER = """\
dataset,id,p0,p1,p2,p3
breast,0,0.25,0.75,,
breast,1,0.5,0.5,,
breast,2,1,0,,
breast,3,0.125,0.875,,
grades,0,0.2,0.3,0.5,
grades,1,0.6,0.3,0.1,
grades,2,1e-3,0.199,0.8,
grades,3,.25,.25,.5,
finds,0,0.9,0.8,0.7,0.6
finds,1,0,0,0,0
finds,2,1,1,1,1
"""
LABELS = {
    "breast": np.array([[1], [0], [0], [1]]),
    "grades": np.array([2, 0, 1, 2]),
    "finds": np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 1, 1]]),
}


@pytest.fixture(scope="session")
def suite() -> Suite:
    return Suite(
        "toy",
        "1",
        (
            Member("breast", "Breast", "binary", ("malignant", "benign"), 4),
            Member("grades", "Grades", "ordinal", ("0", "1", "2"), 4),
            Member("finds", "Finds", "multi-label", ("a", "b", "c", "d"), 3),
        ),
    )


@pytest.fixture(scope="session")
def in_order() -> str:
    return IN_ORDER


@pytest.fixture
def labels() -> dict[str, np.ndarray]:
    return {name: array.copy() for name, array in LABELS.items()}


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[..., Path]:
    """`file_of(content, name="predictions.csv")` writes a file and gives its path."""

    def write(content: str | bytes, name: str = "predictions.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def made(suite: Suite, seed: int = 0) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Labels and probabilities (float64) of all sets of `suite`, better than chance."""
    rng = np.random.default_rng(seed)
    truth, found = {}, {}
    for member in suite:
        shape = (member.rows, len(member.classes))
        if member.single_label:
            truth[member.name] = rng.integers(shape[1], size=member.rows)
            logits = rng.normal(size=shape)
            logits[np.arange(member.rows), truth[member.name]] += 1
            powers = np.exp(logits)
            found[member.name] = powers / powers.sum(axis=1, keepdims=True)
        else:
            truth[member.name] = (rng.random(shape) < 0.3).astype(np.int64)
            found[member.name] = 1 / (1 + np.exp(-rng.normal(size=shape) - truth[member.name]))
    return truth, found


@pytest.fixture(scope="session")
def make() -> Callable[..., tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    return made
