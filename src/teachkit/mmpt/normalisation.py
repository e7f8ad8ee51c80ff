"""BatchNorm when pictures come from several domains: whose mean and variance does a layer use?

In training BatchNorm uses the statistics of the batch; in evaluation mode, running averages over many
batches. If each batch holds one domain, these are two functions: no domain is like the average of all.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import gcd
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from teachkit.errors import UnknownNameError, nearest

NORMS = ("shared", "recalibrated", "domain", "group")
STATISTICS = ("everyone", "domain", "batch")
GROUPS = 8  # of GroupNorm, where the channels allow it

Cuts = list[tuple[int, int]]  # domain and rows, in the order in which they lie in the batch


@dataclass
class Route:
    """What all normalisation layers of a network are told about the batch under way.

    Attributes:
        cuts: the domains of the batch and how many rows each has, in this process.
        statistics: which statistics are used in evaluation mode, one of `STATISTICS`.
        share: in calibration, the weight of this batch among those of its domain; else None.
        processes: how many take part in this step and must agree on statistics.
    """

    cuts: Cuts = field(default_factory=list)
    statistics: str = "everyone"
    share: float | None = None
    processes: int = 1

    @contextmanager
    def set(self, **values: Any) -> Iterator[None]:
        """Inside, these values hold."""
        kept = {name: getattr(self, name) for name in values}
        for name, value in values.items():
            setattr(self, name, value)
        try:
            yield
        finally:
            for name, value in kept.items():
                setattr(self, name, value)


class DomainBatchNorm(nn.Module):
    """BatchNorm that also knows the mean and variance of every domain; for maps [B, C, ...] or rows [B, C].

    ================  ==========================  ============================================
    `own`             in training                 scale and shift
    ================  ==========================  ============================================
    False             statistics of the batch     one for all domains
    True              of each domain's own rows   one for each domain (Chang et al., CVPR 2019)
    ================  ==========================  ============================================

    In evaluation mode `route.statistics` decides: "everyone" (the running average over all batches, as
    ordinary BatchNorm), "domain" (the table of the domain) or "batch" (of the rows at hand).

    Args:
        like: the layer whose numbers are taken over.
        domains: how many there are.
        route: shared with all other layers of the network.
        own: see above.
    """

    running_mean: Tensor
    running_var: Tensor
    domain_mean: Tensor
    domain_var: Tensor

    def __init__(self, like: _BatchNorm, domains: int, route: Route, own: bool = False) -> None:
        super().__init__()
        self.eps, self.momentum, self.own, self.route = like.eps, like.momentum or 0.1, own, route
        copies = domains if own else 1
        given = [like.weight, like.bias] if like.affine else []
        parts = [[nn.Parameter(one.detach().clone()) for _ in range(copies)] for one in given] or [[], []]
        self.weights, self.biases = nn.ParameterList(parts[0]), nn.ParameterList(parts[1])
        mean = torch.zeros(like.num_features) if like.running_mean is None else like.running_mean
        var = torch.ones(like.num_features) if like.running_var is None else like.running_var
        self.register_buffer("running_mean", mean.detach().clone())
        self.register_buffer("running_var", var.detach().clone())
        self.register_buffer("domain_mean", mean.detach().repeat(domains, 1))
        self.register_buffer("domain_var", var.detach().repeat(domains, 1))

    def forward(self, x: Tensor) -> Tensor:
        if self.route.share is not None:
            return self._collected(x)
        if not self.training:
            return self._by_domain(x, training=False) if self._separate else self._whole(x)
        if self.route.processes > 1:
            return self._together(x)
        return self._by_domain(x, training=True) if self.own else self._whole(x)

    @property
    def _separate(self) -> bool:
        """Whether the domains of a batch must be treated one by one in evaluation mode."""
        return self.own or self.route.statistics != "everyone"

    def _affine(self, domain: int) -> tuple[Tensor | None, Tensor | None]:
        if not self.weights:
            return None, None
        place = domain if self.own else 0
        return self.weights[place], self.biases[place]

    def _whole(self, x: Tensor) -> Tensor:
        """All rows alike: ordinary BatchNorm."""
        mean, var = self.running_mean, self.running_var
        return F.batch_norm(x, mean, var, *self._affine(0), self.training, self.momentum, self.eps)

    def _by_domain(self, x: Tensor, training: bool) -> Tensor:
        """Each domain's rows by themselves: ordinary BatchNorm on each of them."""
        of_batch = not training and self.route.statistics == "batch"
        found = []
        for (domain, _), part in zip(self.route.cuts, self._cut(x), strict=True):
            if not len(part):
                continue
            mean, var = (None, None) if of_batch else (self.domain_mean[domain], self.domain_var[domain])
            affine = self._affine(domain)
            found.append(
                F.batch_norm(part, mean, var, *affine, training or of_batch, self.momentum, self.eps)
            )
        return found[0] if len(found) == 1 else torch.cat(found)

    def _together(self, x: Tensor) -> Tensor:
        """Training with statistics over the rows of all processes."""
        cuts = self.route.cuts if self.own else [(0, len(x))]
        parts = [part.float() for part in (self._cut(x) if self.own else [x])]
        dims = [axis for axis in range(x.ndim) if axis != 1]
        shape = [1, -1, *[1] * (x.ndim - 2)]
        sums = torch.stack([part.sum(dims) for part in parts])
        numbers = x.new_tensor([part.numel() // x.shape[1] for part in parts], dtype=torch.float32)
        totals = _summed(torch.cat([sums, numbers.unsqueeze(1)], dim=1))
        count = totals[:, -1:].detach()
        mean = totals[:, :-1] / count
        parts = [part - one.view(shape) for part, one in zip(parts, mean, strict=True)]
        var = _summed(torch.stack([(part**2).sum(dims) for part in parts])) / count
        found = []
        for index, (domain, _) in enumerate(cuts):
            y = parts[index] * (var[index] + self.eps).rsqrt().view(shape)
            weight, bias = self._affine(domain)
            if weight is not None and bias is not None:
                y = y * weight.view(shape) + bias.view(shape)
            found.append(y.to(x.dtype))
            free = float(count[index]) / max(float(count[index]) - 1, 1)  # running variances are unbiased
            self._remember(domain, mean[index].detach(), var[index].detach() * free)
        return torch.cat(found)

    @torch.no_grad()
    def _remember(self, domain: int, mean: Tensor, var: Tensor) -> None:
        means = self.domain_mean[domain] if self.own else self.running_mean
        variances = self.domain_var[domain] if self.own else self.running_var
        means.lerp_(mean, self.momentum)
        variances.lerp_(var, self.momentum)

    def _collected(self, x: Tensor) -> Tensor:
        """Calibration: normalise by the batch, and add its statistics to those of its one domain."""
        ((domain, _),) = self.route.cuts
        mean, var = torch.zeros_like(self.running_mean), torch.ones_like(self.running_var)
        found = F.batch_norm(x, mean, var, *self._affine(domain), True, 1.0, self.eps)
        self.domain_mean[domain] += cast(float, self.route.share) * mean
        self.domain_var[domain] += cast(float, self.route.share) * var
        return found

    def _cut(self, x: Tensor) -> Sequence[Tensor]:
        return x.split([rows for _, rows in self.route.cuts])

    def extra_repr(self) -> str:
        return f"{len(self.running_mean)}, domains={len(self.domain_mean)}, own={self.own}"


def replaced(network: nn.Module, norm: str, domains: int, route: Route) -> nn.Module:
    """`network` with each of its BatchNorm layers replaced, as `norm` says; other layers stay.

    Args:
        network: changed in place, unless it is a BatchNorm layer itself.
        norm: "shared", "recalibrated" and "domain" take `DomainBatchNorm`; "group" takes GroupNorm with
            the same scale and shift, which needs no statistics.

    Raises:
        UnknownNameError: for another norm.
    """
    if norm not in NORMS:
        raise UnknownNameError(f"No norm '{norm}'.", nearest(norm, NORMS, "norms"), name=norm)
    if isinstance(network, _BatchNorm):
        return _in_place_of(network, norm, domains, route)
    for name, child in network.named_children():
        setattr(network, name, replaced(child, norm, domains, route))
    return network


def _in_place_of(layer: _BatchNorm, norm: str, domains: int, route: Route) -> nn.Module:
    new: nn.Module = DomainBatchNorm(layer, domains, route, own=norm == "domain")
    if norm == "group":
        new = nn.GroupNorm(gcd(GROUPS, layer.num_features), layer.num_features, layer.eps, layer.affine)
        if layer.affine:
            new.load_state_dict({"weight": layer.weight, "bias": layer.bias})
    # timm's layers also hold the activation that follows.
    after = [part for name in ("drop", "act") if isinstance(part := getattr(layer, name, None), nn.Module)]
    return nn.Sequential(new, *after) if after else new


def domain_layers(network: nn.Module) -> list[DomainBatchNorm]:
    """The layers of `network` that have statistics of domains."""
    return [module for module in network.modules() if isinstance(module, DomainBatchNorm)]


class _Sum(torch.autograd.Function):
    """A sum over processes, whose gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.contiguous().clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        torch.distributed.all_reduce(total)
        return total


def _summed(values: Tensor) -> Tensor:
    return cast(Tensor, _Sum.apply(values))
