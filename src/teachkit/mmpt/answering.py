"""A network of several domains in evaluation mode: whose statistics, what it answers, how well."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from teachkit import metrics
from teachkit.errors import TrainingError
from teachkit.mmpt.network import DomainNet
from teachkit.mmpt.normalisation import domain_layers
from teachkit.training.batches import Batches
from teachkit.training.modes import evaluating

CALIBRATION_IMAGES = 256  # of each domain: their mean and variance are then known to a few percent
PIXELS_AT_ONCE = 2**22  # 83 pictures of 224 pixels: a ResNet-18 needs about 300 MB for them
ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Answers:
    """What the network says of one split of one domain.

    Attributes:
        probabilities: float32 [N, C].
        labels: [N, L].
        loss: mean over rows.
        task: of the domain.
    """

    probabilities: NDArray[np.float32]
    labels: np.ndarray
    loss: float
    task: str

    def scores(self) -> dict[str, float]:
        """The loss, and the scores of the task by `metrics.scores`.

        Raises:
            TrainingError: when an answer is not finite.
        """
        if not np.isfinite(self.probabilities).all():
            raise TrainingError("The network's answers are not finite.", "Train with a smaller lr.")
        return {"loss": self.loss, **metrics.scores(self.labels, self.probabilities, self.task)}


def rows_at_once(net: DomainNet, batches: Batches, most: int = ROWS_AT_ONCE) -> int:
    """Pictures that go through the network together where no gradient is needed."""
    height, width = batches.gather(np.arange(1))[0].shape[2:]
    edge = net.canvas
    return max(1, min(most, PIXELS_AT_ONCE // (max(height, edge) * max(width, edge))))


@torch.no_grad()
def answers(
    net: DomainNet, fabric: Fabric, batches: Batches, domain: int, task: str, statistics: str, most: int
) -> Answers:
    """Ask the network about every row, in order."""
    head, total, found, truth = net.head(domain), 0.0, [], []
    with evaluating(net), net.route.set(statistics=statistics):
        for images, targets in batches.in_order(rows_at_once(net, batches, most)):
            with fabric.autocast():
                outputs = net([images], [domain])[0]
            outputs = outputs.float()
            total += float(head.row_losses(outputs, targets).sum())
            found.append(head.probabilities(outputs).cpu())
            truth.append(targets.cpu())
    labels = torch.cat(truth).numpy()
    return Answers(torch.cat(found).numpy(), labels.reshape(len(labels), -1), total / len(labels), task)


@torch.no_grad()
def features(
    net: DomainNet, fabric: Fabric, batches: Batches, domain: int, statistics: str
) -> NDArray[np.float32]:
    """What the backbone says of every row: [N, F]."""
    found = []
    with evaluating(net), net.route.set(statistics=statistics), fabric.autocast():
        for images, _ in batches.in_order(rows_at_once(net, batches)):
            found.append(net.features([images], [domain]).float().cpu())
    return torch.cat(found).numpy()


@torch.no_grad()
def calibrate(net: DomainNet, domain: int, parts: Iterable[Tensor], fabric: Fabric | None = None) -> None:
    """Write the statistics of a domain's pictures, without labels, into its row of every layer's table.

    Layer by layer, each picture goes through layers that normalise by the batch at hand, as in training
    (adaptive BatchNorm: Li et al., Pattern Recognition 2018). Means and variances of several batches are
    averaged, weighted by their rows.
    """
    layers, batches = domain_layers(net), list(parts)
    for layer in layers:
        layer.domain_mean[domain] = 0
        layer.domain_var[domain] = 0
    total = sum(len(images) for images in batches)
    with evaluating(net), nullcontext() if fabric is None else fabric.autocast():
        for images in batches:
            with net.route.set(share=len(images) / total):
                net.features([images], [domain])
