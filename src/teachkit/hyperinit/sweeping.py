"""One pass of the gated network over all nodes, level by level, with a gradient written out.

Levels must wait for each other, so most of the time would go into starting small operations. Here a level
takes a dozen of them forwards and seven backwards; what need not wait is done for all nodes at once.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def sweep(
    states: Tensor,
    kept: Tensor,
    shares: Tensor,
    sizes: Sequence[int],
    hear: tuple[Tensor, Tensor],
    inner: tuple[Tensor, Tensor],
    outer: tuple[Tensor, Tensor],
) -> Tensor:
    """New states [N, dim] of nodes in the order of their levels.

    Args:
        states: old ones, [N, dim].
        kept: what the GRU makes of them, [N, 3 dim].
        shares: weights of both MLPs of each node (columns) in each message (rows), [N, 2N].
        sizes: numbers of nodes a level.
        hear: weight [3 dim, dim] and bias of the GRU for messages.
        inner, outer: weights and biases of both MLPs side by side, [hidden, dim] and [2 dim, hidden].
    """
    result: Tensor = _Sweep.apply(states, kept, shares, tuple(sizes), *hear, *inner, *outer)
    return result


class _Sweep(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, kept: Tensor, shares: Tensor, sizes: tuple[int, ...], *weights: Tensor
    ) -> Tensor:
        hear, hear_bias, inner, inner_bias, outer, outer_bias = weights
        count, dim = states.shape
        messages, candidates, new = (torch.zeros_like(states) for _ in range(3))
        gates, said = states.new_zeros(count, 2 * dim), states.new_zeros(count, 2 * dim)
        hidden = states.new_zeros(count, len(inner))
        by_mlp = said.view(2 * count, dim)  # rows 2u and 2u + 1 are what both MLPs make of node u
        for stop, size in zip(accumulate(sizes), sizes, strict=True):
            start = stop - size
            now = slice(start, stop)
            if start:
                torch.mm(shares[now, : 2 * start], by_mlp[: 2 * start], out=messages[now])
            heard = torch.addmm(hear_bias, messages[now], hear.t())
            torch.add(heard[:, : 2 * dim], kept[now, : 2 * dim], out=gates[now]).sigmoid_()
            reset, update = gates[now, :dim], gates[now, dim:]
            torch.addcmul(heard[:, 2 * dim :], reset, kept[now, 2 * dim :], out=candidates[now]).tanh_()
            torch.lerp(candidates[now], states[now], update, out=new[now])
            torch.addmm(inner_bias, new[now], inner.t(), out=hidden[now]).relu_()
            torch.addmm(outer_bias, hidden[now], outer.t(), out=said[now]).relu_()
        ctx.sizes = sizes
        ctx.save_for_backward(states, kept, shares, *weights, messages, gates, candidates, new, hidden, said)
        return new

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        states, kept, shares, hear, _, inner, _, outer, _, *saved = ctx.saved_tensors
        messages, gates, candidates, new, hidden, said = saved
        count, dim = states.shape
        (reset, update), old = gates.chunk(2, dim=1), kept[:, 2 * dim :]
        # From a new state to what goes into reset gate, update gate and candidate.
        to_candidate = (1 - update) * (1 - candidates.square())
        to_update = (states - candidates) * update * (1 - update)
        to_reset = to_candidate * old * reset * (1 - reset)
        slopes = torch.stack((to_reset, to_update, to_candidate), dim=1)  # [N, 3, dim]
        spoke, thought = (said > 0).to(said.dtype), (hidden > 0).to(said.dtype)
        for_new = gradient.clone()
        for_heard = torch.zeros_like(kept)
        for_messages, for_said, for_hidden = (torch.zeros_like(x) for x in (messages, said, hidden))
        by_mlp = for_said.view(2 * count, dim)
        stops = list(accumulate(ctx.sizes))
        for stop, size in zip(reversed(stops), reversed(ctx.sizes), strict=True):
            start = stop - size
            now = slice(start, stop)
            if stop < count:
                to_come = shares[stop:, 2 * start : 2 * stop].t()
                torch.mm(to_come, for_messages[stop:], out=by_mlp[2 * start : 2 * stop])
                for_said[now] *= spoke[now]
                torch.mm(for_said[now], outer, out=for_hidden[now]).mul_(thought[now])
                for_new[now].addmm_(for_hidden[now], inner)
            heard = for_heard[now]
            torch.mul(for_new[now, None], slopes[now], out=heard.view(size, 3, dim))
            torch.mm(heard, hear, out=for_messages[now])
        for_kept = torch.cat((for_heard[:, : 2 * dim], for_heard[:, 2 * dim :] * reset), dim=1)
        weights = (
            for_heard.t() @ messages, for_heard.sum(0),
            for_hidden.t() @ new, for_hidden.sum(0),
            for_said.t() @ hidden, for_said.sum(0),
        )  # fmt: skip
        return for_new * update, for_kept, None, None, *weights
