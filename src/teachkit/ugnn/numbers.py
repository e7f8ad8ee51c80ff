"""The numbers of a union after scale, shift and softsign: f_s(a number + b) with f_s(x) = s x / (s + |x|)."""

from typing import Any

import torch
from torch import Tensor, nn


class Numbers(nn.Module):
    """The numbers of all learned edges, or of all biases, of a union.

    Attributes:
        values: [K], the numbers before scale and shift. Where many edges have number and group in common, it
            is kept and changed only once.
        group: [K], which scale and shift each has; None: each its own, in order.
        owner: [K], the model it belongs to.
        spread: [edges], which of the K each edge uses; None: each its own, in order.
    """

    values: Tensor
    owner: Tensor
    group: Tensor | None
    spread: Tensor | None

    def __init__(self, values: Tensor, ids: Tensor, groups: Tensor, owner: Tensor) -> None:
        """From the number, its id, the group and the model of each edge."""
        super().__init__()
        self.size = int(groups.max()) + 1 if len(groups) else 0
        distinct, spread = (ids * self.size + groups).unique(return_inverse=True)
        shared = 2 * len(distinct) < len(ids)  # else finding them costs more than it saves
        if shared:
            first = torch.zeros(len(distinct), dtype=torch.int64)
            first[spread] = torch.arange(len(ids))  # one edge of each pair, no matter which
            values, groups, owner = values[first], groups[first], owner[first]
        in_order = groups.equal(torch.arange(len(groups)))
        self.register_buffer("values", values.clone())
        self.register_buffer("owner", owner, persistent=False)
        self.register_buffer("group", None if in_order else groups, persistent=False)
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
        if bound.dim():
            bound = bound.index_select(0, self.owner)
        return _Squash.apply(self.values, scale, shift, bound)

    def spread_out(self, numbers: Tensor) -> Tensor:
        """From [K] to one for each edge."""
        return numbers if self.spread is None else numbers.index_select(0, self.spread)


class _Squash(torch.autograd.Function):
    """With q = x / (s + |x|): f = s q, df/dx = (1 - |q|)^2, df/ds = q |q|. So q is all that is kept."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, scale: Tensor, shift: Tensor, bound: Tensor) -> Tensor:
        x = torch.addcmul(shift, scale, values)
        q = x.div_(x.abs().add_(bound))
        ctx.save_for_backward(q, values)
        ctx.one_bound = bound.dim() == 0
        return q * bound

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor, Tensor]:
        q, values = ctx.saved_tensors
        size = q.abs()
        to_bound = grad * q * size
        to_shift = (1 - size).square_().mul_(grad)
        return None, to_shift * values, to_shift, to_bound.sum() if ctx.one_bound else to_bound
