"""How large predicted weights are, beside random ones."""

import numpy as np
import pytest
import torch

from teachkit import plots
from teachkit.hyperinit import HyperInitializer
from teachkit.hyperinit.architectures import Basic
from teachkit.hyperinit.layer_spread import KAIMING, UNTRAINED, kaiming
from teachkit.hyperinit.meta_nets import meta_net

SMALL = Basic((4, 8), (1, 1), 3, 3, 1, "none")


@pytest.fixture
def small() -> HyperInitializer:
    return HyperInitializer(dim=8, max_channels=8, max_kernel=3)


def test_random_weights_have_spread_one_and_the_last_layer_is_left_out(small):
    table = small.draw_spread(SMALL, channels=1).table
    assert table[KAIMING].median() == pytest.approx(1, abs=0.15)
    assert not any(name.startswith("head") for name in table.index)
    assert len(table) == 6  # stem, two blocks of two, one short cut


def test_the_spread_is_that_of_the_weights_that_a_network_gets(small):
    spread = small.draw_spread(SMALL, channels=1)
    network = SMALL.build(1, 2)
    small.initialize(network)
    weights = dict(network.named_parameters())
    for name, found in spread.table[UNTRAINED].items():
        values = weights[name].detach().numpy()
        assert found == pytest.approx(values.std() * np.sqrt(values[0].size / 2), rel=1e-4)
    assert spread.ratio == pytest.approx((spread.table[UNTRAINED] / spread.table[KAIMING]).median())


def test_before_any_training_the_default_predicts_a_tenth_of_the_usual_spread():
    assert HyperInitializer().draw_spread(SMALL, channels=1).ratio == pytest.approx(0.1, abs=0.02)


def test_after_training_the_untrained_twin_stands_beside_it(small):
    before = small.draw_spread(SMALL, channels=1).table[UNTRAINED]
    with torch.no_grad():
        small.decoder.kernels.weight *= 3
        small.decoder.kernels.bias *= 3
    small.trained_steps = 20
    spread = small.draw_spread(SMALL, channels=1)
    assert list(spread.table.columns) == [KAIMING, UNTRAINED, "predicted, after 20 steps"]
    np.testing.assert_allclose(spread.table[UNTRAINED], before)
    np.testing.assert_allclose(spread.table.iloc[:, 2], 3 * before, rtol=1e-4)
    assert "after 20 steps" in spread.alt


def test_it_shows_itself_as_a_picture(small):
    spread = small.draw_spread(SMALL, channels=1)
    assert isinstance(spread.picture, plots.Picture)
    bundle, _ = spread._repr_mimebundle_()
    assert bundle["text/plain"] == spread.alt
    assert repr(spread) == f"<Spread of 6 layers, {spread.ratio:.2f} times Kaiming's>"


def test_random_numbers_fit_every_tensor_and_are_those_of_torch(small):
    net = meta_net(SMALL, 1, 4, read=small.graph)
    numbers = kaiming(net, torch.Generator().manual_seed(3))
    shapes = {name: tuple(parameter.shape) for name, parameter in net.module.named_parameters()}
    assert {name: tuple(tensor.shape) for name, tensor in numbers.items()} == shapes
    for name, tensor in numbers.items():
        if tensor.ndim > 1:
            assert tensor.std() * (tensor[0].numel() / 2) ** 0.5 == pytest.approx(1, abs=0.5)
        else:
            assert set(tensor.tolist()) == ({1.0} if name.endswith("1.weight") else {0.0}), name
