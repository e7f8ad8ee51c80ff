"""What each task minimises, how its outputs become probabilities, and losses for masks to choose from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from teachkit.errors import FormatError, SettingsError, UnknownNameError, nearest
from teachkit.shapes import Outputs

Loss = Callable[[Tensor, Tensor], Tensor]
KINDS = ("cross-entropy", "dice", "focal", "cross-entropy+dice")


def default_loss(task: str) -> Loss:
    """The loss of a task: a function of model outputs and targets that returns the mean over the batch.

    Cross-entropy for binary (two outputs), multi-class and ordinal tasks, and per pixel for segmentation;
    binary cross-entropy per label for multi-label; squared error for regression.
    """
    if task == "multi-label":
        return F.binary_cross_entropy_with_logits
    return F.mse_loss if task == "regression" else F.cross_entropy


def probabilities(outputs: Outputs, task: str) -> Outputs:
    """Softmax over axis 1, a sigmoid per label for multi-label, and the numbers themselves for regression."""
    if task == "multi-label":
        return outputs.sigmoid()
    return outputs if task == "regression" else torch.softmax(outputs, dim=1)


@dataclass(frozen=True)
class PixelLoss:
    """A loss for masks: called with outputs [B, C, H, W] and masks [B, H, W], it returns one number.

    With p the probability of a pixel's true class, and w that class's weight:

    ========================  ====================================================================
    "cross-entropy"           mean of ``-w log p``, over the sum of all w
    "focal"                   the same with ``(1 - p) ** gamma`` as a further factor: hard pixels count
    "dice"                    1 - overlap, where overlap is a mean over classes; see `soft_dice`
    "cross-entropy+dice"      the sum of the two
    ========================  ====================================================================

    `by_hand` computes the same in plain NumPy, pixel by pixel, to be read.

    Attributes:
        kind: one of the four.
        class_weights: one number for each class, or None for equal ones. Only their ratios count.
        gamma: of "focal"; 0 makes it cross-entropy.

    Raises:
        UnknownNameError: for another kind.
        SettingsError: for weights or a gamma below 0.
        FormatError: when called with another number of classes than weights.

    Source: for "focal", Lin et al., Focal loss for dense object detection, ICCV 2017, equation 5; for
    "dice", Milletari et al., V-Net, 3DV 2016, with plain sums instead of squares.
    """

    kind: str = "cross-entropy"
    class_weights: tuple[float, ...] | None = None
    gamma: float = 2.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownNameError(
                f"No loss '{self.kind}'.", nearest(self.kind, KINDS, "losses"), kind=self.kind
            )
        weights = self.class_weights
        if weights is not None:
            object.__setattr__(self, "class_weights", tuple(float(weight) for weight in weights))
            if not all(0 <= weight < float("inf") for weight in weights) or not sum(weights) > 0:
                raise SettingsError(
                    f"The class weights are {weights}.", "Give 0 or more for each class.", value=weights
                )
        if not self.gamma >= 0:
            raise SettingsError(f"gamma is {self.gamma}.", "Give 0 or more.", gamma=self.gamma)

    @classmethod
    def weighted(
        cls, shares: Mapping[str, float] | Sequence[float], kind: str = "cross-entropy", gamma: float = 2.0
    ) -> "PixelLoss":
        """Weights inverse to the shares of the classes, with mean 1: all classes count alike.

        Args:
            shares: of each class among the training pixels, in label order, such as ``class_shares()`` gives.

        Raises:
            SettingsError: a class without a pixel has no such weight.
        """
        found = np.asarray([*shares.values()] if isinstance(shares, Mapping) else shares, dtype=float)
        if not np.all(found > 0):
            raise SettingsError(
                f"The shares of the classes are {found.tolist()}.",
                "Each class needs pixels in the training set; leave out one that has none.",
                value=found.tolist(),
            )
        weights = 1 / found
        return cls(kind, tuple((weights / weights.mean()).tolist()), gamma)

    def __call__(self, outputs: Tensor, masks: Tensor) -> Tensor:
        """The loss of one batch; differentiable."""
        weights = self._weights(outputs)
        if self.kind == "dice":
            return 1 - soft_dice(outputs, masks, weights)
        if self.kind == "focal":
            return focal_loss(outputs, masks, weights, self.gamma)
        loss = F.cross_entropy(outputs, masks, weight=weights)
        return loss + 1 - soft_dice(outputs, masks, weights) if self.kind.endswith("dice") else loss

    def by_hand(self, outputs: Tensor, masks: Tensor) -> float:
        """The same number by the definitions above, one pixel after the other: slow, and easy to check."""
        if self.kind == "cross-entropy+dice":
            return sum(replace(self, kind=kind).by_hand(outputs, masks) for kind in ("cross-entropy", "dice"))
        number = outputs.shape[1]
        weights = self.class_weights or (1.0,) * number
        chances = torch.softmax(outputs.double(), dim=1).permute(0, 2, 3, 1).reshape(-1, number).tolist()
        truth = masks.reshape(-1).tolist()
        if self.kind == "dice":
            overlaps = {c: _overlap_by_hand(chances, truth, c) for c in range(number) if c in truth}
            total = sum(weights[c] for c in overlaps)
            return 1 - sum(weights[c] * overlap for c, overlap in overlaps.items()) / total
        gamma = self.gamma if self.kind == "focal" else 0
        losses = [
            weights[c] * (1 - chance[c]) ** gamma * -np.log(chance[c])
            for chance, c in zip(chances, truth, strict=True)
        ]
        return float(sum(losses) / sum(weights[c] for c in truth))

    def _weights(self, outputs: Tensor) -> Tensor | None:
        if self.class_weights is None:
            return None
        if len(self.class_weights) != outputs.shape[1]:
            raise FormatError(
                f"There are {len(self.class_weights)} class weights for {outputs.shape[1]} classes.",
                "Give one weight for each class.",
                weights=self.class_weights,
            )
        return torch.tensor(self.class_weights, dtype=outputs.dtype, device=outputs.device)


def soft_dice(outputs: Tensor, masks: Tensor, weights: Tensor | None = None) -> Tensor:
    """Dice overlap of probabilities with masks, over all pixels of the batch, as a mean over classes.

    Of one class: ``2 × (probability on its own pixels) / (all its probability + number of its pixels)``.
    A class without a pixel in the batch is left out: its overlap would be 0 whatever the network says. What
    the network says of such a class by mistake is missing from the others.

    Args:
        outputs: logits [B, C, H, W].
        masks: classes [B, H, W].
        weights: [C], or None for a plain mean.
    """
    found = torch.softmax(outputs.float(), dim=1)
    truth = torch.zeros_like(found).scatter_(1, masks.unsqueeze(1), 1)
    pixels = truth.sum((0, 2, 3))
    overlap = 2 * (found * truth).sum((0, 2, 3)) / (found.sum((0, 2, 3)) + pixels)
    counts = (pixels > 0) * (torch.ones_like(pixels) if weights is None else weights)
    return (overlap * counts).sum() / counts.sum()


def focal_loss(outputs: Tensor, masks: Tensor, weights: Tensor | None, gamma: float) -> Tensor:
    """Cross-entropy in which a pixel counts less the surer the network is of its class."""
    logs = F.log_softmax(outputs.float(), dim=1).gather(1, masks.unsqueeze(1)).squeeze(1)
    counts = torch.ones_like(logs) if weights is None else weights.float()[masks]
    unsure = (1 - logs.exp()).clamp_min(1e-7)  # at exactly 0 a gamma below 1 has no finite slope
    return (counts * unsure**gamma * -logs).sum() / counts.sum()


def _overlap_by_hand(chances: list[list[float]], truth: list[int], index: int) -> float:
    """Soft Dice of one class over all pixels."""
    own = sum(chance[index] for chance, c in zip(chances, truth, strict=True) if c == index)
    return 2 * own / (sum(chance[index] for chance in chances) + truth.count(index))
