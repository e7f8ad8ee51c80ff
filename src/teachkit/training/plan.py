"""What a run is asked to do, checked before anything starts: length, batches, optimiser, schedule."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler, OneCycleLR

from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.training.losses import Loss
from teachkit.training.naming import Settings, describe
from teachkit.training.seeds import epoch_order

OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("cosine", "onecycle")
Augment = Callable[..., Tensor | tuple[Tensor, Tensor]]
Schedule = str | Callable[[float], float] | None


@dataclass(frozen=True)
class Plan:
    """What is asked of a run over `rows` training rows, in the words of `fit`.

    Attributes:
        rows: number of training rows.
        epochs: passes over the rows; or
        steps: optimiser steps, where the last pass may stop half-way. Exactly one of the two.
        batch_size: rows in a batch, over all processes together.
        world: number of processes that share each batch.
    """

    rows: int
    epochs: int | None
    steps: int | None
    optimizer: str | Callable[..., Optimizer]
    lr: float
    batch_size: int
    seed: int
    loss: Loss | None = None
    augment: Augment | None = None
    schedule: Schedule = None
    world: int = 1

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise SettingsError(
                f"epochs is {self.epochs} and steps is {self.steps}.", "Give exactly one of the two."
            )
        for name in ("batch_size", "epochs", "steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{name} is {value}.", "Give at least 1.", name=name, value=value)
        if self.seed < 0:
            raise SettingsError(f"seed is {self.seed}.", "Give 0 or a larger whole number.", seed=self.seed)
        if self.world > 1 and min(self.rows, self.batch_size) < self.world:
            raise SettingsError(
                f"{self.world} processes cannot share {min(self.rows, self.batch_size)} rows.",
                "Use a larger batch_size or fewer processes.",
            )

    def settings(self) -> Settings:
        """All that decides the result, except data, model and how many processes share the work."""
        left_out = ("rows", "world")
        return {
            item.name: describe(getattr(self, item.name))
            for item in fields(self)
            if item.name not in left_out
        }

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass."""
        return len(self._cuts()) + 1

    @property
    def total_steps(self) -> int:
        """Optimiser steps in the whole run."""
        return self.steps or (self.epochs or 0) * self.steps_per_epoch

    @property
    def passes(self) -> int:
        """Passes over the rows; the last one may be partial when `steps` is given."""
        return -(-self.total_steps // self.steps_per_epoch)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The row numbers of each batch of a pass, in an order that only `seed` and `epoch` decide.

        A last batch too small for every process to hold two rows joins the one before it: BatchNorm cannot
        learn from a single row, and no row is dropped.
        """
        cut = np.split(epoch_order(self.seed, epoch, self.rows), self._cuts())
        return cut[: self.total_steps - epoch * self.steps_per_epoch]

    def _cuts(self) -> list[int]:
        cuts = list(range(self.batch_size, self.rows, self.batch_size))
        last = self.rows - cuts[-1] if cuts else self.rows
        return cuts[:-1] if last < min(2 * self.world, self.batch_size) else cuts


def make_optimizer(
    name: str | Callable[..., Optimizer], parameters: Iterable[Parameter], lr: float
) -> Optimizer:
    """AdamW (weight decay 0.01), Adam, SGD with momentum 0.9, or what a callable returns.

    Raises:
        UnknownNameError: for another name.
        SettingsError: when the learning rate is not positive, or nothing can be trained.
    """
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    if not lr > 0:
        raise SettingsError(f"lr is {lr}.", "Give a positive learning rate, such as 1e-3.", lr=lr)
    if not trainable:
        raise SettingsError(
            "The model has no parameter that may change.", "Leave requires_grad on for at least the head."
        )
    if callable(name):
        return name(trainable, lr=lr)
    # One fused kernel for all tensors: a tenth of a ResNet-18 step on a CPU. Other devices may lack it.
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in trainable)
    if name == "adamw":
        return torch.optim.AdamW(trainable, lr=lr, fused=fused)
    if name == "adam":
        return torch.optim.Adam(trainable, lr=lr, fused=fused)
    if name == "sgd":
        return torch.optim.SGD(trainable, lr=lr, momentum=0.9, fused=fused)
    raise UnknownNameError(f"No optimizer '{name}'.", nearest(name, OPTIMIZERS, "optimizers"), name=name)


def make_schedule(name: Schedule, optimizer: Optimizer, steps: int) -> LRScheduler | None:
    """The learning rate over `steps`: constant, "cosine" to zero, "onecycle", or a function of progress.

    A function gets the share of steps done, from 0 to below 1, and returns a factor for the learning rate.

    Raises:
        UnknownNameError: for another name.
    """
    if name is None:
        return None
    if callable(name):
        factor = name
        return LambdaLR(optimizer, lambda step: factor(step / steps))
    if name == "cosine":
        return CosineAnnealingLR(optimizer, T_max=steps)
    if name == "onecycle":
        return OneCycleLR(
            optimizer, max_lr=[group["lr"] for group in optimizer.param_groups], total_steps=steps
        )
    raise UnknownNameError(f"No schedule '{name}'.", nearest(name, SCHEDULES, "schedules"), name=name)
