"""How the weights of one layer come out of the state of its node."""

import numpy as np
import pytest
import torch
from torch import nn

from teachkit import plots
from teachkit.errors import UnknownNameError
from teachkit.hyperinit import HyperInitializer


@pytest.fixture
def small() -> HyperInitializer:
    return HyperInitializer(dim=8, max_channels=4, max_kernel=5)


@pytest.fixture
def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False),
        nn.Conv2d(4, 8, 3, bias=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 6),
        nn.Linear(6, 2),
    )


@pytest.fixture
def drawn(monkeypatch) -> list[plots.Decoding]:
    """The steps that are drawn."""
    steps: list[plots.Decoding] = []
    monkeypatch.setattr(plots, "decoding", lambda given, **_: steps.append(given))
    return steps


@pytest.mark.parametrize("layer", ["0", "1", "4", "1.weight"])
def test_the_weights_drawn_are_those_predicted(small, network, drawn, layer):
    small.draw_decoding(network, layer)
    name = layer if layer.endswith(".weight") else f"{layer}.weight"
    with torch.no_grad():
        predicted = small.predict([small.graph(network)])[0][name].numpy()
    np.testing.assert_allclose(drawn[0].weights.reshape(predicted.shape), predicted, atol=1e-6)


def test_the_steps_say_what_is_calculated_and_what_is_copied(small, network, drawn):
    small.draw_decoding(network, "1")
    steps = drawn[0]
    assert (steps.block, steps.used, steps.copies) == ((4, 4), (3, 3), (2, 1))
    assert steps.state.shape == (8,)
    assert steps.places.shape == (5, 5)
    assert steps.factor == pytest.approx((2 / 36) ** 0.5)


def test_a_picture_comes_out_that_names_network_and_layer(small, network):
    assert small.draw_decoding(network, "1").alt.startswith("Sequential, 1. State of 8 numbers.")


@pytest.mark.parametrize("layer", ["5", "2", "none"])
def test_a_layer_without_predicted_weights_is_refused(small, network, layer):
    with pytest.raises(UnknownNameError, match="No weights"):
        small.draw_decoding(network, layer)
