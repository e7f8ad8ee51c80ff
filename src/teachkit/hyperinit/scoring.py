"""What networks can do whose numbers are predicted and never trained: the proof that a predictor works."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from teachkit.graphs.tracing import evaluating
from teachkit.hyperinit.architectures.design import Architecture
from teachkit.hyperinit.meta_nets import meta_net
from teachkit.hyperinit.pictures import Pictures, on_device
from teachkit.hyperinit.pretext import Pretext, pretext_named

if TYPE_CHECKING:
    from teachkit.hyperinit.initializer import HyperInitializer


@torch.no_grad()
def pretext_scores(
    initializer: "HyperInitializer",
    architectures: Mapping[str, Architecture],
    pictures: Pictures,
    pretext: str | Pretext = "rotation",
    *,
    batch_size: int = 64,
    limit: int = 256,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """Loss and accuracy of each network on a task without labels, with predicted numbers as they are.

    BatchNorm takes its statistics from each batch.

    Args:
        architectures: networks by name.
        pictures: a split, or an array of pictures; the first `limit` are shown, to all with the same draws.
        pretext: a task or its name; its head must be the one of pre-training.
        batch_size: pictures at a time; the task makes several inputs of each.

    Returns:
        For each name "loss" and "accuracy"; nan where a network's outputs are no numbers.
    """
    task = pretext_named(pretext) if isinstance(pretext, str) else pretext
    device = next(initializer.parameters()).device
    shown = on_device(pictures, device)[:limit]
    # A last batch of one picture would leave BatchNorm and the tasks of two views without company.
    parts = [part for part in shown.split(batch_size) if len(part) > 1] or [shown]
    batches = [
        task(part, torch.Generator(device).manual_seed(seed + place)) for place, part in enumerate(parts)
    ]
    nets = [
        meta_net(architecture, shown.shape[1], task.outputs, read=initializer.graph)
        for architecture in architectures.values()
    ]
    with evaluating(initializer):
        predicted = initializer.predict([net.graph for net in nets], heads=task.outputs)
    found = {}
    for name, net, numbers in zip(architectures, nets, predicted, strict=True):
        sums = torch.zeros(3, dtype=torch.float64)
        for inputs, targets in batches:
            outputs = net(numbers, inputs).float()
            values = (float(task.loss(outputs, targets)), float(task.accuracy(outputs, targets)), 1.0)
            sums += torch.tensor(values, dtype=torch.float64) * len(inputs)
        loss, accuracy = (sums[:2] / sums[2]).tolist()
        finite = bool(torch.isfinite(sums).all())
        found[name] = {"loss": loss, "accuracy": accuracy if finite else float("nan")}
    return found
