"""Convolutions: an edge for each place of the kernel that lies inside the image; places outside have no edge."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.errors import GraphError
from teachkit.graphs import windows
from teachkit.graphs.building import Builder, EdgeList, Neurons, Weights
from teachkit.graphs.rules.registry import rule

Sizes = int | Sequence[int]


@rule(nn.Conv1d, nn.Conv2d, nn.Conv3d, zeros=True)
def _module(build: Builder, module: nn.Conv2d, x: Neurons) -> Neurons:
    bias = None if module.bias is None else build.weights(module.bias)
    return convolve(
        build,
        x,
        build.weights(module.weight),
        bias,
        module.stride,
        module.padding,
        module.dilation,
        module.groups,
        padding_mode=module.padding_mode,
    )


@rule(F.conv1d, F.conv2d, F.conv3d, zeros=True)
def convolve(
    build: Builder,
    input: Neurons,
    weight: Weights,
    bias: Weights | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Neurons:
    """Input [1, C, *sizes], weight [O, C / groups, *kernel]; all that torch offers."""
    kernel = weight.shape[2:]
    stride, dilation = _each(stride, kernel), _each(dilation, kernel)
    margins = _margins(padding, kernel, dilation)
    settings = {"kernel": list(kernel), "stride": stride, "padding": margins, "dilation": dilation}
    settings |= {"groups": groups, "padding_mode": padding_mode}
    x = input.ids
    if padding_mode != "zeros":  # the padding repeats neurons, so more edges leave them
        x = _repeat_border(x, margins, padding_mode)
        margins = [(0, 0)] * len(kernel)
    tables, shape = [], []
    for size, k, s, d, (before, after) in zip(x.shape[2:], kernel, stride, dilation, margins, strict=True):
        out = (size + before + after - d * (k - 1) - 1) // s + 1
        tables.append(windows.sliding(size, out, k, s, before, d))
        shape.append(out)
    table = windows.combine(tables, list(x.shape[2:]))
    return _layer(build, input, x, table, shape, weight.ids, bias, groups, settings)


@rule(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, zeros=True)
def _transposed_module(
    build: Builder, module: nn.ConvTranspose2d, x: Neurons, output_size: Sequence[int] | None = None
) -> Neurons:
    if output_size is not None:
        raise GraphError(
            "A transposed convolution was called with output_size.", "Give the layer output_padding instead."
        )
    return convolve_transposed(
        build,
        x,
        build.weights(module.weight),
        None if module.bias is None else build.weights(module.bias),
        module.stride,
        module.padding,  # type: ignore[arg-type]
        module.output_padding,
        module.groups,
        module.dilation,
    )


@rule(F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d, zeros=True)
def convolve_transposed(
    build: Builder,
    input: Neurons,
    weight: Weights,
    bias: Weights | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Neurons:
    """Input [1, C, *sizes], weight [C, O / groups, *kernel]: the edges of a convolution, walked backwards."""
    kernel = weight.shape[2:]
    stride, dilation = _each(stride, kernel), _each(dilation, kernel)
    padding, extra = _each(padding, kernel), _each(output_padding, kernel)
    settings = {"kernel": list(kernel), "stride": stride, "padding": padding, "dilation": dilation}
    settings |= {"output_padding": extra, "groups": groups}
    x = input.ids
    tables, shape = [], []
    for axis, size in enumerate(x.shape[2:]):
        k, s, p, d = kernel[axis], stride[axis], padding[axis], dilation[axis]
        out = (size - 1) * s - 2 * p + d * (k - 1) + extra[axis] + 1
        tables.append(windows.spreading(size, out, k, s, p, d))
        shape.append(out)
    table = windows.combine(tables, list(x.shape[2:]))
    per_group = (
        weight.ids.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    )  # [O, C / groups, *kernel]
    return _layer(build, input, x, table, shape, per_group, bias, groups, settings)


def _layer(
    build: Builder,
    input: Neurons,
    x: Tensor,
    table: Tensor,
    shape: list[int],
    weight: Tensor,
    bias: Weights | None,
    groups: int,
    settings: dict[str, Any],
) -> Neurons:
    """A layer [O, *shape] whose outputs see the positions of `table` in their group of channels."""
    outputs = len(weight)
    source = x[0].flatten(1)  # [C, positions]
    per_group = outputs // groups
    counts = [_count(part, table) * per_group for part in source.chunk(groups)]
    return build.layer(
        (outputs, *shape),
        sum(counts),
        partial(_write, source, table, weight.flatten(2), groups),
        input.ids,
        bias=None if bias is None else bias.ids[:, None].expand(outputs, len(table)).flatten(),
        settings=settings,
    )


def _count(source: Tensor, table: Tensor) -> int:
    """Edges into one output channel."""
    if bool((source >= 0).all()):
        return len(source) * int((table >= 0).sum())
    return int(_seen(source, table).ge(0).sum())


def _seen(source: Tensor, table: Tensor) -> Tensor:
    """Node ids [position, channel, place]; -1 where the window reaches over the border or sees a bare zero."""
    ids = source[:, table.clamp(min=0)]  # [channel, position, place]
    return ids.masked_fill(table < 0, windows.OUTSIDE).transpose(0, 1)


def _write(source: Tensor, table: Tensor, weight: Tensor, groups: int) -> EdgeList:
    """Edges of all output channels: those of one channel, repeated with other weights."""
    per_group, positions = len(weight) // groups, len(table)
    src, dst, ids = [], [], []
    for group, channels in enumerate(source.chunk(groups)):
        seen = _seen(channels, table)
        position, channel, place = seen.ge(0).nonzero(as_tuple=True)
        first = group * per_group
        rows = torch.arange(first, first + per_group)[:, None]
        src.append(seen[position, channel, place].expand(per_group, -1).flatten())
        dst.append((rows * positions + position).flatten())
        ids.append(weight[first : first + per_group, channel, place].flatten())
    return EdgeList(torch.cat(src), torch.cat(dst), torch.cat(ids))


def _each(value: Sizes, kernel: Sequence[int]) -> list[int]:
    """One number an axis."""
    given = [value] if isinstance(value, int) else list(value)
    return [int(v) for v in (given * len(kernel) if len(given) == 1 else given)]


def _margins(padding: Sizes | str, kernel: Sequence[int], dilation: list[int]) -> list[tuple[int, int]]:
    """Padding before and after each axis."""
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding == "same":
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return [(t // 2, t - t // 2) for t in total]
    return [(p, p) for p in _each(padding, kernel)]  # type: ignore[arg-type]


def _repeat_border(ids: Tensor, margins: list[tuple[int, int]], mode: str) -> Tensor:
    """Ids padded by reflection, replication or wrapping round."""
    flat = [side for margin in reversed(margins) for side in margin]
    return F.pad(ids.double(), flat, mode=mode).long()  # float64 holds ids exactly up to 2^53
