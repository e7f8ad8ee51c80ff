"""Activations: a property of the neuron, or of a copy where its value is also used before the activation."""

import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.errors import UnsupportedLayerError
from teachkit.graphs.activations import ACTIVATIONS
from teachkit.graphs.building import Builder, Neurons, Weights
from teachkit.graphs.rules.combining import Term, combine
from teachkit.graphs.rules.registry import rule

PLAIN: dict[str, tuple[Any, ...]] = {  # classes, functions and methods of activations without settings
    "relu": (nn.ReLU, F.relu, torch.relu, torch.relu_, F.relu_, "relu", "relu_"),
    "relu6": (nn.ReLU6, F.relu6),
    "selu": (nn.SELU, F.selu, torch.selu),
    "silu": (nn.SiLU, F.silu),
    "mish": (nn.Mish, F.mish),
    "hardswish": (nn.Hardswish, F.hardswish),
    "hardsigmoid": (nn.Hardsigmoid, F.hardsigmoid),
    "sigmoid": (nn.Sigmoid, torch.sigmoid, F.sigmoid, "sigmoid", "sigmoid_"),
    "tanh": (nn.Tanh, torch.tanh, F.tanh, "tanh", "tanh_"),
    "softsign": (nn.Softsign, F.softsign),
    "logsigmoid": (nn.LogSigmoid, F.logsigmoid),
    "abs": (torch.abs, operator.abs, "abs"),
    "square": (torch.square, "square"),
}
TUNED: dict[
    str, tuple[dict[str, Any], tuple[Any, ...]]
] = {  # the settings that the node's activation stands for
    "elu": ({"alpha": 1.0}, (nn.ELU, F.elu)),
    "celu": ({"alpha": 1.0}, (nn.CELU, F.celu)),
    "hardtanh": ({"min_val": -1.0, "max_val": 1.0}, (nn.Hardtanh, F.hardtanh)),
    "softplus": ({"beta": 1.0, "threshold": 20.0}, (nn.Softplus, F.softplus)),
}


def activate(build: Builder, x: Neurons, name: str) -> Neurons:
    """`x` after an activation: the same neurons if nobody reads them before it, else copies."""
    number = ACTIVATIONS.index(name)
    owners = build.owners(x.ids)
    if build.private and all(owner.level > 0 and owner.activation == 0 for owner in owners):
        for owner in owners:
            owner.activation = number
        return x
    return combine(build, [Term(x.ids)], activation=number, like=x.ids)


def _plain(name: str, keys: tuple[Any, ...]) -> None:
    classes = [key for key in keys if isinstance(key, type)]

    @rule(*classes)
    def _module(build: Builder, module: nn.Module, x: Neurons) -> Neurons:
        return activate(build, x, name)

    @rule(*(key for key in keys if key not in classes))
    def _function(build: Builder, input: Neurons, inplace: bool = False) -> Neurons:
        return activate(build, input, name)


def _tuned(name: str, usual: dict[str, Any], keys: tuple[Any, ...]) -> None:
    @rule(*(key for key in keys if isinstance(key, type)))
    def _module(build: Builder, module: nn.Module, x: Neurons) -> Neurons:
        return chosen(build, x, *(getattr(module, setting) for setting in usual))

    @rule(*(key for key in keys if not isinstance(key, type)))
    def chosen(build: Builder, input: Neurons, *given: Any, inplace: bool = False, **named: Any) -> Neurons:
        settings = usual | dict(zip(usual, given, strict=False)) | named
        if settings != usual:
            raise UnsupportedLayerError(
                f"{name} with {settings}: a node can only have {name} with {usual}.",
                "Use these settings, or another activation.",
            )
        return activate(build, input, name)


for _name, _keys in PLAIN.items():
    _plain(_name, _keys)
for _name, (_usual, _keys) in TUNED.items():
    _tuned(_name, _usual, _keys)


@rule(nn.GELU)
def _gelu_module(build: Builder, module: nn.GELU, x: Neurons) -> Neurons:
    return gelu(build, x, module.approximate)


@rule(F.gelu)
def gelu(build: Builder, input: Neurons, approximate: str = "none") -> Neurons:
    return activate(build, input, "gelu_tanh" if approximate == "tanh" else "gelu")


@rule(nn.LeakyReLU)
def _leaky_module(build: Builder, module: nn.LeakyReLU, x: Neurons) -> Neurons:
    return leaky_relu(build, x, module.negative_slope)


@rule(F.leaky_relu)
def leaky_relu(
    build: Builder, input: Neurons, negative_slope: float = 0.01, inplace: bool = False
) -> Neurons:
    if negative_slope == 0.01:
        return activate(build, input, "leaky_relu")
    return _two_sided(build, input, None, negative_slope)


@rule(nn.PReLU)
def _prelu_module(build: Builder, module: nn.PReLU, x: Neurons) -> Neurons:
    return prelu(build, x, build.weights(module.weight))


@rule(F.prelu, torch.prelu)
def prelu(build: Builder, input: Neurons, weight: Weights) -> Neurons:
    slope = weight.ids if weight.ids.numel() == 1 else weight.ids.view(-1, *[1] * (input.ids.dim() - 2))
    return _two_sided(build, input, slope, 1.0)


def _two_sided(build: Builder, x: Neurons, slope: Tensor | None, gain: float) -> Neurons:
    """relu(x) - slope * gain * relu(-x): a neuron for each side, and one that adds them."""
    relu = ACTIVATIONS.index("relu")
    positive = combine(build, [Term(x.ids)], activation=relu, like=x.ids)
    negative = combine(build, [Term(x.ids, gain=-1.0)], activation=relu, like=x.ids)
    return combine(build, [Term(positive.ids), Term(negative.ids, slope, -gain)], like=x.ids)
