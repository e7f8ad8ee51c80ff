"""Linear layers: every neuron of one layer reaches every neuron of the next."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.graphs.building import Builder, EdgeList, Neurons, Weights
from teachkit.graphs.rules.registry import rule


@rule(nn.Linear)
def _module(build: Builder, module: nn.Linear, x: Neurons) -> Neurons:
    bias = None if module.bias is None else build.weights(module.bias)
    return linear(build, x, build.weights(module.weight), bias)


@rule(F.linear)
def linear(build: Builder, input: Neurons, weight: Weights, bias: Weights | None = None) -> Neurons:
    """y[..., o] = sum_i weight[o, i] x[..., i] + bias[o]."""
    x = input.ids[0]  # [..., inputs]
    outputs, inputs = weight.shape
    rows = x.numel() // inputs
    return build.layer(
        (*x.shape[:-1], outputs),
        rows * outputs * inputs,
        lambda: every_pair(x, weight.ids),
        input.ids,
        bias=None if bias is None else bias.ids.expand(rows, outputs).flatten(),
        channel_last=True,
        settings={"operation": "linear"},
    )


def every_pair(source: Tensor, weight: Tensor) -> EdgeList:
    """Edges from all `source` [..., inputs] to all outputs of their row, `weight` [outputs, inputs]."""
    outputs, inputs = weight.shape
    src = source.reshape(-1, 1, inputs)
    src = src.expand(len(src), outputs, inputs)
    dst = torch.arange(len(src) * outputs).view(-1, outputs, 1).expand_as(src)
    return EdgeList(src.flatten(), dst.flatten(), weight.expand_as(src).flatten())
