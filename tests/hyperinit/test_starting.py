"""Starts differ in their numbers and in nothing else."""

import numpy as np
import pytest
import torch
from torch import nn

from teachkit.errors import FormatError
from teachkit.hyperinit import HyperInitializer, references
from teachkit.hyperinit.architectures import Basic, Vgg
from teachkit.hyperinit.starting import (
    body_of,
    features_of,
    kaiming_start,
    last_layer,
    predicted_start,
    self_supervise,
    shuffled_start,
    transferred_start,
    untrained_start,
)

SMALL = Basic((8, 16), (1, 1), 3, 3, 1, "none")
HIDDEN = Vgg((8, 16), (1, 1), 3, "max", 32)  # a hidden layer before the last one
PICTURES = np.random.default_rng(0).integers(0, 256, (24, 12, 12), dtype=np.uint8)


@pytest.fixture(scope="module")
def starts():
    """All kinds of starts of one seed, by name."""
    initializer = HyperInitializer(dim=8, max_channels=8, max_kernel=3, seed=5)
    own = self_supervise(SMALL, PICTURES, steps=2, images_per_net=8, seed=3)
    shape = SMALL, 1, 3, 3
    return {
        "Kaiming": kaiming_start(*shape),
        "untrained": untrained_start(*shape, initializer.settings),
        "trained": predicted_start(*shape, initializer),
        "shuffled": shuffled_start(predicted_start(*shape, initializer), 3),
        "self-supervised": transferred_start(*shape, own.numbers),
    }


def test_all_starts_of_a_seed_have_the_same_last_layer(starts):
    heads = [last_layer(network).state_dict() for network in starts.values()]
    for head in heads[1:]:
        assert all(torch.equal(head[name], heads[0][name]) for name in heads[0])


def test_no_two_starts_have_the_same_body(starts):
    firsts = [next(iter(body_of(network).values())).detach() for network in starts.values()]
    assert not any(torch.equal(a, b) for i, a in enumerate(firsts) for b in firsts[:i])


def test_another_seed_is_another_last_layer_and_another_kaiming_body():
    one, other = (kaiming_start(SMALL, 1, 3, seed) for seed in (0, 1))
    assert not torch.equal(last_layer(one).weight, last_layer(other).weight)
    assert not torch.equal(one[0][0][0][0].weight, other[0][0][0][0].weight)


@pytest.mark.parametrize("name", list(references()))
def test_kaiming_weights_have_the_spread_of_their_fan_in(name):
    network = kaiming_start(references()[name], 1, 2, 0)
    last = last_layer(network)
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Linear) and part is not last and part.weight.numel() > 2_000:
            fan_in = part.weight[0].numel()
            assert float(part.weight.detach().std()) == pytest.approx((2 / fan_in) ** 0.5, rel=0.1)


def test_shuffling_keeps_the_numbers_of_each_tensor_and_moves_them(starts):
    trained, shuffled = body_of(starts["trained"]), body_of(starts["shuffled"])
    for name, tensor in trained.items():
        assert torch.equal(tensor.flatten().sort()[0], shuffled[name].flatten().sort()[0])
        if tensor.unique().numel() > 8:
            assert not torch.equal(tensor, shuffled[name])


def test_a_hidden_layer_belongs_to_the_body_and_the_last_layer_does_not():
    network = kaiming_start(HIDDEN, 1, 3, 0)
    assert last_layer(network).out_features == 3
    assert "head.0.weight" in body_of(network)
    assert "head.2.weight" not in body_of(network)


@pytest.mark.parametrize("architecture", [SMALL, HIDDEN])
def test_features_are_the_means_over_the_last_map(architecture):
    network = kaiming_start(architecture, 1, 3, 0).eval()
    x = torch.rand(4, 1, 12, 12)
    with torch.no_grad():
        expected = network[0](x).mean((2, 3))
        assert torch.allclose(features_of(network)(x), expected, atol=1e-6)
        assert torch.equal(network[-1](features_of(network)(x)), network(x))


def test_self_supervision_learns_and_its_own_last_layer_is_thrown_away():
    own = self_supervise(SMALL, PICTURES, steps=30, images_per_net=32, lr=0.01, seed=1)
    assert len(own.losses) == 30
    assert np.mean(own.losses[-5:]) < np.mean(own.losses[:5])
    assert own.seconds > 0
    network = transferred_start(SMALL, 1, 7, 1, own.numbers)  # seven classes: the task had four turns
    assert last_layer(network).out_features == 7
    assert all(torch.equal(tensor, own.numbers[name]) for name, tensor in body_of(network).items())


def test_self_supervision_starts_from_the_kaiming_body_of_its_seed_and_repeats_itself():
    barely = self_supervise(SMALL, PICTURES, steps=1, images_per_net=8, lr=1e-12, seed=2)
    body = body_of(kaiming_start(SMALL, 1, 5, 2))
    assert all(torch.allclose(barely.numbers[name], body[name], atol=1e-6) for name in body)
    twice = [self_supervise(SMALL, PICTURES, steps=3, images_per_net=8, seed=2).losses for _ in range(2)]
    assert twice[0] == twice[1]


def test_nothing_moves_the_random_numbers_of_the_caller():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    shuffled_start(kaiming_start(SMALL, 1, 3, 0), 0)
    self_supervise(SMALL, PICTURES, steps=1, images_per_net=8)
    assert torch.equal(torch.rand(1), expected)


def test_a_network_without_a_linear_layer_has_no_last_layer():
    with pytest.raises(FormatError, match="no linear layer"):
        last_layer(nn.Sequential(nn.Conv2d(1, 2, 3)))
