"""Operations that only move numbers: they are done to the ids, and make no neurons and no edges."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx.node import map_aggregate

from teachkit.errors import UnsupportedLayerError
from teachkit.graphs.building import ZERO, Builder, Ids, Neurons, Weights
from teachkit.graphs.rules.combining import Term, combine
from teachkit.graphs.rules.registry import MOVES, rule

METHODS = [
    "view",
    "reshape",
    "flatten",
    "unflatten",
    "permute",
    "transpose",
    "swapaxes",
    "movedim",
    "t",
    "squeeze",
    "unsqueeze",
    "expand",
    "expand_as",
    "repeat",
    "chunk",
    "split",
    "tensor_split",
    "unbind",
    "narrow",
    "select",
    "view_as",
    "reshape_as",
    "flip",
    "roll",
    "contiguous",
]
FUNCTIONS = [
    *(torch.flatten, torch.reshape, torch.permute, torch.transpose, torch.movedim, torch.swapaxes, torch.t),
    *(torch.squeeze, torch.unsqueeze, torch.chunk, torch.split, torch.tensor_split, torch.unbind),
    *(torch.narrow, torch.select, torch.flip, torch.roll, torch.pixel_shuffle, torch.pixel_unshuffle),
    *(torch.channel_shuffle, operator.getitem, F.pixel_shuffle, F.pixel_unshuffle),
]
LAYERS = (nn.Flatten, nn.Unflatten, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle)
NOTHING_IN_EVAL = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
SAME = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, torch.clone, torch.detach)


def moved(function: Any, *arguments: Any, **named: Any) -> Any:
    """`function` done to ids: what comes out are ids of the same sort."""
    sort: type[Ids] = Neurons

    def bare(value: Any) -> Any:
        nonlocal sort
        if isinstance(value, Ids):
            sort = type(value)
            return value.ids
        return value

    result = function(*map_aggregate(arguments, bare), **map_aggregate(named, bare))

    def wrapped(value: Any) -> Any:
        return sort(value) if isinstance(value, Tensor) else value

    return map_aggregate(result, wrapped)


def _method(name: str) -> None:
    @rule(name, zeros=True)
    def _move(build: Builder, x: Ids, *arguments: Any, **named: Any) -> Any:
        return moved(getattr(Tensor, name), x, *arguments, **named)


def _function(function: Any) -> None:
    @rule(function, zeros=True)
    def _move(build: Builder, *arguments: Any, **named: Any) -> Any:
        return moved(function, *arguments, **named)


for _name in METHODS:
    _method(_name)
for _moving in FUNCTIONS:
    _function(_moving)
MOVES |= {*METHODS, *FUNCTIONS, *LAYERS}


@rule(*LAYERS, zeros=True)
def _layer(build: Builder, module: nn.Module, x: Ids) -> Any:
    return moved(module, x)


@rule(*NOTHING_IN_EVAL, zeros=True)
def _nothing(build: Builder, module: nn.Module, x: Ids) -> Ids:
    return x


@rule(*SAME, "clone", "detach", "float", "to", "type_as", zeros=True)
def _same(build: Builder, input: Ids, *settings: Any, **named: Any) -> Ids:
    return input


MOVES |= {*NOTHING_IN_EVAL, *SAME, "clone", "detach", "float", "to", "type_as"}


@rule("size", zeros=True)
def _size(build: Builder, x: Ids, dim: int | None = None) -> Any:
    return x.shape if dim is None else x.shape[dim]


@rule("dim", zeros=True)
def _dim(build: Builder, x: Ids) -> int:
    return x.ids.dim()


@rule(getattr, zeros=True)
def _attribute(build: Builder, x: Ids, name: str) -> Any:
    known = {"shape": x.shape, "ndim": x.ids.dim(), "device": x.ids.device, "dtype": torch.float32}
    if name in ("T", "mT", "H"):
        return moved(getattr, x, name)
    if name not in known:
        raise UnsupportedLayerError(
            f"The attribute '{name}' of an activation is read.", "Avoid it in forward."
        )
    return known[name]


MEASURES = {"size", "dim", getattr}  # they read a shape and do not use the numbers


def _joining(function: Callable[..., Tensor]) -> None:
    @rule(function, zeros=True)
    def _join(build: Builder, tensors: Sequence[Any], dim: int = 0) -> Neurons:
        return Neurons(function([as_neurons(build, part).ids for part in tensors], dim))


for _joiner in (torch.cat, torch.concat, torch.stack):
    _joining(_joiner)
MOVES |= {torch.cat, torch.concat, torch.stack}


def as_neurons(build: Builder, value: Neurons | Weights | Tensor) -> Neurons:
    """Activations as they are; learned or fixed numbers as neurons that always have that value."""
    if isinstance(value, Neurons):
        return value
    if isinstance(value, Weights):
        return combine(build, [Term(None, value.ids)], like=value.ids)
    return combine(build, [Term(None, None, value.detach().cpu().float())], like=value)


@rule(F.pad, zeros=True)
def pad(
    build: Builder, input: Neurons, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Neurons:
    """Zeros get no neuron; reflection and the like repeat neurons; another constant becomes a neuron."""
    if mode != "constant":
        return Neurons(F.pad(input.ids.double(), list(pad), mode=mode).long())
    fill = ZERO
    if value:
        fill = int(as_neurons(build, torch.tensor([float(value)])).ids)
    return Neurons(F.pad(input.ids, list(pad), value=fill))


@rule(nn.ZeroPad1d, nn.ZeroPad2d, nn.ConstantPad1d, nn.ConstantPad2d, zeros=True)
def _constant_pad(build: Builder, module: nn.ConstantPad2d, x: Neurons) -> Neurons:
    return pad(build, x, module.padding, value=module.value)


@rule(nn.ReflectionPad1d, nn.ReflectionPad2d, zeros=True)
def _reflection(build: Builder, module: nn.ReflectionPad2d, x: Neurons) -> Neurons:
    return pad(build, x, module.padding, mode="reflect")


@rule(nn.ReplicationPad1d, nn.ReplicationPad2d, zeros=True)
def _replication(build: Builder, module: nn.ReplicationPad2d, x: Neurons) -> Neurons:
    return pad(build, x, module.padding, mode="replicate")


MOVES |= {nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReplicationPad1d, nn.ReplicationPad2d}


@rule(nn.Upsample, nn.UpsamplingNearest2d, zeros=True)
def _upsample_module(build: Builder, m: nn.Upsample, x: Neurons) -> Neurons:
    return upsample(build, x, m.size, m.scale_factor, m.mode)


@rule(F.interpolate, zeros=True)
def upsample(
    build: Builder,
    input: Neurons,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    *settings: Any,
    **named: Any,
) -> Neurons:
    """Nearest neighbour: each neuron is read several times."""
    if mode not in ("nearest", "nearest-exact"):
        raise UnsupportedLayerError(f"it interpolates by '{mode}'.", "Use mode='nearest'.")
    return Neurons(F.interpolate(input.ids.double(), size, scale_factor, mode).long())


MOVES |= {nn.Upsample, nn.UpsamplingNearest2d, F.interpolate, F.pad}
