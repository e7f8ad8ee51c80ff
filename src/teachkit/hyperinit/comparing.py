"""Is a predicted start better than others? The same network from five starts, seed by seed.

Kaiming          random numbers
untrained        predicted by a hyper-initializer that was never trained
trained          predicted by the trained one
shuffled         the same numbers, those of each tensor in random order
self-supervised  the network alone, pre-trained on a task without labels
"""

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from joblib import delayed
from torch import nn

from teachkit.data import Split
from teachkit.errors import SettingsError, TrainingError, UnknownNameError, nearest
from teachkit.hyperinit.architectures import Architecture, references
from teachkit.hyperinit.downstream import Scores, at_most, check_task, draw_sample
from teachkit.hyperinit.pretext import Pretext
from teachkit.hyperinit.starting import (
    kaiming_start,
    self_supervise,
    shuffled_start,
    transferred_start,
    untrained_start,
)
from teachkit.hyperinit.starts import PUBLISHED_RATE, Costs, Setup, Starts, Tested

if TYPE_CHECKING:
    from teachkit.hyperinit.initializer import HyperInitializer

ARMS = ("Kaiming", "untrained", "trained", "shuffled", "self-supervised")


def compare(
    initializer: "HyperInitializer",
    network: Architecture,
    train: Split,
    val: Split,
    test: Split,
    *,
    labels: int = 20,
    epochs: Sequence[int] = (1, 3, 5),
    rates: Sequence[float] = (0.01, 0.03, 0.1, 0.3),
    seeds: int = 5,
    own_steps: int = 300,
    jobs: int = 1,
    cluster: str | None = None,
    first_seed: int = 0,
    batch_size: int = 16,
    pretext: str | Pretext = "rotation",
    arms: Sequence[str] = ARMS,
    limit: int | None = None,
) -> Starts:
    """Train one network from several starts, with few labels, and score all on the same test images.

    Every arm gets the same labelled images, order of batches, last layer and images for the statistics of
    BatchNorm, which follow from the seed. Each arm may have its own learning rate: the one with the best mean
    AUC on validation images after the last epoch. Nothing is chosen on test images.

    Args:
        initializer: the trained hyper-initializer; numbers for "untrained" come from others of its settings.
        network: an architecture that was not in its stream.
        labels: labelled images of each class.
        epochs: after which fine-tuning is scored.
        rates: learning rates to choose from; 0.01, the published one, is added.
        seeds: how many; `first_seed` is the first.
        own_steps: steps of self-supervision of the network alone, with 48 inputs each.
        jobs: runs at the same time.
        cluster: address of a scheduler of dask.distributed, whose workers share the runs instead.
        pretext: task of that self-supervision.
        arms: which of the five to run.
        limit: at most so many validation and test images, for a quick try.

    Raises:
        UnknownNameError: for another arm.
        SettingsError: for a network that is no architecture, or numbers that make no sense.
        FormatError: for a set that is not for classification, or with too few images in a class.
        TrainingError: when an arm gave usable numbers at no rate.
    """
    _check(network, arms, epochs, rates, seeds)
    check_task(train)
    name = next((key for key, known in references().items() if known == network), network.family)
    setup = Setup(
        architecture=network,
        name=name,
        train=train,
        val=at_most(val, limit),
        test=at_most(test, limit),
        labels=labels,
        epochs=tuple(sorted(set(epochs))),
        rates=tuple(sorted({PUBLISHED_RATE, *rates})),
        seeds=tuple(range(first_seed, first_seed + seeds)),
        batch_size=batch_size,
        jobs=jobs,
        cluster=cluster,
    )
    draw_sample(train, labels, first_seed)  # refuses too many before anything runs
    networks, costs = _make(initializer, setup, arms, own_steps, pretext)
    cells = [(arm, place) for arm in arms for place in range(seeds)]
    by_rate = _validate(setup, networks, cells)
    rates_of = {arm: _best(by_rate[arm]) for arm in arms}
    tried = [(arm, rate, place) for arm, place in cells for rate in sorted({rates_of[arm], PUBLISHED_RATE})]
    found = setup.run(
        [
            delayed(setup.tune)(networks[arm][place], setup.seeds[place], setup.test, rate)
            for arm, rate, place in tried
        ]
    )
    tuned: dict[tuple[str, float], list[Tested]] = {}
    for (arm, rate, _), tested in zip(tried, found, strict=True):
        tuned.setdefault((arm, rate), []).append(tested)
    scores = setup.run(
        [delayed(setup.probe)(networks[arm][place], setup.seeds[place]) for arm, place in cells]
    )
    probed: dict[str, list[Scores]] = {arm: [] for arm in arms}
    for (arm, _), one in zip(cells, scores, strict=True):
        probed[arm].append(one)
    return Starts(setup, networks, rates_of, by_rate, costs, probed, tuned)


