"""The published torch regression as its notebook ran it, and with its faults taken out one by one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import ShuffleSplit
from torch import Tensor, nn

SPLITS = 100


@dataclass(frozen=True)
class Recipe:
    """One network of one layer, squared error, plain gradient descent with all rows in each step.

    Attributes:
        steps: gradient steps on each split.
        lr: learning rate.
        carried: the network is made once, so its weights go on from split to split.
    """

    steps: int = 100
    lr: float = 1e-4
    carried: bool = False

    def run(self, x: NDArray[np.float64], y: NDArray[np.float64], seed: int) -> dict[str, Any]:
        """Errors over 100 random splits, two thirds of the rows for training.

        Returns:
            ``test``: mean absolute error on the test rows of each split, in the unit of y.
            ``kept``: the list that the published code plots: mean absolute errors of the *last* split only,
            one for each training step on the *training* rows and one on the test rows, in units of the range
            of y. ``range``: that range, so that ``kept * range`` is in the unit of y.
        """
        torch.manual_seed(seed)
        test: list[float] = []
        kept: list[float] = []
        width = 0.0
        network = nn.Linear(x.shape[1], 1)
        for train, held_out in ShuffleSplit(SPLITS, test_size=1 / 3, random_state=seed).split(x):
            if not self.carried:
                network = nn.Linear(x.shape[1], 1)
            inputs = _scaled(x, train)
            low, width = float(y[train].min()), float(np.ptp(y[train]))
            target = torch.tensor((y - low) / width, dtype=torch.float32)[:, None]
            kept = self._fit(network, inputs[train], target[train])
            with torch.no_grad():
                error = float((network(inputs[held_out]) - target[held_out]).abs().mean())
            kept.append(error)
            test.append(error * width)
        return {"test": test, "kept": kept, "range": width}

    def _fit(self, network: nn.Module, inputs: Tensor, target: Tensor) -> list[float]:
        """The training error before each step."""
        optimizer = torch.optim.SGD(network.parameters(), lr=self.lr)
        errors = []
        for _ in range(self.steps):
            optimizer.zero_grad()
            gaps = network(inputs) - target
            loss = (gaps**2).mean()
            loss.backward()
            optimizer.step()
            errors.append(float(gaps.detach().abs().mean()))
        return errors


# Published: one network for all splits, 100 steps at a rate that hardly moves it.
RECIPES = {
    "carried": Recipe(carried=True),
    "fresh": Recipe(),
    "trained": Recipe(steps=2000, lr=0.1),
}


def _scaled(x: NDArray[np.float64], train: NDArray[np.int64]) -> Tensor:
    """Columns brought to 0..1 by the range of the training rows."""
    low, high = x[train].min(axis=0), x[train].max(axis=0)
    return torch.tensor((x - low) / (high - low), dtype=torch.float32)
