"""Linear layers: every neuron of one layer reaches every neuron of the next."""

import torch
import torch.nn.functional as F
from torch import nn

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

    def write() -> EdgeList:
        src = x.reshape(rows, 1, inputs).expand(rows, outputs, inputs)
        dst = torch.arange(rows * outputs).view(rows, outputs, 1).expand_as(src)
        return EdgeList(src.flatten(), dst.flatten(), weight.ids.expand_as(src).flatten())

    return build.layer(
        (*x.shape[:-1], outputs),
        rows * outputs * inputs,
        write,
        input.ids,
        bias=None if bias is None else bias.ids.expand(rows, outputs).flatten(),
        channel_last=True,
        settings={"inputs": inputs, "outputs": outputs},
    )
