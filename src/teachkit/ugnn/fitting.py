"""One training loop for networks side by side, whether they are plain or one graph."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from teachkit.data.splits import Split
from teachkit.errors import SettingsError, TrainingError
from teachkit.training.batches import Batches
from teachkit.training.modes import evaluating
from teachkit.training.plan import make_schedule
from teachkit.training.progress import progress_bar
from teachkit.ugnn.clustering import Clusters

Schedule = Literal["cosine"] | None

EVALUATION_BATCH = 512


class Alone(nn.Module):
    """Plain networks next to each other, called like a `UGNN`: one batch for all, or a list."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor | Sequence[Tensor]) -> list[Tensor]:
        batches = [x] * len(self.networks) if isinstance(x, Tensor) else x
        return [network(batch) for network, batch in zip(self.networks, batches, strict=True)]


def fit(
    model: nn.Module,
    clusters: Clusters,
    *,
    epochs: int,
    lr: float,
    batch_size: int = 64,
    weight_decay: float = 0.01,
    schedule: Schedule = "cosine",
    loss_weights: Sequence[float] | None = None,
    pooled: bool = False,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Train all networks of `model` in place, each on its own cluster; AdamW, one step for all at a time.

    The loss is the sum over networks of weight times mean cross-entropy. Because AdamW treats every number
    by itself, plain networks learn exactly what they would learn in runs of their own.

    Args:
        model: a `UGNN` or `Alone`; gives a list of logits for a list of batches.
        clusters: one for each network.
        epochs: passes over the clusters.
        lr: learning rate at the start.
        batch_size: images in a batch of the largest cluster; smaller clusters have smaller batches.
        weight_decay: of AdamW; its default, as in the published experiments.
        schedule: of the rate, for all alike: "cosine" to zero, or None for a constant one.
        loss_weights: one for each network; 1 without.
        pooled: whether every network learns from the batches of all clusters: what sharing could reach at
            best, if images could be brought together.
        seed: of the order of the images.

    Returns:
        Cross-entropy [steps, networks], before each step.

    Raises:
        SettingsError: for unusable settings.
        TrainingError: when a loss is no number any more.
    """
    factors = _weights(loss_weights, len(clusters))
    steps = epochs * clusters.steps_per_epoch(batch_size)
    if steps < 1:
        raise SettingsError(f"{epochs} epochs give no step.", "Use at least 1.", epochs=epochs)
    device = next(model.parameters()).device
    held = [Batches.of(part, device) for part in clusters.train]
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    rate = make_schedule(schedule, optimizer, steps)
    losses = np.empty((steps, len(clusters)), dtype=np.float32)
    model.train()
    with progress_bar(steps, "steps") as bar:
        for step, rows in enumerate(clusters.batches(batch_size, epochs, seed)):
            pairs = [batches.gather(chosen) for batches, chosen in zip(held, rows, strict=True)]
            inputs, targets = [x for x, _ in pairs], [y for _, y in pairs]
            if pooled:
                inputs, targets = _joined(inputs), _joined(targets)
            each = torch.stack(
                [F.cross_entropy(out, target) for out, target in zip(model(inputs), targets, strict=True)]
            )
            losses[step] = each.detach().cpu().numpy()
            _check_finite(losses[step], step, clusters.names, lr)
            optimizer.zero_grad()
            (each * factors.to(device)).sum().backward()
            optimizer.step()
            if rate is not None:
                rate.step()
            bar.update()
    model.eval()
    return losses


@torch.no_grad()
def predict(model: nn.Module, split: Split) -> list[NDArray[np.float32]]:
    """Probabilities [N, classes] of each network for the same images."""
    batches = Batches.of(split, next(model.parameters()).device)
    with evaluating(model):
        found = [model(inputs) for inputs, _ in batches.in_order(EVALUATION_BATCH)]
    return [torch.cat(parts).softmax(1).cpu().numpy() for parts in zip(*found, strict=True)]


def _joined(parts: list[Tensor]) -> list[Tensor]:
    return [torch.cat(parts)] * len(parts)


def _weights(given: Sequence[float] | None, count: int) -> Tensor:
    weights = torch.ones(count) if given is None else torch.tensor(list(given), dtype=torch.float32)
    if len(weights) != count or not bool((weights >= 0).all()):
        raise SettingsError(
            f"The loss weights are {list(given or [])} for {count} networks.",
            "Give each network a weight of 0 or more.",
        )
    return weights


def _check_finite(losses: NDArray[np.float32], step: int, names: Sequence[str], lr: float) -> None:
    if not np.isfinite(losses).all():
        bad = [name for name, loss in zip(names, losses, strict=True) if not np.isfinite(loss)]
        raise TrainingError(
            f"At step {step} the loss on {', '.join(bad)} is no number any more.",
            f"Use a learning rate below {lr:g}.",
            step=step,
        )
