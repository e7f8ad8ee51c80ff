"""Ways to let the edges of one layer carry their messages: dense, sparse, gathered, and the maximum.

Each computes y[v] = sum_u strength[u -> v] * x[u] (or the largest message) for x [senders, B], in other words
a product with a matrix whose entries are the strengths. They differ in time and memory only.
"""

import warnings
from abc import abstractmethod
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn


def choose(src: Tensor, dst: Tensor, receivers: int, senders: int, maximum: bool) -> "Product":
    """The fastest way that can do it, for edges sorted by (dst, src).

    Args:
        src, dst: [E], counted within the senders that are read and within the receivers.
    """
    if maximum:
        return Maximum(src, dst, receivers, senders)
    if src.equal(torch.arange(senders).repeat(receivers)):
        return Dense(src, dst, receivers, senders)
    twice = bool(((src[1:] == src[:-1]) & (dst[1:] == dst[:-1])).any())  # no sparse matrix has an entry twice
    return Gathered(src, dst, receivers, senders) if twice else Sparse(src, dst, receivers, senders)


class Product(nn.Module):
    """Messages from `senders` to `receivers`; buffers move with the module to another device."""

    def __init__(self, src: Tensor, dst: Tensor, receivers: int, senders: int) -> None:
        super().__init__()
        self.shape = (receivers, senders)

    @abstractmethod
    def forward(self, strength: Tensor, state: Tensor, bias: Tensor | None) -> Tensor:
        """Sums [receivers, B] from strengths [E], values [senders, B] and what each receiver adds."""


class Dense(Product):
    """Everybody hears everybody: an ordinary matrix product."""

    def forward(self, strength: Tensor, state: Tensor, bias: Tensor | None) -> Tensor:
        matrix = strength.view(self.shape)
        return matrix @ state if bias is None else torch.addmm(bias[:, None], matrix, state)


