"""A trained model asked: probabilities, and scores by the task's own rules."""

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from teachkit import metrics
from teachkit.data.splits import Split
from teachkit.errors import SettingsError
from teachkit.training.batches import Batches
from teachkit.training.checks import check_fit
from teachkit.training.device import open_fabric
from teachkit.training.losses import Loss, probabilities
from teachkit.training.modes import evaluating
from teachkit.training.plan import Augment
from teachkit.training.seeds import seeded

# Sixteen crops of 128 pixels: a U-Net of base width 16 then needs about 200 MB, and no time is lost.
PIXELS_AT_ONCE = 2**18


def predict(
    model: nn.Module,
    split: Split,
    *,
    batch_size: int = 256,
    device: str = "auto",
    views: Augment | None = None,
    repeats: int = 8,
) -> NDArray[np.float32]:
    """Probabilities of every row, in eval mode; the model moves to the device and keeps its mode.

    Args:
        model: as for `fit`.
        split: N rows.
        batch_size: at most so many rows at once; does not change the result, beyond rounding.
        device: as for `fit`.
        views: test-time augmentation: the result is the mean over the images as they are and `repeats` random
            changes of them, drawn with seed 0. Not for segmentation, whose places would move.
        repeats: number of changed views.

    Returns:
        ``[N, C]``; the numbers themselves, ``[N, 1]``, for regression; ``[N, C, H, W]`` for segmentation.

    Raises:
        FormatError: when the model cannot take the split.
        SettingsError: for views of a segmentation split, or less than one of them.
    """
    if views is not None and (split.info.task == "segmentation" or repeats < 1):
        raise SettingsError(
            f"views= with repeats={repeats} is not possible for {split.title}, {split.info.task}.",
            "Average over at least one view, and only where the answer is about the whole image.",
            repeats=repeats,
        )
    fabric = open_fabric(device, distributed=False)
    model.to(fabric.device)
    batches = Batches.of(split, fabric.device)
    check_fit(model, batches, split)

    def ask(inputs: Tensor) -> Tensor:
        return probabilities(model(inputs).float(), split.info.task).cpu()

    parts = []
    with seeded(0), evaluating(model), torch.no_grad(), fabric.autocast():
        for inputs, _ in batches.in_order(rows_at_once(batches, split.info.task, batch_size)):
            found = ask(inputs)
            if views is not None:
                changed = [ask(cast(Tensor, views(inputs))) for _ in range(repeats)]
                found = torch.stack([found, *changed]).mean(0)
            parts.append(found)
    return torch.cat(parts).numpy()


def evaluate(
    model: nn.Module,
    split: Split,
    *,
    batch_size: int = 256,
    device: str = "auto",
    views: Augment | None = None,
    repeats: int = 8,
) -> dict[str, float]:
    """The scores of `split`'s task: auc, acc, balacc, kappa; or mae, rmse, r2; or acc, dice, iou.

    Arguments and errors as in `predict`; rules and undefined cases as in `teachkit.metrics.scores`.
    """
    found = predict(model, split, batch_size=batch_size, device=device, views=views, repeats=repeats)
    return metrics.scores(targets_of(split), found, split.info.task)


def targets_of(split: Split) -> np.ndarray:
    """What predictions of the split are scored against: its masks or its labels."""
    return np.asarray(split.masks) if split.info.task == "segmentation" else split.labels


def rows_at_once(batches: Batches, task: str, batch_size: int) -> int:
    """`batch_size`, or fewer rows where the answer is per pixel: such a network keeps maps of full size."""
    if task != "segmentation":
        return batch_size
    return max(1, min(batch_size, PIXELS_AT_ONCE // int(np.prod(batches.targets.shape[-2:]))))


@torch.no_grad()
def score_split(
    net: nn.Module, batches: Batches, task: str, loss: Loss, batch_size: int
) -> dict[str, float] | None:
    """Mean loss over samples and the task's scores, or None when an output is not finite."""
    total, outputs, targets = 0.0, [], []
    for inputs, target in batches.in_order(rows_at_once(batches, task, batch_size)):
        output = net(inputs).float()
        total += float(loss(output, target)) * len(target)
        outputs.append(probabilities(output, task).cpu())
        targets.append(target.cpu())
    found = torch.cat(outputs)
    if not bool(torch.isfinite(found).all()):
        return None
    scores = metrics.scores(torch.cat(targets).numpy(), found.numpy(), task)
    return {"loss": total / len(batches), **scores}
