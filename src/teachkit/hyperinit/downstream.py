"""What a start is worth on a task with few labels: the linear probe and fine-tuning.

A start is a network with numbers. Kinds of starts are compared seed by seed: labelled pictures, order of the
batches, last layer and the pictures for BatchNorm follow from the seed alone, whatever the start.
"""

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from teachkit import metrics
from teachkit.data import Split
from teachkit.errors import FormatError
from teachkit.graphs.tracing import evaluating
from teachkit.hyperinit.starting import features_of
from teachkit.hyperinit.statistics import as_floats, recompute_statistics
from teachkit.metrics.arrays import class_labels
from teachkit.training.plan import Plan, make_optimizer, make_schedule

CLASSIFICATION = ("binary", "multi-class", "ordinal")
UNLABELLED = 64  # training pictures without labels that BatchNorm's statistics are computed from
AT_ONCE = 64  # rows: small networks on a CPU are twice as fast with these as with 256

Scores = dict[str, float]


@dataclass(frozen=True, eq=False)
class Sample:
    """What all starts of one seed learn from.

    Attributes:
        images: float32 [N, C, H, W] in 0..1; `labels` are their classes, int64 [N].
        unlabelled: pictures of the same training set for the statistics of BatchNorm, float32 [64, C, H, W].
        task: of the set; `classes` is the number of its classes.
    """

    images: Tensor
    labels: Tensor
    unlabelled: Tensor
    task: str
    classes: int

    @property
    def channels(self) -> int:
        return self.images.shape[1]


def draw_sample(train: Split, labels: int, seed: int) -> Sample:
    """`labels` random pictures of each class, and 64 without labels.

    With the same seed, the pictures of a smaller number are among those of a larger one.

    Raises:
        FormatError: when the set has no classes, or a class has too few pictures.
    """
    check_task(train)
    classes = len(train.info.classes)
    truth = class_labels(train.labels, "labels")
    counts = np.bincount(truth, minlength=classes)
    if labels < 1 or counts.min() < labels:
        least = int(counts.argmin())
        raise FormatError(
            f"{labels} labelled images a class were asked for, and {train.title} has {counts[least]} of "
            f"'{train.info.classes[least]}'.",
            f"Ask for 1 to {counts.min()}.",
            labels=labels,
        )
    rng = np.random.default_rng([seed, 0])
    rows = np.concatenate([rng.permutation(np.flatnonzero(truth == k))[:labels] for k in range(classes)])
    others = np.random.default_rng([seed, 1]).permutation(len(train))[:UNLABELLED]
    return Sample(
        as_floats(train[rows]),
        torch.from_numpy(truth[rows]),
        as_floats(train[np.sort(others)]),
        train.info.task,
        classes,
    )


def check_task(split: Split) -> None:
    """Refuse sets whose rows do not belong to one class each."""
    if split.info.task not in CLASSIFICATION:
        raise FormatError(
            f"{split.title} is for {split.info.task}.",
            f"Starts are compared on sets for classification: {', '.join(CLASSIFICATION)}.",
            task=split.info.task,
        )


def probe(network: nn.Sequential, sample: Sample, test: Split) -> Scores:
    """Scores of a logistic regression on the frozen features of `network`.

    Features are the means over the last map, each scaled to mean 0 and variance 1 by the labelled pictures.
    The regression has scikit-learn's default penalty, C = 1. The network itself is left as it is.

    Source: Alain and Bengio, Understanding intermediate layers using linear classifier probes, 2017.
    """
    body = deepcopy(network).to(memory_format=torch.channels_last)
    recompute_statistics(body, sample.unlabelled)
    known, asked = (_outputs(features_of(body), x) for x in (sample.images, as_floats(test)))
    if not bool(known.isfinite().all() and asked.isfinite().all()):
        return class_scores(test.labels, np.full((len(test), sample.classes), np.nan), sample.task)
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    regression.fit(known.double().numpy(), sample.labels.numpy())
    return class_scores(test.labels, regression.predict_proba(asked.double().numpy()), sample.task)


def tune(
    network: nn.Sequential,
    sample: Sample,
    scored: Mapping[str, Split],
    *,
    lr: float,
    epochs: Collection[int],
    seed: int,
    batch_size: int = 16,
) -> dict[str, dict[int, Scores]]:
    """Fine-tune a copy of `network`, and score it after each of the given epochs.

    The statistics of BatchNorm are computed anew from the unlabelled pictures before each scoring: in so few
    steps, averages that run along would not have left the start.

    Args:
        scored: splits by name.
        lr: highest learning rate; see `fine_tuning`, also for the rest.
        epochs: after which the network is scored; the largest is where training ends.

    Returns:
        Name of a split and epoch to scores; nan where the network broke.
    """
    found: dict[str, dict[int, Scores]] = {name: {} for name in scored}
    tuned = deepcopy(network)
    for epoch in fine_tuning(tuned, sample, lr=lr, epochs=max(epochs), seed=seed, batch_size=batch_size):
        if epoch in epochs:
            recompute_statistics(tuned, sample.unlabelled)
            for name, split in scored.items():
                chances = _outputs(tuned, as_floats(split)).softmax(1).double().numpy()
                found[name][epoch] = class_scores(split.labels, chances, sample.task)
    return found


def fine_tuning(
    network: nn.Sequential, sample: Sample, *, lr: float, epochs: int, seed: int, batch_size: int = 16
) -> Iterator[int]:
    """Train all of `network` in place; hands over the number of each epoch that has ended.

    SGD with momentum 0.9, no weight decay, and a learning rate that falls to 0 along a cosine.

    Args:
        seed: of the order of the batches.
    """
    plan = Plan(len(sample.labels), epochs, None, "sgd", lr, batch_size, seed, schedule="cosine")
    network.to(memory_format=torch.channels_last)  # a quarter faster than channels first, here
    optimizer = make_optimizer(plan.optimizer, network.parameters(), lr)
    schedule = make_schedule(plan.schedule, optimizer, plan.total_steps)
    for epoch in range(plan.passes):
        network.train()
        for rows in map(torch.from_numpy, plan.batches(epoch)):
            optimizer.zero_grad()
            F.cross_entropy(network(sample.images[rows]), sample.labels[rows]).backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()
        yield epoch + 1


def class_scores(labels: np.ndarray, probabilities: np.ndarray, task: str) -> Scores:
    """AUC, accuracy, balanced accuracy and three kappas; all nan when a probability is no number."""
    names = ("auc", "acc", "balacc", "kappa", "kappa_linear", "kappa_quadratic")
    if not np.isfinite(probabilities).all():
        return dict.fromkeys(names, float("nan"))
    guess = probabilities.argmax(1)
    return {
        **metrics.scores(labels, probabilities, task),
        "kappa_linear": metrics.cohen_kappa(labels, guess, "linear"),
        "kappa_quadratic": metrics.cohen_kappa(labels, guess, "quadratic"),
    }


def at_most(split: Split, limit: int | None) -> Split:
    """The split, or `limit` of its rows, always the same, with the shares of its classes."""
    return split if limit is None else split.sample(limit)


@torch.inference_mode()
def _outputs(network: nn.Module, images: Tensor) -> Tensor:
    with evaluating(network):
        return torch.cat([network(part) for part in images.split(AT_ONCE)]).float()
