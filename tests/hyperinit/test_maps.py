"""Class activation maps while a network is fine-tuned."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from teachkit.errors import SettingsError
from teachkit.hyperinit.architectures import Basic, Vgg
from teachkit.hyperinit.downstream import draw_sample, fine_tuning
from teachkit.hyperinit.maps import activation_maps, correlations, draw_maps, maps_while_tuning
from teachkit.hyperinit.starting import kaiming_start
from teachkit.hyperinit.statistics import as_floats, recompute_statistics

SMALL = Basic((4, 8), (1, 1), 3, 3, 1, "none")


@pytest.fixture
def network(toy):
    network = kaiming_start(SMALL, 1, 3, 0)
    recompute_statistics(network, toy("train"))
    return network


def test_the_mean_of_a_map_is_the_lead_of_the_named_class_over_the_others(toy, network):
    maps, named = activation_maps(network, toy("test"))
    with torch.no_grad():
        logits = network.eval()(as_floats(toy("test"))) - network[-1].bias  # the bias has no place
    lead = logits - (logits.sum(1, keepdim=True) - logits) / 2
    expected = lead.gather(1, torch.from_numpy(named)[:, None])[:, 0]
    assert maps.mean((1, 2)) == pytest.approx(expected.numpy(), abs=1e-4)


def test_the_named_class_is_the_answer_of_the_network(toy, network):
    with torch.no_grad():
        answers = network.eval()(as_floats(toy("test"))).argmax(1).numpy()
    assert np.array_equal(activation_maps(network, toy("test"))[1], answers)


def test_a_hidden_layer_before_the_answer_has_no_such_map(toy):
    with pytest.raises(SettingsError, match="hidden layer"):
        activation_maps(kaiming_start(Vgg((4, 8), (1, 1), 3, "max", 16), 1, 2, 0), toy("test"))


def test_maps_are_taken_after_the_epochs_asked_for_and_the_start_stays(toy):
    network, sample = kaiming_start(SMALL, 1, 2, 0), draw_sample(toy("train"), 5, 0)
    before = [parameter.clone() for parameter in network.parameters()]
    found = maps_while_tuning(network, sample, toy("test"), lr=0.1, epochs=(0, 2), seed=0)
    assert list(found) == [0, 2]
    assert not np.allclose(found[0], found[2])
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    for _ in fine_tuning(network, sample, lr=0.1, epochs=2, seed=0):
        pass
    recompute_statistics(network, sample.unlabelled)
    assert np.allclose(found[2], activation_maps(network, toy("test"))[0], atol=1e-5)


def test_correlations_are_pearsons_and_nan_for_flat_maps():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 5, 4, 4))
    a[4] = 1.0
    expected = [np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a[:4], b[:4], strict=True)]
    assert correlations(a, b)[:4] == pytest.approx(expected)
    assert np.isnan(correlations(a, b)[4])


def test_every_image_has_a_row_and_every_start_its_epochs(toy):
    network, shown = kaiming_start(SMALL, 1, 2, 0), toy("test").sample(3)
    sample = draw_sample(toy("train"), 5, 0)
    picture = draw_maps({"Kaiming": (network, 0.05)}, sample, shown, (2, 1), 0, 4, "Toy")
    assert "3 images in rows" in picture.alt
    assert "Kaiming, start" in picture.alt
    assert "Kaiming, epoch 2" in picture.alt
    heat = picture.figure.axes[1].images[1].get_array()
    assert float(np.abs(heat).max()) == pytest.approx(1.0)
    assert heat.shape == F.interpolate(torch.zeros(1, 1, 3, 3), 12).shape[2:]
