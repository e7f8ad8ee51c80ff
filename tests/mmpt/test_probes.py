"""Nearest neighbours and linear probes on features."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from teachkit.data import Split
from teachkit.errors import SettingsError, TrainingError
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.probes import Regime, linear_probe, nearest_neighbours


def numbers(split: Split, seed: int = 0) -> np.ndarray:
    """Features that say the label, with noise."""
    rng = np.random.default_rng(seed)
    told = split.labels if split.labels.shape[1] > 1 else np.eye(4)[split.labels[:, 0]]
    return (told @ rng.normal(size=(told.shape[1], 6)) + rng.normal(size=(len(split), 6)) / 3).astype(
        np.float32
    )


@pytest.mark.parametrize("task", ["binary", "multi-class", "ordinal"])
def test_votes_are_those_of_scikit_learn(task: str, made: Callable[..., Split]):
    train, test = made(task, 60), made(task, 24, "test")
    x, asked = numbers(train), numbers(test)
    found = nearest_neighbours(x, train.labels, asked, Domain.of(task, train), 11)
    oracle = KNeighborsClassifier(11, algorithm="ball_tree").fit(x, train.labels[:, 0])
    np.testing.assert_allclose(found, oracle.predict_proba(asked), atol=1e-7)
    assert np.array_equal(found.argmax(1), oracle.predict(asked))


def test_each_label_has_its_own_vote(made: Callable[..., Split]):
    train = made("multi-label", 30)
    x = numbers(train)
    found = nearest_neighbours(x, train.labels, x[:4], Domain.of("multi-label", train), 5)
    near = np.argsort(((x[:4, None] - x) ** 2).sum(-1), axis=1)[:, :5]
    np.testing.assert_allclose(found, train.labels[near].mean(axis=1), atol=1e-7)


def test_more_neighbours_than_pictures_are_refused(made: Callable[..., Split]):
    train = made("binary", 10)
    with pytest.raises(SettingsError, match="11 neighbours of 10"):
        nearest_neighbours(numbers(train), train.labels, numbers(train), Domain.of("binary", train), 11)


@pytest.mark.parametrize("task", ["binary", "multi-class", "multi-label", "ordinal"])
def test_a_linear_probe_learns_what_is_linear(task: str, made: Callable[..., Split]):
    train, val, test = made(task, 80), made(task, 24, "val"), made(task, 24, "test")
    (x, y), (v, w) = (numbers(train), train.labels), (numbers(val), val.labels)
    found, course = linear_probe(
        (x, y), (v, w), numbers(test), Domain.of(task, train), Regime(8, lr=0.2, batch_size=16), 0
    )
    decided = found > 0.5 if task == "multi-label" else found.argmax(1)[:, None]
    assert (decided == test.labels).mean() > 0.85
    assert np.isfinite(course.val_loss)
    if task != "multi-label":
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_the_pass_with_the_lowest_validation_loss_is_kept_and_patience_ends_the_training(
    made: Callable[..., Split],
):
    train, val = made("multi-class", 40), made("multi-class", 24, "val")
    wrong = val.replace(labels=(val.labels + 1) % 3)  # the better it learns, the worse it does here
    domain = Domain.of("multi-class", train)
    fast = Regime(50, patience=5, lr=0.05, batch_size=8)
    asked = numbers(val)
    found, course = linear_probe(
        (numbers(train), train.labels), (numbers(val), wrong.labels), asked, domain, fast, 0
    )
    assert course.epochs == course.best_epoch + 5 < 50
    kept = -np.log(found[np.arange(len(val)), wrong.labels[:, 0]]).mean()
    assert kept == pytest.approx(course.val_loss, rel=1e-5)


def test_a_seed_decides_a_probe(made: Callable[..., Split]):
    train = made("binary", 40)
    both = (numbers(train), train.labels)

    def probe(seed: int) -> np.ndarray:
        domain = Domain.of("binary", train)
        return linear_probe(both, both, both[0], domain, Regime(2, lr=0.01, batch_size=8), seed)[0]

    first = probe(1)
    torch.rand(7)
    assert np.array_equal(first, probe(1))
    assert not np.array_equal(first, probe(2))


def test_features_that_are_not_finite_are_refused(made: Callable[..., Split]):
    train = made("binary", 20)
    x = numbers(train)
    x[3, 2] = np.nan
    with pytest.raises(TrainingError, match="not all finite"):
        nearest_neighbours(x, train.labels, x, Domain.of("binary", train), 3)
    with pytest.raises(TrainingError, match="not all finite"):
        linear_probe((x, train.labels), (x, train.labels), x, Domain.of("binary", train), Regime(1), 0)
