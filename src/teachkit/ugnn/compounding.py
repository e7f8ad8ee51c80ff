"""The rule of the public code: after each step of the optimiser, the changed numbers replace the old ones."""

from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

if TYPE_CHECKING:
    from teachkit.ugnn.model import UGNN

_followed: "WeakSet[UGNN]" = WeakSet()


def follow(model: "UGNN") -> None:
    """From now on, call `model.compound()` after every step of any optimiser that trains it."""
    _followed.add(model)
    _listen()


@cache
def _listen() -> None:
    """Hear of every step of every optimiser, once for the whole program."""
    register_optimizer_step_post_hook(_after_step)


def _after_step(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    trained = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    for model in list(_followed):
        if id(model.theta) in trained:
            model.compound()
