"""After a pass: statistics of every domain, and how well each goes; shared out among the processes."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from teachkit.mmpt.answering import CALIBRATION_IMAGES, ROWS_AT_ONCE, answers, calibrate, rows_at_once
from teachkit.mmpt.domains import Domain, Shelf
from teachkit.mmpt.network import DomainNet
from teachkit.mmpt.normalisation import domain_layers
from teachkit.mmpt.plan import Recipe, weights_of_domains

SCORES = ("loss", "auc", "acc", "balacc", "kappa")


def rule_of(norm: str) -> str:
    """Whose statistics a network trained with `norm` uses in evaluation mode."""
    return "domain" if norm in ("recalibrated", "domain") else "everyone"


def recalibrated(net: DomainNet, shelf: Shelf, fabric: Fabric) -> None:
    """Give every domain the statistics of its own pictures on `shelf`."""
    layers = domain_layers(net)
    if not layers:
        return
    for domain, batches in enumerate(shelf.domains):
        if domain % fabric.world_size == fabric.global_rank:
            parts = shelf.spread(domain, CALIBRATION_IMAGES, rows_at_once(net, batches))
            calibrate(net, domain, parts, fabric)
        else:
            for layer in layers:
                layer.domain_mean[domain] = 0
                layer.domain_var[domain] = 0
    if fabric.world_size > 1:
        for table in [table for layer in layers for table in (layer.domain_mean, layer.domain_var)]:
            table.copy_(cast(Tensor, fabric.all_reduce(table, reduce_op="sum")))


def validated(
    net: DomainNet, shelf: Shelf, domains: Sequence[Domain], fabric: Fabric, statistics: str
) -> list[dict[str, float]]:
    """Loss and scores of every domain, with `val_` before their names."""
    found = torch.zeros(len(domains), len(SCORES), dtype=torch.float64)
    for number, (domain, batches) in enumerate(zip(domains, shelf.domains, strict=True)):
        if number % fabric.world_size == fabric.global_rank:
            said = answers(net, fabric, batches, number, domain.task, statistics, ROWS_AT_ONCE).scores()
            found[number] = torch.tensor([said[name] for name in SCORES], dtype=torch.float64)
    if fabric.world_size > 1:
        found = cast(Tensor, fabric.all_reduce(found, reduce_op="sum"))
    return [dict(zip([f"val_{name}" for name in SCORES], row, strict=True)) for row in found.tolist()]


def weights_of_losses(recipe: Recipe, names: Sequence[str], shelf: Shelf) -> NDArray[np.float64]:
    """Share of each domain in the validation loss: its batches times its weight, as in the thesis: [D]."""
    batches = [-(-count // recipe.batch_size) for count in shelf.counts]
    weights = weights_of_domains(recipe.domain_weights, names, shelf.counts, batches)
    return np.array(batches) * weights / sum(batches)
