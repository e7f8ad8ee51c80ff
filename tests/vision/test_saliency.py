import numpy as np
import pytest
import torch

from teachkit.vision import Classifier, random_weights_check, randomised
from teachkit.vision.saliency import _absolute_rank_correlations


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Classifier("efficientnet_lite0", input_size=64)()


def test_rank_correlation_agrees_with_scipy():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, (3, 4, 4)), rng.normal(size=(3, 4, 4))  # ties included
    expected = [[abs(spearmanr(x.ravel(), y.ravel()).statistic) for y in b] for x in a]
    np.testing.assert_allclose(_absolute_rank_correlations(a, b), expected, atol=1e-12)


def test_a_constant_map_correlates_with_nothing():
    flat, other = np.ones((1, 3, 3)), np.arange(9.0).reshape(1, 3, 3)
    assert _absolute_rank_correlations(flat, other) == 0


def test_maps_of_imagenet_weights_do_not_survive_random_weights(model, grey):
    check = random_weights_check(model, grey, 1)
    assert check.maps.shape == check.random_maps.shape == grey.shape
    assert check.similarity < 0.6
    assert 0 < check.chance < 0.6
    assert f"{check.similarity:.2f}" in check.verdict


def test_a_network_compared_with_itself_has_similarity_one(model, grey, monkeypatch):
    monkeypatch.setattr("teachkit.vision.saliency.randomised", lambda model, images, seed: model)
    check = random_weights_check(model, grey, 1)
    assert check.similarity == pytest.approx(1)
    assert "explains little" in check.verdict


def test_random_twin_shares_the_design_but_no_weights(model, grey):
    twin = randomised(model, grey)
    ours, theirs = dict(model.named_parameters()), dict(twin.named_parameters())
    assert ours.keys() == theirs.keys()
    for name in ("head.weight", "backbone.layers.net.conv_stem.weight"):
        assert not torch.equal(ours[name], theirs[name]), name


def test_random_twin_has_signals_that_neither_vanish_nor_explode(model, grey):
    twin = randomised(model, grey)
    maps = twin.activation_maps(grey, 1, native=True)
    assert 1e-4 < maps.std() < 1e3


def test_making_a_random_twin_does_not_move_the_callers_random_numbers(model, grey):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    randomised(model, grey)
    assert torch.equal(torch.rand(3), expected)
