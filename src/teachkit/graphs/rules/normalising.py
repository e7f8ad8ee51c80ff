"""BatchNorm in evaluation mode: y = gamma (x - mean) / sd + beta, with stored mean and sd.

Two edges a neuron share gamma: one from x with gain 1 / sd, one from the constant 1 with gain -mean / sd.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.errors import UnsupportedLayerError
from teachkit.graphs.building import Builder, Neurons, Weights
from teachkit.graphs.rules.combining import Term, combine
from teachkit.graphs.rules.registry import rule


@rule(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
def _module(build: Builder, module: nn.BatchNorm2d, x: Neurons) -> Neurons:
    weight, bias = (None if part is None else build.weights(part) for part in (module.weight, module.bias))
    return batch_norm(build, x, module.running_mean, module.running_var, weight, bias, eps=module.eps)


@rule(F.batch_norm)
def batch_norm(
    build: Builder,
    input: Neurons,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Weights | None = None,
    bias: Weights | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Neurons:
    if running_mean is None or running_var is None or training:
        raise UnsupportedLayerError(
            "it normalises by the other images of the batch, so images are no longer independent.",
            "Use track_running_stats=True, and train before you convert.",
        )
    along = (-1, *[1] * (input.ids.dim() - 2))  # channels are axis 1
    gain = (running_var.detach().cpu().double() + eps).rsqrt()
    shift = -running_mean.detach().cpu().double() * gain
    gamma = None if weight is None else weight.ids.view(along)
    terms = [Term(input.ids, gamma, gain.view(along)), Term(None, gamma, shift.view(along))]
    beta = None if bias is None else bias.ids.view(along)
    return combine(build, terms, bias=beta, like=input.ids)
