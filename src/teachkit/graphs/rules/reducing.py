"""Means, sums and maxima along axes, and products with fixed or learned matrices."""

import math
import operator
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from teachkit.errors import UnsupportedLayerError
from teachkit.graphs.building import Builder, EdgeList, Neurons, Weights
from teachkit.graphs.record import MAX, SUM
from teachkit.graphs.rules.linear import linear
from teachkit.graphs.rules.registry import rule

Axes = int | Sequence[int] | None


@rule(torch.mean, "mean")
def mean(build: Builder, input: Neurons, dim: Axes = None, keepdim: bool = False) -> Neurons:
    """The mean along axes, such as the mean over all nodes of a graph that a readout takes."""
    axes = _axes(input, dim)
    return _reduce(build, input, axes, keepdim, 1 / math.prod(input.shape[axis] for axis in axes), SUM)


@rule(torch.sum, "sum")
def total(build: Builder, input: Neurons, dim: Axes = None, keepdim: bool = False) -> Neurons:
    return _reduce(build, input, _axes(input, dim), keepdim, 1.0, SUM)


@rule(torch.amax, "amax")
def largest(build: Builder, input: Neurons, dim: Axes = None, keepdim: bool = False) -> Neurons:
    return _reduce(build, input, _axes(input, dim), keepdim, 1.0, MAX)


def _axes(x: Neurons, dim: Axes) -> list[int]:
    count = x.ids.dim()
    given = list(range(count)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    axes = sorted(axis % count for axis in given)
    if 0 in axes:
        raise UnsupportedLayerError(
            "it mixes the images of a batch.", "Give dim= without axis 0, for instance dim=(2, 3)."
        )
    return axes


def _reduce(
    build: Builder, x: Neurons, axes: list[int], keepdim: bool, gain: float, aggregate: int
) -> Neurons:
    kept = [axis for axis in range(1, x.ids.dim()) if axis not in axes]
    source = x.ids[0].permute(*(axis - 1 for axis in kept + axes))
    source = source.flatten(len(kept)) if kept else source.reshape(-1)  # [*kept, together]
    together = source.shape[-1]
    shape = (
        [1 if axis in axes else size for axis, size in enumerate(x.shape)]
        if keepdim
        else [x.shape[axis] for axis in [0, *kept]]
    )

    def write() -> EdgeList:
        dst = torch.arange(source.numel() // together).repeat_interleave(together)
        return EdgeList(source.flatten(), dst, None, torch.full((source.numel(),), gain))

    return build.layer(tuple(shape[1:]), source.numel(), write, x.ids, aggregate=aggregate)


@rule(operator.matmul, torch.matmul, torch.mm, torch.bmm, "matmul", "mm", "bmm", "__matmul__")
def product(build: Builder, input: Any, other: Any) -> Neurons:
    """x @ W with a learned or fixed matrix, or A @ x with a fixed one, such as an adjacency matrix."""
    if isinstance(input, Neurons) and isinstance(other, Weights) and other.ids.dim() == 2:
        return linear(build, input, Weights(other.ids.T))
    if isinstance(input, Neurons) and isinstance(other, Tensor) and other.dim() == 2:
        flipped = Neurons(input.ids.transpose(-1, -2))
        return Neurons(_fixed_product(build, other.T, flipped).ids.transpose(-1, -2))
    if isinstance(other, Neurons) and isinstance(input, Tensor) and input.dim() == 2:
        return _fixed_product(build, input, other)
    raise UnsupportedLayerError(
        "a product of two activations, or of matrices that this rule does not know.",
        "Known are x @ W with a matrix W, and A @ x with a fixed matrix A. Attention has no model-graph: "
        "its edge strengths depend on the image.",
    )


def _fixed_product(build: Builder, matrix: Tensor, x: Neurons) -> Neurons:
    """matrix [rows, n] @ x [1, ..., n, columns]; entries that are 0 give no edge."""
    matrix = matrix.detach().cpu()
    if x.ids.dim() < 3:
        raise UnsupportedLayerError(
            "a matrix times a vector mixes the images of a batch.", "Write x @ matrix.T instead."
        )
    source = x.ids[0].flatten(0, -3) if x.ids.dim() > 3 else x.ids  # [stack, n, columns]
    stack, _, columns = source.shape
    rows = len(matrix)
    row, place = matrix.nonzero(as_tuple=True)
    return build.layer(
        (*x.shape[1:-2], rows, columns),
        stack * len(row) * columns,
        partial(_write_product, source, row, place, matrix[row, place], rows),
        x.ids,
        channel_last=True,
    )


def _write_product(source: Tensor, row: Tensor, place: Tensor, gain: Tensor, rows: int) -> EdgeList:
    stack, _, columns = source.shape
    src = source[:, place]  # [stack, entries, columns]
    block = torch.arange(stack)[:, None, None] * rows + row[:, None]
    dst = block * columns + torch.arange(columns)
    return EdgeList(src.flatten(), dst.flatten(), None, gain[None, :, None].expand_as(src).flatten())
