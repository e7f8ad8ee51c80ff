"""Last layers: one for each domain, with the loss of its task and a way back to probabilities of classes."""

from typing import Protocol, cast, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.errors import UnknownNameError, nearest
from teachkit.mmpt.domains import Domain

ORDINAL = ("cumulative", "cross-entropy")


@runtime_checkable
class Head(Protocol):
    """What a last layer can do, besides being called with features [B, F]."""

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor: ...
    def probabilities(self, outputs: Tensor) -> Tensor: ...


def make_head(domain: Domain, features: int, ordinal: str = "cumulative") -> nn.Module:
    """The last layer of a domain.

    Args:
        features: numbers that the backbone says about a picture.
        ordinal: loss of ordinal sets, "cumulative" or "cross-entropy", which ignores the order (the thesis).

    Raises:
        UnknownNameError: for another loss.
    """
    if ordinal not in ORDINAL:
        raise UnknownNameError(
            f"No ordinal loss '{ordinal}'.", nearest(ordinal, ORDINAL, "losses"), name=ordinal
        )
    if domain.task == "multi-label":
        return LabelHead(features, domain.outputs)
    if domain.task == "ordinal" and ordinal == "cumulative":
        return OrdinalHead(features, domain.outputs)
    return ClassHead(features, domain.outputs)


class ClassHead(nn.Linear):
    """One score a class; softmax and cross-entropy. Binary sets have two scores."""

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of each row: [B]."""
        return F.cross_entropy(outputs, targets, reduction="none")

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Probabilities of the classes: [B, C]."""
        return outputs.softmax(dim=1)


class LabelHead(nn.Linear):
    """One score a label; a sigmoid each, and the mean of the binary cross-entropies."""

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of each row: [B]."""
        return F.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(1)

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Probabilities of the labels, which need not sum to one: [B, L]."""
        return outputs.sigmoid()


class OrdinalHead(nn.Module):
    """One score for the picture and rising thresholds: ``P(y > k) = sigmoid(score - threshold_k)``.

    Every threshold sees the same score, so ``P(y > 0) >= P(y > 1) >= ...`` and their differences are
    probabilities of classes. The thresholds are kept as a first one and positive steps, so that their order
    holds at all times; CORAL (Cao et al., Pattern Recognition Letters 2020) has it for the best solution.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.score = nn.Linear(features, 1, bias=False)
        # At a score of 0 the first and the last thresholds lie at -1 and 1.
        step = torch.tensor(2 / max(classes - 2, 1)).expm1().log()  # softplus of it is 2 / (classes - 2)
        self.first = nn.Parameter(torch.tensor([-1.0 if classes > 2 else 0.0]))
        self.steps = nn.Parameter(step.repeat(classes - 2))

    @property
    def thresholds(self) -> Tensor:
        """Rising numbers: [C - 1]."""
        return torch.cat([self.first, self.first + F.softplus(self.steps).cumsum(0)])

    def forward(self, features: Tensor) -> Tensor:
        """Log-odds of "above class k": [B, C - 1]."""
        return cast(Tensor, self.score(features)) - self.thresholds

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Sum over thresholds of the binary cross-entropy of "is the class above it?": [B]."""
        above = targets.unsqueeze(1) > torch.arange(outputs.shape[1], device=outputs.device)
        return F.binary_cross_entropy_with_logits(outputs, above.to(outputs.dtype), reduction="none").sum(1)

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Probabilities of the classes: ``P(y > k - 1) - P(y > k)``, [B, C]."""
        above = F.pad(outputs.sigmoid(), (1, 0), value=1.0)
        return above - F.pad(above[:, 1:], (0, 1))
