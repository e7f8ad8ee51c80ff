"""How alike two entries are: a few numbers an entry tell how far its answers lie from those of another.

The numbers of a set are random projections of its answers (Johnson and Lindenstrauss, 1984), so the mean
square of their differences estimates that of the answers, and no entry has to be read again.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Sketch = Mapping[str, Sequence[float]]
NUMBERS = 32
LOWEST = 0.01  # noise in very small probabilities is no difference
# Measured: a copy with three decimals lies at 0.002, one with noise of 0.001 at 0.01; two trainings of the
# same small network on scikit-learn's digits, an easy set, at 0.06, and on harder sets at 0.2 and more.
NEAR = 0.03


def sketch(name: str, table: NDArray) -> list[float]:
    """`NUMBERS` numbers for the answers to one set; the same set is always projected alike.

    Args:
        name: of the set.
        table: probabilities [rows, classes].
    """
    stated = standardised(table).reshape(-1)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    signs = (rng.integers(0, 2, stated.size, dtype=np.int8) * 2.0 - 1.0 for _ in range(NUMBERS))
    return [round(float(one @ stated) / math.sqrt(stated.size), 5) for one in signs]


def standardised(table: NDArray) -> NDArray[np.float64]:
    """Log odds, centred class by class, mean square 1; zeros for a model that says one thing only."""
    bounded = np.clip(np.asarray(table, dtype=np.float64), LOWEST, 1 - LOWEST)
    odds = np.log(bounded) - np.log1p(-bounded)
    centred: NDArray[np.float64] = odds - odds.mean(axis=0)
    size = math.sqrt(float((centred**2).mean()))
    return centred / size if size > 1e-6 else np.zeros_like(centred)


def distance(first: Sketch, second: Sketch) -> float:
    """Root of the mean square difference over the sets of both, each counting the same; nan without any."""
    both = [name for name in first if name in second]
    if not both:
        return math.nan
    gaps = np.array([first[name] for name in both]) - np.array([second[name] for name in both])
    return math.sqrt(float((gaps**2).mean()))
