"""Where a network looks while it is fine-tuned: class activation maps after some epochs."""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from teachkit.data import Split
from teachkit.errors import SettingsError
from teachkit.graphs.tracing import evaluating
from teachkit.hyperinit.downstream import Sample, fine_tuning
from teachkit.hyperinit.statistics import Images, as_floats, recompute_statistics
from teachkit.plots.map_courses import map_courses
from teachkit.plots.picture import Picture


def activation_maps(network: nn.Sequential, images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Evidence for the class that the network names, at each place of its last map.

    With the last map A [features, h, w] and weights w of the last layer, class c has the map
    ``sum_k (w[c, k] - mean over other classes) * A[k]``; see `vision.Classifier.activation_maps`.

    Args:
        network: from `starting`, with a last map, an average, and one linear layer.

    Returns:
        Maps, float32 [N, h, w], and the classes named, int64 [N].

    Raises:
        SettingsError: when a hidden layer stands between the map and the last layer.

    Source: Zhou et al., Learning deep features for discriminative localization, CVPR 2016, equations 1-2.
    """
    head = network[-1]
    if not isinstance(head, nn.Linear):
        raise SettingsError(
            "A hidden layer stands between the last map and the answer.", "Take a network without one."
        )
    weight = head.weight
    contrast = weight - (weight.sum(0) - weight) / max(len(weight) - 1, 1)
    maps, named = [], []
    with evaluating(network), torch.no_grad():
        for part in as_floats(images).split(64):
            last = network[0](part)
            classes = head(last.mean((2, 3))).argmax(1)
            maps.append(torch.einsum("bk,bkhw->bhw", contrast[classes], last))
            named.append(classes)
    return torch.cat(maps).numpy(), torch.cat(named).numpy()


def maps_while_tuning(
    network: nn.Sequential,
    sample: Sample,
    images: Images,
    *,
    lr: float,
    epochs: Collection[int],
    seed: int,
    batch_size: int = 16,
) -> dict[int, np.ndarray]:
    """Fine-tune a copy of `network`, and take its maps of `images` after each of the epochs; 0 is the start.

    Returns:
        Epoch to maps, float32 [N, h, w].
    """
    tuned = deepcopy(network)
    found = {}
    if 0 in epochs:
        recompute_statistics(tuned, sample.unlabelled)
        found[0] = activation_maps(tuned, images)[0]
    last = max(epochs)
    if last:
        for epoch in fine_tuning(tuned, sample, lr=lr, epochs=last, seed=seed, batch_size=batch_size):
            if epoch in epochs:
                recompute_statistics(tuned, sample.unlabelled)
                found[epoch] = activation_maps(tuned, images)[0]
    return found


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation of two maps of each image [N, h, w], [N]; nan for a map without differences."""
    rows = []
    for maps in (a, b):
        flat = maps.reshape(len(maps), -1).astype(np.float64)
        flat = flat - flat.mean(1, keepdims=True)
        length = np.linalg.norm(flat, axis=1, keepdims=True)
        rows.append(np.divide(flat, length, out=np.full_like(flat, np.nan), where=length > 0))
    return (rows[0] * rows[1]).sum(1)


def draw_maps(
    starts: Mapping[str, tuple[nn.Sequential, float]],
    sample: Sample,
    shown: Split,
    epochs: Sequence[int],
    seed: int,
    batch_size: int,
    title: str,
) -> Picture:
    """A row for each image of `shown`: the image, each start before and after some epochs.

    Maps before the first epoch belong to a random last layer: they say what such a picture looks like
    where nothing has been learned.

    Args:
        starts: arm to its network and learning rate.
    """
    asked = (0, *sorted(set(epochs)))
    columns: dict[str, np.ndarray] = {}
    for arm, (network, rate) in starts.items():
        found = maps_while_tuning(
            network, sample, shown, lr=rate, epochs=asked, seed=seed, batch_size=batch_size
        )
        columns |= {f"{arm}\n{_when(epoch)}": _enlarged(found[epoch], shown) for epoch in asked}
    rates = ", ".join(f"{arm} {rate:g}" for arm, (_, rate) in starts.items())
    return map_courses(
        np.asarray(shown.images),
        [shown.info.classes[label] for label in shown.labels[:, 0]],
        columns,
        title=title,
        note="Images at random, none chosen. The largest value of each map is 1. 'Start': the last layer is "
        f"random.\nLearning rates: {rates}.",
    )


def _when(epoch: int) -> str:
    return f"epoch {epoch}" if epoch else "start"


def _enlarged(maps: np.ndarray, shown: Split) -> np.ndarray:
    """Maps at the size of the images, each divided by its largest absolute value."""
    size = np.asarray(shown.images).shape[1:3]
    large = F.interpolate(torch.from_numpy(maps)[:, None], size, mode="bilinear", align_corners=False)[:, 0]
    return (large / large.abs().amax((1, 2), keepdim=True).clamp_min(1e-12)).numpy()
