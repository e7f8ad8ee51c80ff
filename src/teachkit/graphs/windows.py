"""Which positions a window sees: tables [output position, place in the window] of inputs, -1 outside.

Convolution, pooling and their variants differ only in these tables. One axis at a time, then `combine`.
"""

import torch
from torch import Tensor

OUTSIDE = -1


def sliding(size: int, out: int, kernel: int, stride: int, before: int, dilation: int = 1) -> Tensor:
    """Table [out, kernel]: output o sees input o * stride - before + k * dilation."""
    position = torch.arange(out)[:, None] * stride - before + torch.arange(kernel) * dilation
    return position.where((position >= 0) & (position < size), OUTSIDE)


def spreading(size: int, out: int, kernel: int, stride: int, before: int, dilation: int = 1) -> Tensor:
    """Table [out, kernel], transposed: input i reaches output i * stride - before + k * dilation."""
    distance = torch.arange(out)[:, None] + before - torch.arange(kernel) * dilation
    position = distance.div(stride, rounding_mode="floor")
    fits = (distance % stride == 0) & (position >= 0) & (position < size)
    return position.where(fits, OUTSIDE)


def adaptive(size: int, out: int) -> Tensor:
    """Table [out, largest bin]: output o sees inputs from o * size / out to (o + 1) * size / out."""
    start = torch.arange(out) * size // out
    end = -(-(torch.arange(1, out + 1) * size) // out)
    position = start[:, None] + torch.arange(int((end - start).max()))
    return position.where(position < end[:, None], OUTSIDE)


def combine(tables: list[Tensor], sizes: list[int]) -> Tensor:
    """Table over all axes, positions in row-major order: [outputs multiplied, places multiplied]."""
    joined = tables[0]
    for table, size in zip(tables[1:], sizes[1:], strict=True):
        both = joined[:, None, :, None] * size + table[None, :, None, :]
        outside = (joined[:, None, :, None] < 0) | (table[None, :, None, :] < 0)
        joined = both.masked_fill(outside, OUTSIDE).flatten(2).flatten(0, 1)
    return joined
