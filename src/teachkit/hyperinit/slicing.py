"""A linear layer of which each node needs only some rows: those of its channels.

Cutting the layer before the product gives the same numbers as cutting the result, for a part of the work.
The gradients of all cuts are added up in one place; with autograd each would fill a whole layer with zeros.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


@dataclass(frozen=True)
class Cut:
    """Neighbouring nodes of one input that need the same channels.

    Attributes:
        source: which of the inputs they belong to.
        start, stop: their places in it.
        shape: channels out and in, height and width.
        scales: what the numbers of each are multiplied by.
    """

    source: int
    start: int
    stop: int
    shape: tuple[int, int, int, int]
    scales: tuple[float, ...]


def cut_products(weight: Tensor, bias: Tensor, inputs: Sequence[Tensor], cuts: Sequence[Cut]) -> list[Tensor]:
    """``scale * (weight @ x + bias)`` for the channels of each cut.

    Args:
        weight, bias: [C_out, C_in, hidden] and [C_out, C_in].
        inputs: hidden states [nodes, places, hidden], one tensor for each size of kernel.

    Returns:
        [channels out, channels in, height, width] for each node of each cut.
    """
    return list(_CutProducts.apply(tuple(cuts), weight, bias, *inputs)) if cuts else []


class _CutProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, cuts: tuple[Cut, ...], weight: Tensor, bias: Tensor, *inputs: Tensor) -> Any:
        ctx.cuts, ctx.like, ctx.parts = cuts, (weight, bias), _parts(cuts)
        own = [
            weight[:channels_out, :channels_in].flatten(0, 1)
            for channels_in, channels_out in ctx.parts.items()
        ]
        by_width = dict(zip(ctx.parts, own, strict=True))
        found = []
        for cut in cuts:
            channels_out, channels_in = cut.shape[:2]
            shift = bias[:channels_out, :channels_in].flatten()
            result = torch.addmm(shift, _rows(inputs, cut), by_width[channels_in][: len(shift)].t())
            nodes = result.view(cut.stop - cut.start, -1, len(shift)).mul_(_scales(cut, weight))
            found += [node.t().contiguous().view(cut.shape) for node in nodes]
        ctx.save_for_backward(*own, *inputs)
        return tuple(found)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        own, inputs = ctx.saved_tensors[: len(ctx.parts)], ctx.saved_tensors[len(ctx.parts) :]
        for_weight, for_bias = (torch.zeros_like(tensor) for tensor in ctx.like)
        for_inputs = [torch.empty_like(x) for x in inputs]
        by_width = dict(zip(ctx.parts, own, strict=True))
        taken = 0
        for cut in ctx.cuts:
            count, (channels_out, channels_in) = cut.stop - cut.start, cut.shape[:2]
            mine = torch.stack([g.flatten(2).flatten(0, 1) for g in gradients[taken : taken + count]], dim=1)
            taken += count
            slopes = mine.mul_(_scales(cut, mine).view(1, count, 1)).flatten(1)  # [channels, rows]
            # In place: no tensor of the size of the layer for each cut.
            for_weight[:channels_out, :channels_in].baddbmm_(
                slopes.view(channels_out, channels_in, -1), _rows(inputs, cut).expand(channels_out, -1, -1)
            )
            for_bias[:channels_out, :channels_in] += slopes.sum(1).view(channels_out, channels_in)
            torch.mm(slopes.t(), by_width[channels_in][: len(slopes)], out=_rows(for_inputs, cut))
        return None, for_weight, for_bias, *for_inputs


def _parts(cuts: Sequence[Cut]) -> dict[int, int]:
    """For each number of channels in, the most channels out: cuts with fewer are its first rows."""
    most: dict[int, int] = {}
    for cut in cuts:
        channels_out, channels_in = cut.shape[:2]
        most[channels_in] = max(channels_out, most.get(channels_in, 0))
    return most


def _rows(inputs: Sequence[Tensor], cut: Cut) -> Tensor:
    """Hidden states of all places of the nodes of a cut, [nodes * places, hidden]."""
    return inputs[cut.source][cut.start : cut.stop].flatten(0, 1)


def _scales(cut: Cut, like: Tensor) -> Tensor:
    return torch.tensor(cut.scales, dtype=like.dtype, device=like.device).view(-1, 1, 1)
