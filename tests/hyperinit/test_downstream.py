"""Probe and fine-tuning: fair between starts, and honest about what broke."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from torch import nn

from teachkit import data
from teachkit.errors import FormatError
from teachkit.hyperinit.architectures import Basic
from teachkit.hyperinit.downstream import class_scores, draw_sample, fine_tuning, probe, tune
from teachkit.hyperinit.starting import features_of, kaiming_start
from teachkit.hyperinit.statistics import as_floats, recompute_statistics

SMALL = Basic((4, 8), (1, 1), 3, 3, 1, "none")


@pytest.fixture
def sample(toy):
    return draw_sample(toy("train"), 6, seed=0)


@pytest.fixture
def network():
    return kaiming_start(SMALL, 1, 2, 0)


def test_a_sample_has_so_many_pictures_of_each_class_and_64_without_labels(toy):
    sample = draw_sample(toy("train", n=200), 6, seed=0)
    assert torch.bincount(sample.labels).tolist() == [6, 6]
    assert sample.images.shape == (12, 1, 12, 12)
    assert len(sample.unlabelled) == 64


def test_fewer_labelled_pictures_are_among_the_more(toy):
    few, many = (draw_sample(toy("train"), count, seed=4) for count in (3, 6))
    of = [{image.numpy().tobytes() for image in sample.images} for sample in (few, many)]
    assert of[0] < of[1]
    assert torch.equal(few.unlabelled, many.unlabelled)


def test_another_seed_draws_other_pictures(toy):
    one, other = (draw_sample(toy("train"), 6, seed) for seed in (0, 1))
    assert not torch.equal(one.images, other.images)


def test_too_few_pictures_in_a_class_are_refused_by_name(toy):
    with pytest.raises(FormatError, match="has 20 of 'dark'"):
        draw_sample(toy("train"), 21, seed=0)


def test_sets_without_classes_are_refused(toy):
    masks = data.load("wisconsin", "train")
    masks = masks.replace(info=data.load("ihc_nuclei", "train").info)  # regression
    with pytest.raises(FormatError, match="for regression"):
        draw_sample(masks, 2, seed=0)


def test_the_probe_is_a_logistic_regression_on_standardised_features(toy, network, sample):
    test = toy("test")
    body = deepcopy(network)
    recompute_statistics(body, sample.unlabelled)
    with torch.no_grad():
        known, asked = (
            features_of(body.eval())(x).double().numpy() for x in (sample.images, as_floats(test))
        )
    scaler = StandardScaler().fit(known)
    fitted = LogisticRegression(max_iter=1000).fit(scaler.transform(known), sample.labels.numpy())
    expected = roc_auc_score(test.labels[:, 0], fitted.predict_proba(scaler.transform(asked))[:, 1])
    assert probe(network, sample, test)["auc"] == pytest.approx(expected, abs=0.02)


def test_probe_and_fine_tuning_leave_the_start_as_it_is(toy, network, sample):
    before = deepcopy(network.state_dict())
    probe(network, sample, toy("test"))
    tune(network, sample, {"test": toy("test")}, lr=0.1, epochs=(1,), seed=0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_fine_tuning_learns_bright_from_dark(toy, network, sample):
    scores = tune(network, sample, {"test": toy("test")}, lr=0.1, epochs=(1, 12), seed=0)["test"]
    assert list(scores) == [1, 12]
    assert scores[12]["auc"] > 0.95


def test_fine_tuning_repeats_itself_and_its_seed_is_the_order_of_batches(toy, network, sample):
    how = {"lr": 0.05, "epochs": (2,), "batch_size": 4}
    found = []
    for seed in (0, 0, 1):
        tuned = deepcopy(network)
        for _ in fine_tuning(tuned, sample, lr=0.05, epochs=2, seed=seed, batch_size=4):
            pass
        found.append(torch.cat([parameter.detach().flatten() for parameter in tuned.parameters()]))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    twice = [tune(network, sample, {"test": toy("test")}, seed=0, **how) for _ in range(2)]
    assert twice[0] == twice[1]


def test_one_epoch_is_plain_gradient_descent_with_momentum(network, sample):
    tuned, ours = deepcopy(network), deepcopy(network)
    next(fine_tuning(tuned, sample, lr=0.05, epochs=1, seed=0, batch_size=100))
    ours.train()
    optimizer = torch.optim.SGD(ours.parameters(), 0.05, momentum=0.9)
    nn.functional.cross_entropy(ours(sample.images), sample.labels).backward()
    optimizer.step()
    for a, b in zip(tuned.parameters(), ours.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_statistics_of_batchnorm_are_those_of_the_unlabelled_pictures_when_scored(toy, network, sample):
    """With the statistics of a start, (0, 1), the same weights answer otherwise."""
    tuned = deepcopy(network)
    next(fine_tuning(tuned, sample, lr=0.01, epochs=1, seed=0))
    recompute_statistics(tuned, sample.unlabelled)
    tuned.eval()
    with torch.no_grad():
        chances = tuned(as_floats(toy("test"))).softmax(1).double().numpy()
    expected = class_scores(toy("test").labels, chances, "binary")
    assert tune(network, sample, {"test": toy("test")}, lr=0.01, epochs=(1,), seed=0)["test"][1] == expected


def test_a_network_that_broke_scores_nan_and_stops_nothing(toy, network, sample):
    scores = tune(network, sample, {"test": toy("test")}, lr=1e30, epochs=(3,), seed=0)["test"][3]
    assert np.isnan(list(scores.values())).all()
    with torch.no_grad():
        network[0][0][0][0].weight.fill_(float("nan"))
    assert np.isnan(probe(network, sample, toy("test"))["auc"])


def test_kappas_weigh_mistakes_by_their_distance():
    rng = np.random.default_rng(0)
    labels, chances = rng.integers(0, 5, 80), rng.dirichlet(np.ones(5), 80)
    found = class_scores(labels, chances, "ordinal")
    for name, weights in (("kappa", None), ("kappa_linear", "linear"), ("kappa_quadratic", "quadratic")):
        expected = cohen_kappa_score(labels, chances.argmax(1), weights=weights, labels=range(5))
        assert found[name] == pytest.approx(expected, abs=1e-12)
