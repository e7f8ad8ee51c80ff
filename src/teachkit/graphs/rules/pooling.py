"""Pooling: fixed edges into neurons that take the mean (gain 1 / k) or the maximum."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.errors import UnsupportedLayerError
from teachkit.graphs import windows
from teachkit.graphs.building import Builder, EdgeList, Neurons
from teachkit.graphs.record import MAX, SUM
from teachkit.graphs.rules.convolving import Sizes, each
from teachkit.graphs.rules.registry import rule


@rule(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
def _max_module(build: Builder, m: nn.MaxPool2d, x: Neurons) -> Neurons:
    return max_pool(build, x, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices)


@rule(F.max_pool1d, F.max_pool2d, F.max_pool3d, torch.max_pool1d, torch.max_pool2d, torch.max_pool3d)
def max_pool(
    build: Builder,
    input: Neurons,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Neurons:
    """The largest value of each window; places outside the image do not count."""
    _no_indices(return_indices)
    axes, shape = _sliding(input, kernel_size, stride, padding, dilation, ceil_mode)
    settings = {"kernel": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    return pool(build, input, windows.combine(axes, list(input.shape[2:])), shape, MAX, settings=settings)


@rule(nn.AvgPool1d)
def _mean_module_1d(build: Builder, m: nn.AvgPool1d, x: Neurons) -> Neurons:
    return mean_pool(build, x, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad)


@rule(nn.AvgPool2d, nn.AvgPool3d)
def _mean_module(build: Builder, m: nn.AvgPool2d, x: Neurons) -> Neurons:
    return mean_pool(
        *(build, x, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad),
        m.divisor_override,
    )


@rule(F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
def mean_pool(
    build: Builder,
    input: Neurons,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Neurons:
    """The mean of each window; torch counts places of the padding, but not what lies beyond it."""
    axes, shape = _sliding(input, kernel_size, stride, padding, 1, ceil_mode)
    table = windows.combine(axes, list(input.shape[2:]))
    if divisor_override is not None:
        counted = torch.full((len(table),), divisor_override)
    elif count_include_pad:
        padded = input.ids.new_zeros(1)
        for axis, size in enumerate(input.shape[2:]):
            kernel, step, pad = _axis(axis, kernel_size, stride, padding, input)
            start = torch.arange(shape[axis]) * step - pad
            length = (start + kernel).clamp(max=size + pad) - start
            padded = length if axis == 0 else (padded[:, None] * length).flatten()
        counted = padded
    else:
        counted = (table >= 0).sum(1)
    settings = {"kernel": kernel_size, "stride": stride, "padding": padding}
    return pool(build, input, table, shape, SUM, gain=1.0 / counted, settings=settings)


@rule(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
def _adaptive_mean_module(build: Builder, module: nn.AdaptiveAvgPool2d, x: Neurons) -> Neurons:
    return adaptive_mean_pool(build, x, module.output_size)


@rule(F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)
def adaptive_mean_pool(build: Builder, input: Neurons, output_size: Any) -> Neurons:
    """Means over bins of nearly equal size, so that the output has `output_size`."""
    table, shape = _adaptive(input, output_size)
    return pool(build, input, table, shape, SUM, gain=1.0 / (table >= 0).sum(1))


@rule(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
def _adaptive_max_module(build: Builder, module: nn.AdaptiveMaxPool2d, x: Neurons) -> Neurons:
    return adaptive_max_pool(build, x, module.output_size, module.return_indices)


@rule(F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)
def adaptive_max_pool(
    build: Builder, input: Neurons, output_size: Any, return_indices: bool = False
) -> Neurons:
    _no_indices(return_indices)
    table, shape = _adaptive(input, output_size)
    return pool(build, input, table, shape, MAX)


def pool(
    build: Builder,
    input: Neurons,
    table: Tensor,
    shape: Sequence[int],
    aggregate: int,
    gain: Tensor | None = None,
    settings: dict[str, Any] | None = None,
) -> Neurons:
    """Each channel by itself: output o collects the positions in row o of `table` [out, places]."""
    source = input.ids[0].flatten(1)  # [C, positions]
    return build.layer(
        (len(source), *shape),
        len(source) * int((table >= 0).sum()),
        partial(_write, source, table, gain),
        input.ids,
        aggregate=aggregate,
        settings=settings or {},
    )


def _write(source: Tensor, table: Tensor, gain: Tensor | None) -> EdgeList:
    position, place = table.ge(0).nonzero(as_tuple=True)
    src = source[:, table[position, place]]
    dst = torch.arange(len(source))[:, None] * len(table) + position
    gains = None if gain is None else gain[position].expand(len(source), -1).flatten()
    return EdgeList(src.flatten(), dst.flatten(), None, gains)


def _sliding(
    x: Neurons, kernel: Sizes, stride: Sizes | None, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> tuple[list[Tensor], list[int]]:
    tables, shape = [], []
    for axis, size in enumerate(x.shape[2:]):
        k, s, p = _axis(axis, kernel, stride, padding, x)
        d = each(dilation, x.shape[2:])[axis]
        room = size + 2 * p - d * (k - 1) - 1
        out = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (out - 1) * s >= size + p:  # a window may not begin in the padding behind the image
            out -= 1
        tables.append(windows.sliding(size, out, k, s, p, d))
        shape.append(out)
    return tables, shape


def _axis(axis: int, kernel: Sizes, stride: Sizes | None, padding: Sizes, x: Neurons) -> tuple[int, int, int]:
    """Kernel, stride and padding along one axis; a pool's stride is its kernel unless it is given."""
    sizes = x.shape[2:]
    step = kernel if stride is None or stride == [] else stride
    return each(kernel, sizes)[axis], each(step, sizes)[axis], each(padding, sizes)[axis]


def _adaptive(x: Neurons, output_size: Any) -> tuple[Tensor, list[int]]:
    sizes = list(x.shape[2:])
    wanted = list(output_size) if isinstance(output_size, tuple | list) else [output_size] * len(sizes)
    shape = [size if want is None else int(want) for size, want in zip(sizes, wanted, strict=True)]
    tables = [windows.adaptive(size, out) for size, out in zip(sizes, shape, strict=True)]
    return windows.combine(tables, sizes), shape


def _no_indices(return_indices: bool) -> None:
    if return_indices:
        raise UnsupportedLayerError("it also returns where the maximum was.", "Use return_indices=False.")
