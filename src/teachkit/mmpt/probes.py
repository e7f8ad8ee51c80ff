"""Answers from features alone: nearest neighbours, and a last layer trained on a body that stays as it is."""

from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from teachkit.errors import SettingsError, TrainingError
from teachkit.extras import need
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.heads import Head, make_head
from teachkit.mmpt.plan import Recipe
from teachkit.training.device import open_fabric
from teachkit.training.naming import Settings
from teachkit.training.seeds import epoch_order, seeded

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Regime:
    """How baselines are trained; the defaults are those of the published code.

    Attributes:
        epochs: passes at most; the learning rate falls along a cosine over them, pass by pass.
        patience: passes without a lower validation loss, after which training stops. The thesis says ten; the
            code that trained its baselines has five.
        lr: highest learning rate of AdamW.
        batch_size: rows in a batch.
        neighbours: that vote in kNN.

    Source: Doerrich et al., Rethinking model prototyping through the MedMNIST+ dataset collection, Scientific
    Reports 2025, and its code.
    """

    epochs: int = 100
    patience: int = 5
    lr: float = 1e-4
    batch_size: int = 64
    neighbours: int = 11

    def settings(self) -> Settings:
        """All of it, by name."""
        return asdict(self)


@dataclass(frozen=True)
class Course:
    """How a training went: passes, the one that was kept, its validation loss."""

    epochs: int
    best_epoch: int
    val_loss: float


def nearest_neighbours(
    train: Features, labels: NDArray[np.int64], asked: Features, domain: Domain, k: int
) -> Features:
    """Share of each class among the `k` nearest training pictures: [rows of `asked`, C].

    The largest share is the majority vote of the published code, which states no AUC of kNN. Shares have one.

    Args:
        train: features [N, F].
        labels: [N, 1], or [N, L] for several labels; then the share of neighbours that have each.
        asked: features [M, F].
        domain: what is asked.
        k: neighbours by Euclidean distance.

    Raises:
        SettingsError: when there are fewer than `k` training pictures.
        TrainingError: when a feature is no finite number.
    """
    if not 1 <= k <= len(train):
        raise SettingsError(
            f"{k} neighbours of {len(train)} training pictures.", f"Use 1 to {len(train)}.", neighbours=k
        )
    _check_finite(train, asked)
    neighbors = need("sklearn.neighbors", "lessons")
    # Every distance is computed: in hundreds of dimensions a tree of balls finds the same ones, and later.
    index = neighbors.NearestNeighbors(n_neighbors=k, algorithm="brute").fit(train)
    near = index.kneighbors(asked, return_distance=False)
    several = domain.task == "multi-label"
    votes = labels.astype(np.float32) if several else np.eye(domain.outputs, dtype=np.float32)[labels[:, 0]]
    return cast(Features, votes[near].mean(axis=1))


def linear_probe(
    train: tuple[Features, NDArray[np.int64]],
    val: tuple[Features, NDArray[np.int64]],
    asked: Features,
    domain: Domain,
    regime: Regime,
    seed: int,
    device: str = "auto",
) -> tuple[Features, Course]:
    """Probabilities [rows of `asked`, C] by one last layer on features, kept at its lowest validation loss.

    The body is in evaluation mode throughout. In the published code it was in training mode: its weights
    stayed, while dropout and the averages of BatchNorm went on.

    Args:
        train, val: features [N, F] with labels [N, 1] or [N, L].
        asked: features [M, F].
        domain: what is asked.
        regime: of the training.
        seed: of the initial numbers and the order of rows.
        device: as for `training.fit`.

    Raises:
        TrainingError: when a feature or the loss is no finite number.
    """
    _check_finite(train[0], val[0], asked)
    fabric = open_fabric(device, distributed=False)
    recipe = Recipe(epochs=regime.epochs, lr=regime.lr, schedule="epochs", seed=seed)
    with seeded(seed):
        layer = make_head(domain, train[0].shape[1], "cross-entropy").to(fabric.device)
        head = cast(Head, layer)
        optimizer = torch.optim.AdamW(layer.parameters(), lr=regime.lr, weight_decay=recipe.weight_decay)
        x, y = _on(fabric.device, domain, *train)
        val_x, val_y = _on(fabric.device, domain, *val)
        best, course = layer.state_dict(), Course(0, 0, float("inf"))
        for epoch in range(regime.epochs):
            optimizer.param_groups[0]["lr"] = regime.lr * recipe.factor(0, epoch)
            order = torch.from_numpy(epoch_order(seed, epoch, len(x))).to(fabric.device)
            for rows in order.split(regime.batch_size):
                loss = head.row_losses(layer(x[rows]), y[rows]).mean()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                val_loss = float(head.row_losses(layer(val_x), val_y).mean())
            if not np.isfinite(val_loss):
                raise TrainingError(
                    f"The validation loss is no number after pass {epoch + 1}.",
                    f"Use an lr below {regime.lr}.",
                )
            if val_loss < course.val_loss:
                course = Course(epoch + 1, epoch + 1, val_loss)
                best = {name: value.clone() for name, value in layer.state_dict().items()}
            course = Course(epoch + 1, course.best_epoch, course.val_loss)
            if epoch + 1 - course.best_epoch >= regime.patience > 0:
                break
        layer.load_state_dict(best)
        with torch.no_grad():
            said = head.probabilities(layer(torch.from_numpy(asked).to(fabric.device)))
    return said.cpu().numpy(), course


def _on(
    device: torch.device, domain: Domain, x: Features, labels: NDArray[np.int64]
) -> tuple[Tensor, Tensor]:
    """Features and targets as the head takes them."""
    targets = torch.from_numpy(labels).to(device)
    return torch.from_numpy(x).to(device), targets.float() if domain.task == "multi-label" else targets[:, 0]


def _check_finite(*parts: Features) -> None:
    for part in parts:
        if not np.isfinite(part).all():
            raise TrainingError(
                "The body's features are not all finite.", "Check its weights, or use another precision."
            )
