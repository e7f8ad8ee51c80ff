"""The call that trains one network on several domains: everything checked and put together."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from torch import nn

from teachkit.data.splits import Split
from teachkit.errors import FormatError, SettingsError
from teachkit.mmpt.backbones import make_backbone
from teachkit.mmpt.domains import Domain, Domains, check_scorable, described, opened
from teachkit.mmpt.history import History
from teachkit.mmpt.network import DomainNet
from teachkit.mmpt.plan import Recipe
from teachkit.mmpt.run import Run
from teachkit.training import checkpoints
from teachkit.training.device import open_fabric
from teachkit.training.naming import Settings, describe
from teachkit.training.seeds import seeded

if TYPE_CHECKING:
    from teachkit.mmpt.model import MMPT


def pretrain(
    domains: Domains,
    backbone: str | nn.Module = "small_resnet",
    *,
    norm: str | None = None,
    sampling: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
    preset: str = "native",
    size: int = 28,
    channels: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    alpha: float | None = None,
    batch_size: int | None = None,
    optimizer: str | None = None,
    lr: float | None = None,
    head_lr: float | None = None,
    weight_decay: float | None = None,
    schedule: str | None = None,
    head_schedule: str | None = None,
    clip: float | None = None,
    domain_weights: str | Mapping[str, float] | None = None,
    ordinal: str | None = None,
    select: str | None = None,
    patience: int | None = None,
    canvas: int | None = None,
    idle_heads: str | None = None,
    watch_idle: bool = False,
    device: str = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
    on_epoch: Callable[[History], object] | None = None,
    progress: bool = True,
) -> "MMPT":
    """Train one backbone on several data sets at once, with a head for each: mm-PT (Woerner et al. 2024).

    Every setting that is None is the preset's. The seed decides initial weights and batches; the same call
    gives the same network.

    Args:
        domains: names of sets; or a mapping from names to (train, val), or to train alone.
        backbone: "small_resnet", "resnet18_28", "small_vit", a model of timm or torchvision by name, or a
            module from images [B, C, H, W] to features [B, F], which is copied.
        norm: what the BatchNorm layers of the backbone do. "shared": one running average for all, as they are
            (the thesis). "recalibrated": trained like this; after each pass every domain gets the statistics
            of its own training pictures, to be used for it. "domain": statistics, scale and shift for each
            domain. "group": GroupNorm instead.
        sampling: "homogeneous", "mixed", "temperature" or "sequential"; see `Sampler`.
        epochs: passes; or
        steps: optimiser steps. Exactly one of the two.
        seed: 0 or larger.
        preset: "native", or "thesis" for its table 3: 100 epochs, patience 10 on the validation loss, rate
            1e-4, batches of 64, zero padding to 224 after normalisation. The thesis started from ImageNet's
            weights: give them by weights=.
        size: edge of the pictures of sets that are loaded by name.
        channels: of the pictures as a backbone by name gets them: 1, or 3; None for 3 as soon as one set is
            in colour. Backbones of timm and torchvision always have 3.
        weights: of the backbone: None for random ones, "imagenet", or a file.
        alpha: of "temperature" and "mixed": 1 draws domains by size, 0 all alike.
        batch_size: rows in a batch, over all processes together.
        optimizer: "adamw", "adam", "sgd".
        lr: highest learning rate of the backbone.
        head_lr: of the heads; None means as the backbone.
        weight_decay: of backbone and heads.
        schedule: "constant", "cosine" (to 0, step by step), "epochs" (cosine that moves once a pass).
        head_schedule: "shared": heads follow the backbone's. "own": each head's cosine counts its own rows.
        clip: largest norm of the gradient; 0 for none.
        domain_weights: see `plan.weights_of_domains`.
        ordinal: loss of ordinal sets, "cumulative" or "cross-entropy" (the thesis).
        select: weights that are kept: those with the best mean validation "auc" (each domain counts alike),
            with the lowest validation "loss" (each batch counts alike, as in the thesis), or the "last" ones,
            which are kept with "sequential" and without validation.
        patience: passes without a better selection after which the run stops; 0 for never.
        canvas: pictures are put into a square with this edge; 0 takes them as they come.
        idle_heads: "left": heads without pictures in a step are not touched. "zeroed": they get a gradient of
            zero; then weight decay and momentum move them, as under torch 1.
        watch_idle: measure by how much they move: `history.idle_change`.
        device: "auto", "cpu", "cuda", ... Under torchrun all processes share each batch.
        checkpoint: a file, written after each pass; where it exists, the run goes on from it and ends exactly
            as if it had never stopped.
        on_epoch: called after each pass with the history.
        progress: show a bar in a terminal, and in a live notebook a table of the domains; elsewhere nothing.

    Returns:
        The network: `.predict`, `.evaluate`, `.history`, `.save`.

    Raises:
        SettingsError, UnknownNameError: for settings that make no sense, before anything runs.
        FormatError: for data that cannot be learned from.
        TrainingError: when the loss stops being a number, or the checkpoint belongs to other settings.
    """
    from teachkit.mmpt.model import MMPT

    given = {field: value for field, value in locals().items() if field in Recipe.__dataclass_fields__}
    splits = opened(domains, size)
    if any(val is None for _, val in splits.values()):
        if given["select"] not in (None, "last"):
            raise SettingsError(
                f"select is {select!r}, but not every domain has a validation split.",
                'Give (train, val) for each domain, or select="last".',
            )
        given["select"] = "last"
    if sampling == "sequential" and select is None:  # what was forgotten is the question
        given["select"] = "last"
    recipe = Recipe.named(preset, given)
    fabric = open_fabric(device)
    specs = described(splits)
    with seeded(recipe.seed):
        net, settings = _built(backbone, weights, channels, splits, specs, recipe)
        if fabric.world_size > 1:  # all processes start from the numbers of the first
            net.load_state_dict(fabric.broadcast(net.state_dict()))
        net.to(fabric.device)
        run = Run.of(fabric, recipe, specs, splits, net, watch_idle)
        path = None if checkpoint is None else Path(checkpoint)
        settings |= {"precision": str(fabric._precision.precision)}
        if state := checkpoints.found(path, settings, fabric):
            run.go_on_from(state)
        run.train(path, settings, on_epoch, progress)
    net.eval()
    return MMPT(net, specs, run.history, settings)


def _built(
    backbone: str | nn.Module,
    weights: str | os.PathLike[str] | None,
    channels: int | None,
    splits: Mapping[str, tuple[Split, Split | None]],
    domains: tuple[Domain, ...],
    recipe: Recipe,
) -> tuple[DomainNet, Settings]:
    """The network at its start, and what a checkpoint must agree on."""
    trains = {name: train for name, (train, _) in splits.items()}
    sizes = {name: train.size for name, train in trains.items()}
    if not recipe.canvas and (len(set(sizes.values())) > 1 or None in sizes.values()):
        raise FormatError(
            f"The pictures have edges of {sizes} pixels.",
            "Give canvas=, the edge of a square that holds them all.",
            sizes=sizes,
        )
    if recipe.select == "auc":
        for domain, (_, val) in zip(domains, splits.values(), strict=True):
            check_scorable(domain, cast(Split, val))
    edge = recipe.canvas or next(iter(sizes.values()))
    found = max(train.channels for train in trains.values())
    if channels not in (None, 3, found):
        raise SettingsError(
            f"channels is {channels}, and the pictures have {found}.", "Give 3, or None.", channels=channels
        )
    body = make_backbone(backbone, grey=(channels or found) == 1, size=cast(int, edge), weights=weights)
    net = DomainNet(body, domains, norm=recipe.norm, ordinal=recipe.ordinal, canvas=recipe.canvas)
    settings: Settings = {
        **recipe.settings(),
        "backbone": body.name or type(backbone).__name__,
        "from_name": bool(body.name),
        "parameters": sum(p.numel() for p in net.parameters()),
        "channels": body.channels,
        "edge": edge,
        "weights": None if weights is None else str(weights),
        "train": describe(trains),
        "val": describe({name: val for name, (_, val) in splits.items()}),
    }
    return net, settings
