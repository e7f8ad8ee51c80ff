"""A linear layer of which each node needs only some rows: those of its channels.

Cutting the layer before the product gives the same numbers as cutting the result, for a part of the work.
The gradients of all cuts are added up in one place; with autograd each would fill a whole layer with zeros.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Cut:
    """Nodes that need the same channels.

    Attributes:
        source: which of the inputs the nodes belong to.
        rows: their places in it, int64 [n].
        channels_out, channels_in: how many channels they need.
        scale: what their numbers are multiplied by, float32 [n, 1, 1, 1].
    """

    source: int
    rows: Tensor
    channels_out: int
    channels_in: int
    scale: Tensor


def cut_products(weight: Tensor, bias: Tensor, inputs: Sequence[Tensor], cuts: Sequence[Cut]) -> list[Tensor]:
    """``scale * (weight @ x + bias)`` for the channels of each cut.

    Args:
        weight, bias: [C_out, C_in, hidden] and [C_out, C_in].
        inputs: hidden states [nodes, places, hidden], one tensor for each size of kernel.

    Returns:
        [n, places, channels_out, channels_in] for each cut.
    """
    if not cuts:
        return []
    return list(_CutProducts.apply(tuple(cuts), weight, bias, *inputs))


class _CutProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, cuts: tuple[Cut, ...], weight: Tensor, bias: Tensor, *inputs: Tensor) -> Any:
        ctx.cuts = cuts
        ctx.save_for_backward(weight, bias, *inputs)
        found = []
        for cut in cuts:
            x = inputs[cut.source][cut.rows]
            own = weight[: cut.channels_out, : cut.channels_in].flatten(0, 1)
            shift = bias[: cut.channels_out, : cut.channels_in].flatten()
            result = torch.addmm(shift, x.flatten(0, 1), own.t())
            result = result.view(*x.shape[:2], cut.channels_out, cut.channels_in)
            found.append(result.mul_(cut.scale))
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        weight, bias, *inputs = ctx.saved_tensors
        for_weight, for_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        for_inputs = [torch.zeros_like(x) for x in inputs]
        for cut, gradient in zip(ctx.cuts, gradients, strict=True):
            slopes = (gradient * cut.scale).flatten(2).flatten(0, 1)  # [n * places, channels]
            x = inputs[cut.source][cut.rows]
            shape = (cut.channels_out, cut.channels_in)
            own = weight[: shape[0], : shape[1]].flatten(0, 1)
            for_weight[: shape[0], : shape[1]] += (slopes.t() @ x.flatten(0, 1)).view(*shape, -1)
            for_bias[: shape[0], : shape[1]] += slopes.sum(0).view(shape)
            for_inputs[cut.source].index_add_(0, cut.rows, (slopes @ own).view_as(x))
        return None, for_weight, for_bias, *for_inputs
