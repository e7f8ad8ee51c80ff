"""The activations a neuron may have; a node stores the number of its activation in `ACTIVATIONS`."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "relu6": F.relu6,
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid,
    "hardtanh": F.hardtanh,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "logsigmoid": F.logsigmoid,
    "abs": torch.abs,
    "square": torch.square,
}
ACTIVATIONS = tuple(FUNCTIONS)  # the order is part of the file format: append, never reorder


def activate(state: Tensor, kinds: Tensor) -> Tensor:
    """Each row of `state` [node, batch] through the activation that `kinds` [node] names for it."""
    present = kinds.unique().tolist()
    if len(present) == 1:
        return FUNCTIONS[ACTIVATIONS[present[0]]](state)
    result = state.clone()
    for kind in present:
        if kind:
            rows = (kinds == kind).nonzero()[:, 0]
            result[rows] = FUNCTIONS[ACTIVATIONS[kind]](state[rows])
    return result
