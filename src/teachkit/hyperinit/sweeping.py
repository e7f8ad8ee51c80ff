"""One pass of the gated network over all nodes, level by level, with a gradient written out.

Levels must wait for each other, so most of the time would go into starting small operations. Here a level
takes a dozen of them forwards and seven backwards; what need not wait is done for all nodes at once.
"""

from collections.abc import Sequence
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
        for_gates, for_candidate = kept[:, : 2 * dim], kept[:, 2 * dim :]
        # Cut once into levels: a cut costs as much as a small product.
        levels = _levels(sizes, shares, states, for_gates, for_candidate, messages, gates, candidates, new)
        spoken = _levels(sizes, hidden, said)
        start = 0
        for (row, old, at_gates, at_candidate, message, gate, candidate, now), (thought, word) in zip(
            levels, spoken, strict=True
        ):
            if start:
                torch.mm(row[:, : 2 * start], by_mlp[: 2 * start], out=message)
            heard, asked = torch.addmm(hear_bias, message, hear.t()).split((2 * dim, dim), 1)
            reset, update = torch.add(heard, at_gates, out=gate).sigmoid_().chunk(2, 1)
            torch.addcmul(asked, reset, at_candidate, out=candidate).tanh_()
            torch.lerp(candidate, old, update, out=now)
            torch.addmm(inner_bias, now, inner.t(), out=thought).relu_()
            torch.addmm(outer_bias, thought, outer.t(), out=word).relu_()
            start += len(now)
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
        by_mlp = for_said.view(2 * count, dim).split([2 * size for size in ctx.sizes])
        levels = _levels(
            ctx.sizes, spoke, thought, slopes, for_new, for_heard.view(count, 3, dim), for_heard,
            for_messages, for_said, for_hidden,
        )  # fmt: skip
        columns = shares.split([2 * size for size in ctx.sizes], dim=1)
        stop = count
        for share, two, (
            said_any,
            thought_any,
            slope,
            at_new,
            parts,
            heard,
            message,
            word,
            thought_of,
        ) in zip(reversed(columns), reversed(by_mlp), reversed(levels), strict=True):
            if stop < count:
                torch.mm(share[stop:].t(), for_messages[stop:], out=two)
                word *= said_any
                torch.mm(word, outer, out=thought_of).mul_(thought_any)
                at_new.addmm_(thought_of, inner)
            torch.mul(at_new[:, None], slope, out=parts)
            torch.mm(heard, hear, out=message)
            stop -= len(message)
        for_kept = torch.cat((for_heard[:, : 2 * dim], for_heard[:, 2 * dim :] * reset), dim=1)
        weights = (
            for_heard.t() @ messages, for_heard.sum(0),
            for_hidden.t() @ new, for_hidden.sum(0),
            for_said.t() @ hidden, for_said.sum(0),
        )  # fmt: skip
        return for_new * update, for_kept, None, None, *weights


def _levels(sizes: Sequence[int], *tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """For each level the rows of all `tensors` that belong to it."""
    return list(zip(*(tensor.split(sizes) for tensor in tensors), strict=True))
