"""Sums, differences and multiples of activations: fixed edges, or edges with a learned factor."""

import operator
from typing import Any

import torch
from torch import Tensor

from teachkit.errors import UnsupportedLayerError
from teachkit.graphs.building import Builder, Ids, Neurons, Weights
from teachkit.graphs.rules.activating import activate
from teachkit.graphs.rules.combining import Term, combine
from teachkit.graphs.rules.registry import rule

Operand = Ids | Tensor | float


@rule(operator.add, operator.iadd, torch.add, "add", "add_")
def add(build: Builder, input: Operand, other: Operand, *, alpha: float = 1) -> Neurons:
    """input + alpha * other; a residual connection adds two activations."""
    return _sum(build, (input, 1.0), (other, float(alpha)))


@rule(operator.sub, operator.isub, torch.sub, "sub", "sub_")
def subtract(build: Builder, input: Operand, other: Operand, *, alpha: float = 1) -> Neurons:
    return _sum(build, (input, 1.0), (other, -float(alpha)))


@rule(operator.neg, torch.neg, "neg")
def negate(build: Builder, input: Neurons) -> Neurons:
    return _sum(build, (input, -1.0))


@rule(operator.mul, operator.imul, torch.mul, "mul", "mul_")
def multiply(build: Builder, input: Operand, other: Operand) -> Neurons:
    """An activation times a fixed or learned number; times itself it is an activation function."""
    if isinstance(input, Neurons) and isinstance(other, Neurons):
        if input.ids.equal(other.ids):
            return activate(build, input, "square")
        raise UnsupportedLayerError(
            "two activations are multiplied, so the strength of an edge would depend on the image.",
            "Leave out the gate or attention, or replace it by a sum or a concatenation.",
        )
    x, factor = (input, other) if isinstance(input, Neurons) else (other, input)
    if not isinstance(x, Neurons):
        raise _learned_only()
    if isinstance(factor, Weights):
        return combine(build, [Term(x.ids, factor.ids)], like=x.ids)
    return combine(build, [Term(x.ids, None, _fixed(factor))], like=x.ids)


@rule(operator.truediv, operator.itruediv, torch.div, "div", "div_")
def divide(build: Builder, input: Operand, other: Operand) -> Neurons:
    if isinstance(other, Ids) or not isinstance(input, Neurons):
        raise UnsupportedLayerError(
            "something is divided by an activation or by a learned number.",
            "Multiply by a learned number instead, or divide by a fixed one.",
        )
    return combine(build, [Term(input.ids, None, 1.0 / _fixed(other))], like=input.ids)


@rule(operator.pow, torch.pow, "pow")
def power(build: Builder, input: Neurons, exponent: float) -> Neurons:
    if exponent != 2:
        raise UnsupportedLayerError(f"an activation to the power of {exponent}.", "Only the square is known.")
    return activate(build, input, "square")


def _sum(build: Builder, *parts: tuple[Operand, float]) -> Neurons:
    activations = [part for part, _ in parts if isinstance(part, Neurons)]
    if not activations:
        raise _learned_only()
    terms = [_term(part, gain) for part, gain in parts]
    like = activations[0].ids
    shape = torch.broadcast_shapes(like.shape, *(p.shape for p, _ in parts if isinstance(p, Ids | Tensor)))
    if shape[0] != 1:
        raise UnsupportedLayerError(
            f"a sum has the shape {tuple(shape)}, with other numbers for each image of a batch.",
            "Give the added tensor a first axis of length 1, or none.",
        )
    return combine(build, terms, like=like)


def _term(part: Operand, gain: float) -> Term:
    if isinstance(part, Neurons):
        return Term(part.ids, None, gain)
    if isinstance(part, Weights):
        return Term(None, part.ids, gain)
    return Term(None, None, _fixed(part) * gain)


def _fixed(value: Any) -> Tensor:
    return torch.as_tensor(value).detach().cpu().double()


def _learned_only() -> UnsupportedLayerError:
    return UnsupportedLayerError(
        "a calculation on weights alone, before they meet an activation.",
        "Keep such numbers as one parameter that already is the result.",
    )
