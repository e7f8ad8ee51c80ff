"""Two small torch networks that scikit-learn can handle like any of its own models, through skorch."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from skorch import NeuralNetRegressor
from skorch.callbacks import LRScheduler
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR


class Line(nn.Module):
    """One weight per column and a bias: what linear regression is, written as a network."""

    def __init__(self, columns: int = 30) -> None:
        super().__init__()
        self.out = nn.Linear(columns, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Predictions ``[B, 1]`` of rows ``[B, columns]``."""
        return self.out(x)


class Perceptron(nn.Module):
    """One hidden layer between the columns and the prediction (a multilayer perceptron, MLP)."""

    def __init__(self, columns: int = 30, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(columns, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Predictions ``[B, 1]`` of rows ``[B, columns]``."""
        return self.layers(x)


class TableNet(NeuralNetRegressor):
    """A skorch regressor that reads any numeric table, counts its columns, and repeats itself exactly.

    scikit-learn hands over tables of float64 and a flat target; torch wants float32 and a column. Weights and
    order of rows follow `seed` alone, whatever random numbers were drawn before; every call of `fit` starts
    from fresh weights.

    Args:
        module: class of the network; called with ``columns=`` the number of columns of X.
        seed: of the first weights and of the order of rows.
        **settings: as for ``skorch.NeuralNetRegressor``.
    """

    def __init__(self, module: type[nn.Module], *, seed: int = 0, **settings: Any) -> None:
        self.seed = seed
        super().__init__(module, **settings)

    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        rows, target = as_floats(X), as_floats(y).reshape(-1, 1)
        self.set_params(module__columns=rows.shape[1])
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(self.seed)
            return super().fit(rows, target, **fit_params)

    def predict(self, X: ArrayLike) -> NDArray[np.float32]:
        """One number per row ``[N]``."""
        return super().predict(as_floats(X)).reshape(-1)


class RowBatches:
    """What skorch asks for batches: rows of arrays in memory, gathered in one step each.

    torch's own loader fetches row by row, which takes longer than the training of a network this small.
    """

    def __init__(self, dataset: Any, batch_size: int, shuffle: bool = False) -> None:
        self.inputs = torch.from_numpy(dataset.X)
        self.targets = torch.zeros(len(self.inputs)) if dataset.y is None else torch.from_numpy(dataset.y)
        self.batch_size = len(self.inputs) if batch_size == -1 else batch_size
        self.shuffle = shuffle

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        count = len(self.inputs)
        if self.batch_size >= count and not self.shuffle:
            yield self.inputs, self.targets
            return
        order = torch.randperm(count) if self.shuffle else torch.arange(count)
        for rows in order.split(self.batch_size):
            yield self.inputs[rows], self.targets[rows]


def table_net(module: type[nn.Module], *, seed: int, epochs: int, lr: float) -> TableNet:
    """A network for standardised tables: all rows in each step, Adam, its rate falling along a cosine."""
    return TableNet(
        module,
        seed=seed,
        max_epochs=epochs,
        lr=lr,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        batch_size=-1,
        iterator_train=RowBatches,
        iterator_valid=RowBatches,
        train_split=None,
        verbose=0,
        callbacks=[("falling_rate", LRScheduler(CosineAnnealingLR, T_max=epochs))],
        # What skorch notes after each pass costs as much time as the pass itself.
        callbacks__print_log=None,
        callbacks__epoch_timer=None,
        callbacks__train_loss=None,
        callbacks__valid_loss=None,
    )


def as_floats(values: ArrayLike) -> NDArray[np.float32]:
    """A table or a column as one block of float32."""
    return np.ascontiguousarray(values, dtype=np.float32)
