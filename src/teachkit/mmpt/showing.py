"""Pictures of a network of several domains: clouds of features under a switch, and where it looks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from teachkit.data.splits import Split
from teachkit.errors import SettingsError
from teachkit.mmpt.answering import rows_at_once
from teachkit.mmpt.backbones import Pooled, Timm
from teachkit.mmpt.heads import ClassHead, LabelHead
from teachkit.mmpt.network import DomainNet
from teachkit.plots import StatisticsSwitch, explore_statistics
from teachkit.training.batches import Batches
from teachkit.training.modes import evaluating

if TYPE_CHECKING:
    from teachkit.mmpt.model import MMPT


def switch(model: "MMPT", splits: Sequence[Split], positions: Sequence[str], shown: int) -> StatisticsSwitch:
    """Features and scores of the splits by the statistics of each position; see `MMPT.switch`."""
    names = [model.domain_of(split).title for split in splits]
    parts = [_spread(split, shown) for split in splits]
    features: dict[str, dict[str, NDArray[np.float32]]] = {}
    scores: dict[str, dict[str, float]] = {}
    for rule in positions:
        features[rule] = {
            n: model.features(part, statistics=rule) for n, part in zip(names, parts, strict=True)
        }
        scores[rule] = {
            n: model.evaluate(split, statistics=rule)["auc"] for n, split in zip(names, splits, strict=True)
        }
    best = "domain" if "domain" in features else positions[0]
    middle, directions = principal_axes(np.concatenate(list(features[best].values())))
    clouds = {
        rule: {name: (found - middle) @ directions.T for name, found in by_name.items()}
        for rule, by_name in features.items()
    }
    kinds = {split.split for split in splits}
    label = f"{kinds.pop()} AUC" if len(kinds) == 1 else "AUC"
    told = f"{model.settings['backbone']}, norm {model.settings['norm']!r}, {model.settings['sampling']}"
    return explore_statistics(
        clouds, scores, label=label, title=f"One network, {len(splits)} domains: {told}"
    )


def principal_axes(features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean [F] of features [N, F], and the two directions [2, F] in which they vary most."""
    middle = features.mean(axis=0)
    return middle, np.linalg.svd(features - middle, full_matrices=False)[2][:2]


@torch.no_grad()
def activation_maps(
    net: DomainNet, batches: Batches, domain: int, targets: NDArray[np.int64], statistics: str
) -> NDArray[np.float32]:
    """Where in each picture the evidence for a class lies; see `MMPT.activation_maps`.

    Raises:
        SettingsError: when features are no mean over a map, or the head has no weights of classes.
    """
    head, body = net.heads[domain], net.backbone
    if not isinstance(head, ClassHead | LabelHead) or not isinstance(body, Pooled | Timm):
        raise SettingsError(
            f"{type(head).__name__} on {type(body).__name__} has no activation maps.",
            'Use a convolutional backbone by name, and ordinal="cross-entropy" for ordinal sets.',
        )
    weights = head.weight
    if len(weights) > 1 and isinstance(head, ClassHead):  # softmax ignores what all classes share
        weights = weights - (weights.sum(0) - weights) / (len(weights) - 1)
    found, start = [], 0
    with evaluating(net), net.route.set(statistics=statistics):
        for images, _ in batches.in_order(rows_at_once(net, batches)):
            net.route.cuts = [(domain, len(images))]
            maps = body.feature_map(net.prepare(images))
            if maps.ndim != 4:
                raise SettingsError("This backbone has tokens, no map.", "Use a convolutional backbone.")
            chosen = weights[torch.from_numpy(targets[start : start + len(images)]).to(weights.device)]
            found.append(_enlarged(torch.einsum("bf,bfhw->bhw", chosen, maps), net.canvas, images).cpu())
            start += len(images)
    return torch.cat(found).numpy()


def _enlarged(maps: Tensor, canvas: int, images: Tensor) -> Tensor:
    """Maps [B, h, w] at the size of the images, without the border of the canvas."""
    height, width = images.shape[2:]
    size = (canvas, canvas) if canvas else (height, width)
    whole = F.interpolate(maps.unsqueeze(1), size=size, mode="bilinear", align_corners=False).squeeze(1)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return whole[:, top : top + height, left : left + width].float()


def _spread(split: Split, count: int) -> Split:
    """Up to `count` rows, evenly spread."""
    return split[np.unique(np.linspace(0, len(split) - 1, min(count, len(split))).astype(int))]