class Gathered(Product):
    """Each receiver has a row of senders, filled up with messages of strength 0; the fallback."""

    rows: Tensor
    slots: Tensor

    def __init__(self, src: Tensor, dst: Tensor, receivers: int, senders: int) -> None:
        super().__init__(src, dst, receivers, senders)
        degrees = torch.bincount(dst, minlength=receivers)
        self.width = int(degrees.max())
        first = degrees.cumsum(0) - degrees
        slots = dst * self.width + torch.arange(len(dst), device=dst.device) - first[dst]
        rows = src.new_zeros(receivers * self.width)
        rows[slots] = src
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("slots", slots, persistent=False)

    def gather(self, strength: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Strengths [receivers, width] and values [receivers, width, B]."""
        filled = strength.new_zeros(len(self.rows)).index_copy(0, self.slots, strength)
        heard = state.index_select(0, self.rows).view(self.shape[0], self.width, -1)
        return filled.view(self.shape[0], self.width), heard

    def forward(self, strength: Tensor, state: Tensor, bias: Tensor | None) -> Tensor:
        filled, heard = self.gather(strength, state)
        sums = torch.bmm(filled[:, None], heard)[:, 0]
        return sums if bias is None else sums + bias[:, None]


class Maximum(Gathered):
    """The largest message wins; a receiver without any message gets 0."""

    empty: Tensor

    def __init__(self, src: Tensor, dst: Tensor, receivers: int, senders: int) -> None:
        super().__init__(src, dst, receivers, senders)
        empty = torch.ones(len(self.rows), dtype=torch.bool)
        empty[self.slots] = False
        self.any_empty = bool(empty.any())
        self.register_buffer("empty", empty.view(receivers, self.width), persistent=False)

    def forward(self, strength: Tensor, state: Tensor, bias: Tensor | None) -> Tensor:
        filled, heard = self.gather(strength, state)
        messages = filled[:, :, None] * heard
        if self.any_empty:
            messages = messages.masked_fill(self.empty[:, :, None], -torch.inf)
        largest = messages.amax(1)
        if self.any_empty:
            largest = largest.masked_fill(self.empty.all(1)[:, None], 0)
        return largest if bias is None else largest + bias[:, None]


class Sparse(Product):
    """A product with a sparse matrix whose backward pass never forms a message."""

    src: Tensor
    dst: Tensor
    rows_from: Tensor
    columns_from: Tensor
    order: Tensor

    def __init__(self, src: Tensor, dst: Tensor, receivers: int, senders: int) -> None:
        super().__init__(src, dst, receivers, senders)
        order = torch.argsort(src, stable=True)
        self.register_buffer("src", src.int(), persistent=False)
        self.register_buffer("dst", dst[order].int(), persistent=False)  # in the order of the senders
        self.register_buffer("order", order.int(), persistent=False)
        self.register_buffer("rows_from", _starts(dst, receivers), persistent=False)
        self.register_buffer("columns_from", _starts(src, senders), persistent=False)
        self.fallback: Gathered | None = None

    def forward(self, strength: Tensor, state: Tensor, bias: Tensor | None) -> Tensor:
        if has_sparse_products(strength.device, strength.dtype):
            return _SparseProduct.apply(strength, state, bias, self)
        if self.fallback is None:
            rows = torch.arange(self.shape[0], device=self.src.device)
            dst = rows.repeat_interleave(self.rows_from.diff())
            self.fallback = Gathered(self.src.long(), dst, *self.shape)
        return self.fallback(strength, state, bias)

    def matrix(self, strength: Tensor) -> Tensor:
        """The strengths as a sparse matrix [receivers, senders]."""
        return _csr(self.rows_from, self.src, strength, self.shape)

    def transposed(self, strength: Tensor) -> Tensor:
        """Its transpose [senders, receivers]."""
        return _csr(self.columns_from, self.dst, strength.index_select(0, self.order), self.shape[::-1])


class _SparseProduct(torch.autograd.Function):
    """y = S x + b. Then dS = dy x^T at the entries of S only, dx = S^T dy, db = dy added over the batch."""

    @staticmethod
    def forward(ctx: Any, strength: Tensor, state: Tensor, bias: Tensor | None, product: Sparse) -> Tensor:
        matrix = product.matrix(strength)
        ctx.save_for_backward(strength, state)
        ctx.product, ctx.matrix = product, matrix
        return matrix @ state if bias is None else torch.addmm(bias[:, None], matrix, state)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        strength, state = ctx.saved_tensors
        grad = grad.contiguous()
        to_strength = to_state = to_bias = None
        if ctx.needs_input_grad[0]:
            to_strength = torch.sparse.sampled_addmm(ctx.matrix, grad, state.T, beta=0.0).values()
        if ctx.needs_input_grad[1]:
            to_state = ctx.product.transposed(strength) @ grad
        if ctx.needs_input_grad[2]:
            to_bias = grad.sum(1)
        return to_strength, to_state, to_bias, None


@cache
def has_sparse_products(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether torch has both sparse products here: some processors and precisions lack them."""
    ones = torch.ones(2, 2, device=device, dtype=dtype)
    place = torch.arange(3, device=device, dtype=torch.int32)
    try:
        with warnings.catch_warnings():  # torch warns once, at the first sparse matrix of a program
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
            matrix = _csr(place, place[:2], ones[0], (2, 2))
        found = torch.sparse.sampled_addmm(matrix, ones, ones, beta=0.0).values()
        return bool((matrix @ ones == 1).all()) and bool((found == 2).all())
    except (RuntimeError, NotImplementedError):
        return False


def _csr(rows_from: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    return torch.sparse_csr_tensor(rows_from, columns, values.detach(), shape, check_invariants=False)


def _starts(sorted_or_not: Tensor, count: int) -> Tensor:
    """Where each row of a sparse matrix begins, [count + 1]."""
    starts = torch.zeros(count + 1, dtype=torch.int32)
    starts[1:] = torch.bincount(sorted_or_not, minlength=count).cumsum(0)
    return starts
