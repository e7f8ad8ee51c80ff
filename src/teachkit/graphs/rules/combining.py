"""Element by element: each new neuron adds a few terms: an earlier neuron or 1, times weight and gain."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from teachkit.graphs.building import Builder, EdgeList, Neurons


class Term(NamedTuple):
    """What one neuron adds; all parts are broadcast to the shape of the layer."""

    source: Tensor | None  # node ids; None: the constant node, whose value is 1
    weight: Tensor | None = None  # ids of values; None: fixed
    gain: Tensor | float = 1.0


def combine(
    build: Builder, terms: list[Term], *, bias: Tensor | None = None, activation: int = 0, like: Tensor
) -> Neurons:
    """A layer [1, ...] in which every neuron adds `terms`, all broadcast, with the shape of `like`."""
    terms = [term._replace(source=_constant(build)) if term.source is None else term for term in terms]
    parts = [part for term in terms for part in term if isinstance(part, Tensor)]
    shape = torch.broadcast_shapes(like.shape, *(part.shape for part in parts))
    sources = [term.source.expand(shape) for term in terms if term.source is not None]
    return build.layer(
        tuple(shape[1:]),
        len(terms) * shape.numel(),
        partial(_write, terms, shape),
        torch.stack(sources, dim=-1)[0] if len(sources) > 1 else sources[0],
        bias=None if bias is None else bias.expand(shape).flatten(),
        activation=activation,
    )


def _constant(build: Builder) -> Tensor:
    return torch.tensor([build.constant()])


def _write(terms: list[Term], shape: torch.Size) -> EdgeList:
    def stacked(parts: list[Tensor]) -> Tensor:
        return torch.stack([part.expand(shape).flatten() for part in parts], dim=1).flatten()

    fixed = torch.tensor(-1)
    return EdgeList(
        stacked([term.source for term in terms if term.source is not None]),
        torch.arange(shape.numel()).repeat_interleave(len(terms)),
        stacked([fixed if term.weight is None else term.weight for term in terms]),
        stacked([torch.as_tensor(term.gain, dtype=torch.float32) for term in terms]),
    )
