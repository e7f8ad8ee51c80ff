"""Pictures of a network of several domains: clouds of features under a switch, and where it looks."""

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

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
from teachkit.plots import Picture, StatisticsSwitch, explore_statistics
from teachkit.plots.feature_clouds import feature_clouds
from teachkit.plots.map_courses import map_courses
from teachkit.plots.switches import WORDS
from teachkit.training.batches import Batches
from teachkit.training.modes import evaluating

if TYPE_CHECKING:
    from teachkit.mmpt.model import MMPT


def switch(model: "MMPT", splits: Sequence[Split], positions: Sequence[str], shown: int) -> StatisticsSwitch:
    """Features and scores of the splits by the statistics of each position; see `Figures.switch`."""
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
    middle, directions, _ = principal_axes(np.concatenate(list(features[best].values())))
    clouds = {
        rule: {name: (found - middle) @ directions.T for name, found in by_name.items()}
        for rule, by_name in features.items()
    }
    kinds = {split.split for split in splits}
    label = f"{kinds.pop()} AUC" if len(kinds) == 1 else "AUC"
    return explore_statistics(
        clouds, scores, label=label, title=f"One network, {len(splits)} domains: {model.in_short}"
    )


def draw_clouds(
    model: "MMPT", splits: Sequence[Split], by: str, statistics: str | None, shown: int
) -> Picture:
    """Features of the splits on their first two principal axes; see `Figures.draw_clouds`."""
    if by not in ("domain", "class") or not splits:
        raise SettingsError(
            f"Clouds of {len(splits)} splits by '{by}'.", 'Give splits, and by="domain" or "class".', by=by
        )
    parts = [_spread(split, shown) for split in splits]
    found = [model.features(part, statistics=statistics) for part in parts]
    titles = [model.domain_of(split).title for split in splits]
    panels: dict[str, dict[str, NDArray[np.floating[Any]]]] = {}
    if by == "domain":
        middle, directions, share = principal_axes(np.concatenate(found))
        panels[f"all domains; both axes: {100 * share:.0f} % of the variance"] = {
            name: (values - middle) @ directions.T for name, values in zip(titles, found, strict=True)
        }
    else:
        for name, part, values in zip(titles, parts, found, strict=True):
            if part.info.task == "multi-label":
                raise SettingsError(f"A picture of {name} may have several labels.", 'Use by="domain".')
            middle, directions, share = principal_axes(values)
            points = (values - middle) @ directions.T
            panels[f"{name}; both axes: {100 * share:.0f} % of the variance"] = {
                label: points[part.labels[:, 0] == number] for number, label in enumerate(part.info.classes)
            }
    return feature_clouds(
        panels,
        title=f"Features of {model.in_short}",
        note=f"Each dot is an image. Statistics {WORDS[model.rule(statistics)]}",
    )


def draw_maps(
    model: "MMPT",
    splits: Sequence[Split],
    rows: int,
    target: int | None,
    statistics: Sequence[str] | None,
    seed: int,
) -> Picture:
    """Activation maps of random pictures, a column for each of the statistics; see `Figures.draw_maps`."""
    if not splits or rows < 1:
        raise SettingsError(f"{rows} rows of {len(splits)} splits.", "Give at least one of each.", rows=rows)
    if statistics is None:
        both = model.net.has_statistics and model.settings["norm"] != "domain"
        statistics = ("everyone", "domain") if both else (model.statistics,)
    pictures, names = [], []
    columns: dict[str, list[NDArray[np.float32]]] = {rule: [] for rule in statistics}
    for place, split in enumerate(splits):
        count = max(rows // len(splits) + (place < rows % len(splits)), 1)
        part = split.sample(count, seed=seed)
        pictures += [_in_colour(np.asarray(picture)) for picture in np.asarray(part.images)]
        labels = part.labels[:, 0] if target is None else np.full(len(part), target)
        names += [f"{model.domain_of(split).title}\n{part.info.classes[label]}" for label in labels]
        for rule in statistics:
            found = model.activation_maps(part, target, statistics=rule)
            columns[rule] += list(found / np.maximum(np.abs(found).max((1, 2), keepdims=True), 1e-12))
    return map_courses(
        np.stack(pictures),
        names,
        {f"statistics\n{WORDS[rule]}": np.stack(maps) for rule, maps in columns.items()},
        label="evidence against (−) and for (+) the class named on the left",
        title="\n".join(["Where one network looks", *wrap(model.in_short, 40)]),
        note="Images at random, none chosen. The largest value of each map is 1.",
    )


def _in_colour(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=-1)


def principal_axes(
    features: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Mean [F] of features [N, F], the directions [2, F] in which they vary most, their share of variance."""
    middle = features.mean(axis=0)
    _, sizes, directions = np.linalg.svd(features - middle, full_matrices=False)
    variances = sizes.astype(np.float64) ** 2
    return middle, directions[:2].astype(np.float32), float(variances[:2].sum() / max(variances.sum(), 1e-30))


@torch.no_grad()
def activation_maps(
    net: DomainNet, batches: Batches, domain: int, targets: NDArray[np.int64], statistics: str
) -> NDArray[np.float32]:
    """Where in each picture the evidence for a class lies; see `Figures.activation_maps`.

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
