"""A run of study 08: one network trained, then asked by the statistics of everyone, domain, batch."""

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from _grid import Grid
from _mmpt_arms import ARMS, BATCH, Run, pairs, pictures
from torch import nn

from teachkit import mmpt
from teachkit.mmpt.backbones import make_backbone
from teachkit.mmpt.domains import Shelf
from teachkit.mmpt.normalisation import domain_layers
from teachkit.training.seeds import seeded

KEPT = ("auc", "balacc", "acc", "kappa", "loss")


def run_cells(grid: Grid, runs: Sequence[Run]) -> None:
    """Compute those that are missing, in this order."""
    torch.set_num_threads(1)
    grid.run_all((run.name, run.settings, partial(measured, run)) for run in runs)


def trained(run: Run) -> mmpt.MMPT:
    """The network of a run, after its last pass: nothing is selected, so nothing is fitted to validation."""
    how: dict[str, Any] = {"norm": "shared", "sampling": "homogeneous"}
    body: str | nn.Module = first_body(run.seed)
    if run.arm != "alone":
        arm = ARMS[run.arm]
        how = {"norm": arm.norm, "sampling": arm.sampling, "idle_heads": arm.idle_heads}
        body = arm.backbone
    return mmpt.pretrain(
        pairs(run.domains),
        body,
        **how,
        epochs=None if run.steps else run.epochs,
        steps=run.steps,
        seed=run.seed,
        lr=run.lr,
        batch_size=BATCH,
        select="last",
        watch_idle=True,
        device="cpu",
    )


def first_body(seed: int) -> nn.Module:
    """The residual network with three channels and the numbers from which all arms of this seed start."""
    with seeded(seed):
        return make_backbone("small_resnet", grey=False, size=28).module


def measured(run: Run) -> dict[str, Any]:
    """Everything the tables need to know about a run."""
    model = trained(run)
    rules = ("everyone",) if run.arm == "alone" else ARMS[run.arm].rules
    values: dict[str, Any] = {
        "rows": model.history.seen,
        "steps": model.history.steps,
        "idle_change": model.history.idle_change,
        "val": course(model),
        "test": {rule: scores(model, run.domains, "test", rule) for rule in rules},
        "train": {rule: scores(model, run.domains, "train", rule) for rule in rules if rule != "batch"},
        "train_mode": train_mode_losses(model, run),
    }
    if run.arm == "sequential":
        values["val_everyone"] = scores(model, run.domains, "val", "everyone")
    if "everyone" in rules and domain_layers(model.net):
        values["distance"] = distances(model)
        values["weight"] = weights_in_average(model, run)
    return values


def scores(model: mmpt.MMPT, domains: Sequence[str], part: str, rule: str) -> dict[str, dict[str, float]]:
    """Scores of each domain by the statistics of `rule`."""
    found = {name: model.evaluate(pictures(name, part), statistics=rule, device="cpu") for name in domains}
    return {name: {score: round(each[score], 6) for score in KEPT} for name, each in found.items()}


def course(model: mmpt.MMPT) -> dict[str, dict[str, list[float]]]:
    """Validation AUC and loss of each domain after each pass."""
    return {
        domain.name: {
            what: [
                round(row[f"val_{what}"], 6) for row in model.history.scores if row["domain"] == domain.name
            ]
            for what in ("auc", "loss")
        }
        for domain in model.domains
    }


@torch.no_grad()
def train_mode_losses(model: mmpt.MMPT, run: Run) -> dict[str, float]:
    """Mean loss of the training pictures of each domain in training mode: one more pass without learning.

    Batches are drawn as in training; a sequence of domains is asked in batches of one domain.
    """
    net = copy.deepcopy(model.net).train()  # a copy: in training mode, looking changes running averages
    shelf = shelf_of(model)
    kind = "mixed" if run.sampling == "mixed" else "homogeneous"
    sampler = mmpt.Sampler(shelf.counts, kind, BATCH, run.seed)
    sums = np.zeros(len(model.domains))
    for batch in sampler.batches(10_000):  # a pass that was never learned from
        images, targets = shelf.gather(batch, batch.present)
        for domain, output, target in zip(batch.present, net(images, batch.present), targets, strict=True):
            sums[domain] += float(net.head(domain).row_losses(output, target).sum())
    means = sums / np.array(shelf.counts)
    return {domain.name: round(float(loss), 6) for domain, loss in zip(model.domains, means, strict=True)}


def distances(model: mmpt.MMPT) -> dict[str, float]:
    """How far the running average lies from each domain's statistics, in standard deviations of the domain.

    The distance of two normal distributions, sqrt((difference of means)² + (difference of standard
    deviations)²), divided by the domain's standard deviation; mean over all channels of all layers.
    """
    found = {}
    for number, domain in enumerate(model.domains):
        each = []
        for layer in domain_layers(model.net):
            sd = (layer.domain_var[number] + layer.eps).sqrt()
            shift = layer.running_mean - layer.domain_mean[number]
            wider = (layer.running_var + layer.eps).sqrt() - sd
            each.append((shift**2 + wider**2).sqrt() / sd)
        found[domain.name] = round(float(torch.cat(each).mean()), 6)
    return found


def weights_in_average(model: mmpt.MMPT, run: Run) -> dict[str, float]:
    """Share of each domain in the running average: a batch counts 0.1, and 0.9 times less with each later."""
    counts = shelf_of(model).counts
    sampler = mmpt.Sampler(counts, run.sampling, BATCH, run.seed, epochs=1 if run.steps else run.epochs)
    rows = [
        np.bincount(batch.domains, minlength=len(counts)) / len(batch)
        for number in range(len(model.history.epochs))
        for batch in sampler.batches(number)
    ][: model.history.steps]
    momentum = domain_layers(model.net)[0].momentum
    later = np.arange(len(rows))[::-1]
    shares = (momentum * (1 - momentum) ** later) @ np.array(rows)
    return {domain.name: round(float(share), 6) for domain, share in zip(model.domains, shares, strict=True)}


def shelf_of(model: mmpt.MMPT) -> Shelf:
    """The training pictures of the network's domains."""
    return Shelf.of([pictures(domain.name, "train") for domain in model.domains], torch.device("cpu"))