def _make(
    initializer: "HyperInitializer", setup: Setup, arms: Sequence[str], own_steps: int, pretext: str | Pretext
) -> tuple[dict[str, list[nn.Sequential]], Costs]:
    """Every arm's network of every seed, and what they cost."""
    shape = (setup.architecture, setup.train.channels, len(setup.train.info.classes))
    made: dict[str, list[nn.Sequential]] = {arm: [] for arm in arms}
    own = []
    if "self-supervised" in arms:
        own = setup.run(
            [
                delayed(self_supervise)(
                    setup.architecture, setup.train, steps=own_steps, pretext=pretext, seed=seed
                )
                for seed in setup.seeds
            ]
        )
    predicting = []
    for place, seed in enumerate(setup.seeds):
        predicted = kaiming_start(*shape, seed)
        predicting.append(initializer.initialize(predicted).seconds)
        for arm in arms:
            if arm == "Kaiming":
                network = kaiming_start(*shape, seed)
            elif arm == "untrained":
                network = untrained_start(*shape, seed, initializer.settings)
            elif arm == "self-supervised":
                network = transferred_start(*shape, seed, own[place].numbers)
            else:
                network = kaiming_start(*shape, seed)
                network.load_state_dict(predicted.state_dict())
                if arm == "shuffled":
                    shuffled_start(network, seed)
            made[arm].append(network)
    return made, Costs(median(predicting), median(o.seconds for o in own) if own else float("nan"))


def _validate(
    setup: Setup, networks: dict[str, list[nn.Sequential]], cells: Sequence[tuple[str, int]]
) -> pd.DataFrame:
    """Mean AUC on validation images after the last epoch, for each rate (rows) and arm (columns)."""
    last = max(setup.epochs)
    runs = [(arm, place, rate) for arm, place in cells for rate in setup.rates]
    found = setup.run(
        [
            delayed(setup.tune)(networks[arm][place], setup.seeds[place], setup.val, rate, epochs=(last,))
            for arm, place, rate in runs
        ]
    )
    rows = pd.DataFrame(
        [
            {"rate": rate, "arm": arm, "auc": tested[last]["auc"]}
            for (arm, _, rate), tested in zip(runs, found, strict=True)
        ]
    )
    # One broken run breaks the mean: a rate that fails for one seed is no rate to choose.
    table = rows.groupby(["rate", "arm"])["auc"].agg(lambda values: np.mean(values.to_numpy())).unstack("arm")
    return table[list(networks)]


def _best(by_rate: "pd.Series[float]") -> float:
    """The rate with the best mean; the lowest of equal ones.

    Raises:
        TrainingError: when no rate gave usable numbers.
    """
    if by_rate.isna().all():
        raise TrainingError(
            f"'{by_rate.name}' gave no usable numbers at any rate of {list(by_rate.index)}.",
            "Offer lower learning rates.",
        )
    return float(by_rate.index[int(by_rate.argmax())])


def _check(
    network: Architecture, arms: Sequence[str], epochs: Sequence[int], rates: Sequence[float], seeds: int
) -> None:
    """Refuse what cannot be compared."""
    if not isinstance(network, Architecture):
        raise SettingsError(
            f"{type(network).__name__} is no architecture with a body and a last layer.",
            'Give one of references(), or write one, such as Basic((16, 32), (1, 1), 3, 3, 1, "none").',
        )
    for arm in arms:
        if arm not in ARMS:
            raise UnknownNameError(f"No arm '{arm}'.", nearest(arm, ARMS, "arms"), name=arm)
    if not arms or seeds < 1 or not epochs or min(epochs) < 1 or not all(rate > 0 for rate in rates):
        raise SettingsError(
            f"arms={tuple(arms)}, seeds={seeds}, epochs={tuple(epochs)}, rates={tuple(rates)}.",
            "Give an arm, a seed, epochs of 1 or more, and rates above 0.",
        )
