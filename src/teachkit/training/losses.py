"""What each task minimises, and how its outputs become probabilities."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from teachkit.shapes import Outputs

Loss = Callable[[Tensor, Tensor], Tensor]


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
