"""How far the statistics of a domain lie from those of everyone."""

import pandas as pd
import torch
from torch import Tensor

from teachkit.errors import SettingsError
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.network import DomainNet
from teachkit.mmpt.normalisation import DomainBatchNorm


def apart(mean: Tensor, var: Tensor, other_mean: Tensor, other_var: Tensor) -> Tensor:
    """Hellinger distance of two normal distributions: 0 when they are the same, 1 when nothing overlaps.

    It is the root of one minus their overlap, the integral of the root of the product of both densities:
    ``sqrt(2 s t / (s² + t²)) exp(-(m - n)² / (4 (s² + t²)))`` for means m, n and standard deviations s, t.
    Means that are one standard deviation apart give 0.34.

    Source: Pardo, Statistical inference based on divergence measures, 2006, chapter 1.
    """
    both = var + other_var
    overlap = torch.sqrt(2 * (var * other_var).sqrt() / both)
    overlap = overlap * torch.exp(-((mean - other_mean) ** 2) / (4 * both))
    return (1 - overlap).clamp_min(0).sqrt()


def distances(net: DomainNet, domains: tuple[Domain, ...]) -> pd.DataFrame:
    """A row for each BatchNorm layer from input to output, a column for each domain.

    Each number is the mean over channels of `apart`, between the running average and the table of the domain.

    Raises:
        SettingsError: when no layer knows both.
    """
    layers = {name: module for name, module in net.named_modules() if isinstance(module, DomainBatchNorm)}
    if not layers or any(layer.own for layer in layers.values()):
        raise SettingsError(
            "No layer of this network knows the statistics of everyone and those of a domain.",
            'Train with norm="shared" or norm="recalibrated", and a backbone with BatchNorm.',
        )
    rows = [_of_layer(layer, len(domains)) for layer in layers.values()]
    index = pd.Index([name.removeprefix("backbone.") for name in layers], name="layer")
    return pd.DataFrame(rows, index=index, columns=[domain.name for domain in domains])


def _of_layer(layer: DomainBatchNorm, domains: int) -> list[float]:
    # A channel that is nearly constant is divided by the root of eps, and by little else.
    everyone = layer.running_var.double() + layer.eps
    found = [
        apart(
            layer.domain_mean[number].double(),
            layer.domain_var[number].double() + layer.eps,
            layer.running_mean.double(),
            everyone,
        )
        for number in range(domains)
    ]
    return [float(one.mean()) for one in found]
