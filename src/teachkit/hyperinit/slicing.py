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
    """Neighbouring nodes of one input that need the same channels at the same scale.

    Attributes:
        source: which of the inputs they belong to.
        start, stop: their places in it.
        shape: channels out and in, height and width.
        scale: what their numbers are multiplied by.
    """

    source: int
    start: int
    stop: int
    shape: tuple[int, int, int, int]
    scale: float

    @property
    def count(self) -> int:
        """How many nodes."""
        return self.stop - self.start


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
        own = _of_width(ctx.parts, weight)
        shifts = _of_width(ctx.parts, bias)
        found = []
        for cut in cuts:
            rows, width = cut.shape[0] * cut.shape[1], cut.shape[1]
            result = torch.addmm(
                shifts[width][:rows, None],
                own[width][:rows],
                _rows(inputs, cut).t(),
                beta=cut.scale,
                alpha=cut.scale,
            )  # [rows, nodes * places]
            if cut.count == 1:
                found.append(result.view(cut.shape))
            else:
                by_node = result.view(rows, cut.count, -1).transpose(0, 1).contiguous()
                found += by_node.view(cut.count, *cut.shape).unbind()
        ctx.save_for_backward(*own.values(), *inputs)
        return tuple(found)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        own = dict(zip(ctx.parts, ctx.saved_tensors, strict=False))
        inputs = ctx.saved_tensors[len(own) :]
        for_weight, for_bias = (torch.zeros_like(tensor) for tensor in ctx.like)
        for_inputs = [torch.empty_like(x) for x in inputs]
        taken = 0
        for cut in ctx.cuts:
            channels_out, channels_in = cut.shape[:2]
            mine = [gradient.flatten(2) for gradient in gradients[taken : taken + cut.count]]
            taken += cut.count
            slopes = torch.cat(mine, dim=2) if cut.count > 1 else mine[0]  # [.., .., nodes * places]
            # In place: no tensor of the size of the layer for each cut.
            for_weight[:channels_out, :channels_in].baddbmm_(
                slopes, _rows(inputs, cut).expand(channels_out, -1, -1), alpha=cut.scale
            )
            for_bias[:channels_out, :channels_in].add_(slopes.sum(2), alpha=cut.scale)
            flat, target = slopes.flatten(0, 1), _rows(for_inputs, cut)
            torch.addmm(target, flat.t(), own[channels_in][: len(flat)], beta=0, alpha=cut.scale, out=target)
        return None, for_weight, for_bias, *for_inputs


def _parts(cuts: Sequence[Cut]) -> dict[int, int]:
    """For each number of channels in, the most channels out: cuts with fewer are its first rows."""
    most: dict[int, int] = {}
    for cut in cuts:
        channels_out, channels_in = cut.shape[:2]
        most[channels_in] = max(channels_out, most.get(channels_in, 0))
    return most


def _of_width(parts: dict[int, int], whole: Tensor) -> dict[int, Tensor]:
    """For each number of channels in, those rows of `whole` as a matrix: a view where that can be."""
    return {
        channels_in: whole[:channels_out, :channels_in].flatten(0, 1)
        for channels_in, channels_out in parts.items()
    }


def _rows(inputs: Sequence[Tensor], cut: Cut) -> Tensor:
    """Hidden states of all places of the nodes of a cut, [nodes * places, hidden]."""
    return inputs[cut.source][cut.start : cut.stop].flatten(0, 1)
