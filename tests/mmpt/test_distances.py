"""How far the statistics of a domain lie from those of everyone."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from teachkit import mmpt
from teachkit.errors import SettingsError
from teachkit.mmpt.distances import apart

means, variances = st.floats(-3, 3), st.floats(0.05, 9)


@given(means, variances, means, variances)
def test_the_distance_is_the_integral_that_defines_it(m, v, n, w):
    x = np.linspace(-30, 30, 60_001)
    densities = [np.exp(-((x - c) ** 2) / (2 * s)) / np.sqrt(2 * np.pi * s) for c, s in ((m, v), (n, w))]
    overlap = np.trapezoid(np.sqrt(densities[0] * densities[1]), x)
    found = float(apart(*(torch.tensor(number, dtype=torch.float64) for number in (m, v, n, w))))
    assert found**2 == pytest.approx(1 - overlap, abs=1e-6)


def test_the_same_is_at_no_distance_and_one_standard_deviation_is_at_a_third():
    one, zero = torch.ones(1), torch.zeros(1)
    assert float(apart(zero, one, zero, one)) == 0
    assert float(apart(zero, one, one, one)) == pytest.approx(math.sqrt(1 - math.exp(-1 / 8)))


def test_a_domain_far_from_the_average_is_far_in_the_first_layer(four, tiny):
    model = mmpt.pretrain(four, tiny, norm="shared", sampling="homogeneous", epochs=2, batch_size=16)
    table = model.distances()
    assert list(table.columns) == list(four)
    assert list(table.index) == ["norm", "last"]
    assert table.to_numpy().min() >= 0
    assert table.to_numpy().max() <= 1
    layer = model.net.backbone.norm
    layer.running_mean.copy_(layer.domain_mean[1])
    layer.running_var.copy_(layer.domain_var[1])
    assert model.distances().loc["norm", "multi-class"] == 0
    said = model.draw_distances().alt
    assert "1 no overlap" in said
    assert "multi-class goes from 0.000" in said


@pytest.mark.parametrize("norm", ["group", "domain"])
def test_without_both_statistics_there_is_no_distance(four, tiny, norm: str):
    model = mmpt.pretrain(four, tiny, norm=norm, steps=2, batch_size=16)
    with pytest.raises(SettingsError, match="knows the statistics of everyone and"):
        model.distances()
