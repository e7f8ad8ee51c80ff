"""Networks that answer with a number in its own unit, such as an area in pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn, tensor

from teachkit.data.splits import Split
from teachkit.errors import FormatError


@dataclass(frozen=True)
class Regressor:
    """A recipe whose network starts near the training labels and answers in their unit.

    A fresh network answers with numbers around 0 ± 1, and an optimiser moves weights by small steps. Labels
    around 400 ± 370 would be out of reach for thousands of steps. So the network's outputs are stretched by
    the standard deviation of the training labels and moved to their mean. Labels, losses and errors all stay
    in the label's own unit, and any loss can be used.

    Attributes:
        recipe: called without arguments, returns the network; one output per label.
        centre: mean of each label in the training split.
        scale: standard deviation of each label in the training split.
    """

    recipe: Callable[[], nn.Module]
    centre: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def of(cls, recipe: Callable[[], nn.Module], train: Split) -> "Regressor":
        """Centre and scale from the training labels, and from nothing else.

        Raises:
            FormatError: for a split of another task, or labels that are all the same.
        """
        if train.info.task != "regression":
            raise FormatError(
                f"{train.title} is a {train.info.task} set.", "Pass the training split of a regression set."
            )
        labels = np.asarray(train.labels, dtype=np.float64)
        centre, scale = labels.mean(axis=0), labels.std(axis=0)
        if not np.all(scale > 0):
            raise FormatError(
                f"The labels of {train.title} are all {labels.flat[0]:g}: there is nothing to learn.",
                "Check how the labels were read.",
            )
        return cls(recipe, tuple(centre.tolist()), tuple(scale.tolist()))

    def __call__(self) -> "Rescaled":
        return Rescaled(self.recipe(), self.centre, self.scale)

    @property
    def title(self) -> str:
        """That of the recipe, for figure titles."""
        return str(getattr(self.recipe, "title", ""))


class Rescaled(nn.Module):
    """A network and, behind it, ``outputs * scale + centre``; nothing is learned there."""

    def __init__(self, network: nn.Module, centre: tuple[float, ...], scale: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.unit = ToUnit(centre, scale)

    def forward(self, x: Tensor) -> Tensor:
        """Numbers [B, L] in the unit of the labels."""
        return self.unit(self.network(x))

    def frozen_body(self) -> nn.Module | None:
        """The part of the network that never changes; None when all of it learns."""
        inner: Any = getattr(self.network, "frozen_body", None)
        return inner() if inner else None

    @property
    def head(self) -> nn.Module:
        """What follows the frozen body."""
        return nn.Sequential(self.network.get_submodule("head"), self.unit)


class ToUnit(nn.Module):
    """``x * scale + centre``, label by label."""

    centre: Tensor
    scale: Tensor

    def __init__(self, centre: tuple[float, ...], scale: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("centre", tensor(centre))
        self.register_buffer("scale", tensor(scale))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.centre
