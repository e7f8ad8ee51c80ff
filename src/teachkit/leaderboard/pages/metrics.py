"""The scores explained: formula, a small example worked out by the functions that score entries."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from latex2mathml.converter import convert

from teachkit import metrics
from teachkit.big.ranking import places

TRUTH = (0, 0, 0, 0, 1, 1)
PROBABILITIES = (0.1, 0.2, 0.3, 0.6, 0.4, 0.9)  # of class 1


@dataclass(frozen=True)
class Explained:
    """One score.

    Attributes:
        mathml: its formula.
        steps: the example in words, with numbers that were computed just now.
        value: of the example.
    """

    name: str
    meaning: str
    mathml: str
    steps: tuple[str, ...]
    value: float
    limits: str


@cache
def explained() -> tuple[Explained, ...]:
    """All scores of a board, on the six pictures of `TRUTH` and `PROBABILITIES`."""
    truth, stated = np.array(TRUTH), np.array(PROBABILITIES)
    guess = (stated > 0.5).astype(int)
    table = metrics.confusion_matrix(truth, guess, 2)
    (right0, wrong0), (wrong1, right1) = table.tolist()
    won = sum(float(p > n) + 0.5 * float(p == n) for p in stated[truth == 1] for n in stated[truth == 0])
    pairs = int((truth == 1).sum() * (truth == 0).sum())
    agreed = (right0 + right1) / len(truth)
    chance = float(table.sum(1) @ table.sum(0)) / len(truth) ** 2
    return (
        Explained(
            "AUC",
            "The chance that a picture of the class gets a higher probability than one of another class.",
            convert(r"\mathrm{AUC} = P(p_{+} > p_{-}) + \tfrac{1}{2} P(p_{+} = p_{-})"),
            (f"Of {pairs} pairs, {won:g} are in the right order: {won:g} / {pairs}.",),
            metrics.auc(truth, stated),
            "From 0 to 1; guessing gives 0.5. With more classes or labels: the mean over each one.",
        ),
        Explained(
            "Balanced accuracy",
            "The share of pictures called rightly, class by class, then the mean over classes.",
            convert(r"\mathrm{BALACC} = \frac{1}{C} \sum_{c=1}^{C} \frac{\mathrm{TP}_c}{N_c}"),
            (
                f"Above 0.5 counts as class 1. Class 0: {right0} of {right0 + wrong0}. "
                f"Class 1: {right1} of {right1 + wrong1}.",
            ),
            metrics.balanced_accuracy(truth, guess),
            "From 0 to 1; guessing gives 1 / C. A rare class counts as much as a common one.",
        ),
        Explained(
            "Cohen's kappa",
            "Agreement with the truth beyond what chance would give with the same class frequencies.",
            convert(r"\kappa = \frac{p_o - p_e}{1 - p_e}"),
            (f"Observed agreement {agreed:.4f}, expected by chance {chance:.4f}.",),
            metrics.cohen_kappa(truth, guess),
            "At most 1; 0 is chance. Undefined when truth and answers are one and the same class throughout.",
        ),
        Explained(
            "Accuracy",
            "The share of pictures called rightly. Reported, but misleading where one class is common.",
            convert(r"\mathrm{ACC} = \frac{1}{N} \sum_{i=1}^{N} 1(\hat{y}_i = y_i)"),
            (f"{right0 + right1} of {len(truth)}.",),
            metrics.accuracy(truth, guess),
            "From 0 to 1. In ChestMNIST, calling nothing ever reaches 0.947.",
        ),
    )


def shared_places() -> list[int]:
    """Places of four scores of which two agree in print."""
    return places([0.91234, 0.90001, 0.90004, 0.85])
