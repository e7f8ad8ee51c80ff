"""Which rule belongs to which layer, function or method."""

from collections.abc import Callable
from typing import Any

from torch import nn

Rule = Callable[..., Any]
Key = type[nn.Module] | Callable[..., Any] | str

MODULES: dict[type[nn.Module], Rule] = {}
OPERATIONS: dict[Callable[..., Any] | str, Rule] = {}  # functions, and methods of tensors by name
REASONS: dict[Any, tuple[str, str]] = {}  # why there is no rule, and what to do
MOVES: set[Any] = set()  # operations that only move numbers about
TAKES_ZEROS: set[Rule] = set()


def rule(*keys: Key, zeros: bool = False) -> Callable[[Rule], Rule]:
    """Register a rule for layer classes, functions, or names of tensor methods.

    A rule for a layer is called as ``rule(build, module, *inputs)``, one for an operation as
    ``rule(build, *arguments)``. Activations are `Neurons`, parameters are `Weights`. It returns `Neurons`.

    Args:
        keys: what the rule is for; a later registration replaces an earlier one.
        zeros: the rule understands zeros that no neuron holds; otherwise they become a node of value 0 first.
    """

    def register(function: Rule) -> Rule:
        for key in keys:
            if isinstance(key, type) and issubclass(key, nn.Module):
                MODULES[key] = function
            else:
                OPERATIONS[key] = function
        if zeros:
            TAKES_ZEROS.add(function)
        return function

    return register


def refuse(*keys: Key, why: str, instead: str) -> None:
    """Say why there can be no rule, and what to do."""
    for key in keys:
        REASONS[key] = (why, instead)
