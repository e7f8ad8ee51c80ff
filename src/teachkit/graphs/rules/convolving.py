"""Convolutions: an edge for each place of the kernel inside the image; places outside have no edge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.errors import UnsupportedLayerError
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
    settings = {
        "operation": "convolution",
        "kernel": list(kernel),
        "stride": each(stride, kernel),
        "padding": padding if isinstance(padding, str) else each(padding, kernel),
        "dilation": each(dilation, kernel),
        "groups": groups,
        "padding_mode": padding_mode,
    }
    return _add(build, input, weight, bias, settings)


@rule(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, zeros=True)
def _transposed_module(
    build: Builder, module: nn.ConvTranspose2d, x: Neurons, output_size: Sequence[int] | None = None
) -> Neurons:
    if output_size is not None:
        raise UnsupportedLayerError(
            "it was called with output_size.", "Give the layer output_padding instead."
        )
    return convolve_transposed(
        build,
        x,
        build.weights(module.weight),
        None if module.bias is None else build.weights(module.bias),
        module.stride,
        module.padding,
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
    settings = {
        "operation": "transposed convolution",
        "kernel": list(kernel),
        "stride": each(stride, kernel),
        "padding": each(padding, kernel),
        "output_padding": each(output_padding, kernel),
        "groups": groups,
        "dilation": each(dilation, kernel),
    }
    return _add(build, input, weight, bias, settings)


def _add(
    build: Builder, input: Neurons, weight: Weights, bias: Weights | None, settings: dict[str, Any]
) -> Neurons:
    plan = Plan.of(input.ids, weight.ids, settings)
    outputs, positions = plan.shape[0], len(plan.table)
    return build.layer(
        plan.shape,
        plan.count(),
        plan.write,
        input.ids,
        bias=None if bias is None else bias.ids[:, None].expand(outputs, positions).flatten(),
        settings=settings,
    )


@dataclass(frozen=True, eq=False)
class Plan:
    """A convolution before its edges are written down.

    Attributes:
        source: node ids [C, positions], -1 for a zero that no neuron holds.
        table: input positions [output positions, places of the kernel], -1 outside the image.
        weight: ids of values [O, C / groups, places].
        shape: of the layer, [O, *sizes].
    """

    source: Tensor
    table: Tensor
    weight: Tensor
    groups: int
    shape: tuple[int, ...]

    @classmethod
    def of(cls, ids: Tensor, weight: Tensor, settings: dict[str, Any]) -> "Plan":
        """The plan for node ids [1, C, *sizes] and ids of values in the shape of torch's weight."""
        groups = settings["groups"]
        if settings["operation"] == "convolution":
            ids, tables = _tables(ids, settings)
        else:
            tables = _transposed_tables(ids, settings)
            weight = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)  # [O, C / groups, ...]
        table = windows.combine(tables, list(ids.shape[2:]))
        shape = (len(weight), *(len(axis) for axis in tables))
        return cls(ids[0].flatten(1), table, weight.flatten(2), groups, shape)

    @property
    def outputs_per_group(self) -> int:
        return self.shape[0] // self.groups

    def count(self) -> int:
        """How many edges there will be."""
        if bool((self.source >= 0).all()):
            return self.weight.shape[0] * self.weight.shape[1] * int((self.table >= 0).sum())
        seen = sum(int(self._seen(part).ge(0).sum()) for part in self.source.chunk(self.groups))
        return seen * self.outputs_per_group

    def write(self) -> EdgeList:
        """Edges of all output channels: those of one channel, repeated with other weights."""
        src, dst, ids = [], [], []
        for group, channels in enumerate(self.source.chunk(self.groups)):
            seen = self._seen(channels)
            position, channel, place = seen.ge(0).nonzero(as_tuple=True)
            first = group * self.outputs_per_group
            rows = torch.arange(first, first + self.outputs_per_group)
            src.append(seen[position, channel, place].expand(len(rows), -1).flatten())
            dst.append((rows[:, None] * len(self.table) + position).flatten())
            ids.append(self.weight[rows][:, channel, place].flatten())
        return EdgeList(torch.cat(src), torch.cat(dst), torch.cat(ids))

    def _seen(self, channels: Tensor) -> Tensor:
        """Node ids [position, channel, place]; -1 beyond the border, and for zeros that no neuron holds."""
        ids = channels[:, self.table.clamp(min=0)]  # [channel, position, place]
        return ids.masked_fill(self.table < 0, windows.OUTSIDE).transpose(0, 1)


def _tables(ids: Tensor, settings: dict[str, Any]) -> tuple[Tensor, list[Tensor]]:
    """Ids, padded if the border is repeated, and one table an axis."""
    kernel, dilation = settings["kernel"], settings["dilation"]
    margins = _margins(settings["padding"], kernel, dilation)
    if settings["padding_mode"] != "zeros":  # the padding repeats neurons, so more edges leave them
        flat = [side for margin in reversed(margins) for side in margin]
        ids = F.pad(ids.double(), flat, mode=settings["padding_mode"]).long()  # exact up to 2^53
        margins = [(0, 0)] * len(kernel)
    tables = []
    for size, k, s, d, (before, after) in zip(
        ids.shape[2:], kernel, settings["stride"], dilation, margins, strict=True
    ):
        out = (size + before + after - d * (k - 1) - 1) // s + 1
        tables.append(windows.sliding(size, out, k, s, before, d))
    return ids, tables


def _transposed_tables(ids: Tensor, settings: dict[str, Any]) -> list[Tensor]:
    tables = []
    for axis, size in enumerate(ids.shape[2:]):
        k, s, p, d, extra = (
            settings[name][axis] for name in ("kernel", "stride", "padding", "dilation", "output_padding")
        )
        out = (size - 1) * s - 2 * p + d * (k - 1) + extra + 1
        tables.append(windows.spreading(size, out, k, s, p, d))
    return tables


def each(value: Sizes, kernel: Sequence[int]) -> list[int]:
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
    return [(p, p) for p in each(padding, kernel)]  # type: ignore[arg-type]
