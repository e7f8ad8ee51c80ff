"""The numbers of a union after scale, shift and softsign: f_s(a number + b) with f_s(x) = s x / (s + |x|)."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

PIECE = 1 << 16  # numbers changed at a time


class Numbers(nn.Module):
    """The numbers of all learned edges, or of all biases, of a union.

    Attributes:
        values: [K], the numbers before scale and shift. Where edges have number and group in common, it can
            be kept and changed only once.
        counts: how many of the K each model has; they stand in the order of the models.
        group: [K], which scale and shift each has; None: each its own, in order.
        spread: [edges], which of the K each edge uses; None: each its own, in order.
    """

    values: Tensor
    group: Tensor | None
    spread: Tensor | None

    def __init__(self, values: Tensor, ids: Tensor, groups: Tensor, owner: Tensor) -> None:
        """From the number, its id, the group and the model of each edge."""
        super().__init__()
        self.size = int(groups.max()) + 1 if len(groups) else 0
        distinct, spread = (ids * self.size + groups).unique(return_inverse=True)
        first = torch.zeros(len(distinct), dtype=torch.int64)
        first[spread] = torch.arange(len(ids))  # one edge of each pair, no matter which
        fewer, many = len(distinct) < len(ids), 2 * len(distinct) < len(ids)
        shared = many or (fewer and _in_order(groups[first]))  # else it costs more than it saves
        if shared:
            values, groups, owner = values[first], groups[first], owner[first]
        self.counts = tuple(owner.bincount().tolist())
        self.register_buffer("values", values.clone())
        self.register_buffer("group", None if _in_order(groups) else groups, persistent=False)
        self.register_buffer("spread", spread if shared else None, persistent=False)

    def forward(self, scale: Tensor, shift: Tensor, bound: Tensor) -> Tensor:
        """The number that each edge uses now [edges].

        Args:
            scale, shift: [groups].
            bound: s, one for all [] or one a model [M].
        """
        return self.spread_out(self.squashed(scale, shift, bound))

    def squashed(self, scale: Tensor, shift: Tensor, bound: Tensor) -> Tensor:
        """f_s(scale * values + shift), [K]."""
        if self.group is not None:
            scale, shift = scale.index_select(0, self.group), shift.index_select(0, self.group)
        return _Squash.apply(self.values, scale, shift, bound, self.counts)

    def spread_out(self, numbers: Tensor) -> Tensor:
        """From [K] to one for each edge."""
        return numbers if self.spread is None else numbers.index_select(0, self.spread)


class _Squash(torch.autograd.Function):
    """With q = f / s: df/dx = (1 - |q|)^2 and df/ds = q |q|. So the result is all that must be kept.

    Piece by piece, so that everything but the results stays in the processor's cache.
    """

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, scale: Tensor, shift: Tensor, bound: Tensor, counts: Sequence[int]
    ) -> Tensor:
        result, spare = torch.empty_like(values), values.new_empty(min(PIECE, len(values)))
        for part, model in _pieces(bound, counts):
            x, s = result[part], bound[model]
            torch.addcmul(shift[part], scale[part], values[part], out=x)
            size = torch.abs(x, out=spare[: len(x)]).add_(s)
            x.div_(size).mul_(s)
        ctx.save_for_backward(result, values, bound)
        ctx.counts = counts
        return result

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor, Tensor, None]:
        result, values, bound = ctx.saved_tensors
        to_scale, to_shift, to_bound = (torch.empty_like(values), torch.empty_like(values),
                                        torch.zeros_like(bound))  # fmt: skip
        spare = values.new_empty(min(PIECE, len(values)))
        for part, model in _pieces(bound, ctx.counts):
            q = torch.div(result[part], bound[model], out=to_scale[part])
            size = torch.abs(q, out=to_shift[part])
            to_bound[model] += grad[part].dot(torch.mul(q, size, out=spare[: len(q)]))
            size.neg_().add_(1).square_().mul_(grad[part])
            torch.mul(size, values[part], out=q)
        return None, to_scale, to_shift, to_bound, None


def _pieces(bound: Tensor, counts: Sequence[int]) -> Iterator[tuple[slice, Any]]:
    """Parts of the numbers and the place of their s in `bound`: no part has numbers of two models then."""
    first = 0
    for model, count in enumerate(counts) if bound.dim() else [((), sum(counts))]:
        last = first + count
        for start in range(first, last, PIECE):
            yield slice(start, min(start + PIECE, last)), model
        first = last


def _in_order(groups: Tensor) -> bool:
    """Whether each has a group of its own, in order."""
    return groups.equal(torch.arange(len(groups)))
