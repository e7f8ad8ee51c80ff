"""Whose mean and variance a layer uses."""

import copy

import pytest
import torch
from torch import Tensor, nn

from teachkit.errors import UnknownNameError
from teachkit.mmpt.answering import calibrate
from teachkit.mmpt.backbones import Backbone
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.network import DomainNet
from teachkit.mmpt.normalisation import DomainBatchNorm, Route, domain_layers, replaced

DOMAINS = [Domain(name, name, name, "binary", ("a", "b")) for name in ("dark", "bright", "third")]


def batch(rows: int = 6, shift: float = 0.0, shape: tuple[int, ...] = (4, 5, 5)) -> Tensor:
    return torch.randn(rows, *shape) * (1 + abs(shift)) + shift


def learned(layer: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """With numbers that are not those of the start."""
    with torch.no_grad():
        layer.weight.uniform_(0.5, 2)
        layer.bias.normal_()
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.5, 2)
    return layer


@pytest.mark.parametrize("shape", [(4, 5, 5), (4,), (4, 3), (4, 2, 2, 2)])
def test_a_shared_layer_is_ordinary_batchnorm_in_both_modes(shape: tuple[int, ...]):
    kinds = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d}
    plain = learned(kinds[len(shape)](4))
    route = Route()
    ours = DomainBatchNorm(copy.deepcopy(plain), 3, route)
    for mode in (True, False):
        x = batch(6, 2.0, shape)
        route.cuts = [(0, 4), (2, 2)]
        assert torch.equal(ours.train(mode)(x), plain.train(mode)(x))
    assert torch.equal(ours.running_mean, plain.running_mean)
    assert torch.equal(ours.running_var, plain.running_var)


def test_layers_of_their_own_are_one_batchnorm_for_each_domain_gradients_included():
    plain = learned(nn.BatchNorm2d(4))
    each = [copy.deepcopy(plain) for _ in range(3)]
    route = Route()
    ours = DomainBatchNorm(plain, 3, route, own=True)
    dark, third = batch(5, -3.0), batch(3, 2.0)
    x = torch.cat([dark, third]).requires_grad_()
    route.cuts = [(0, 5), (2, 3)]
    found = ours(x)
    parts = [part.requires_grad_() for part in (dark, third)]
    expected = torch.cat([each[0](parts[0]), each[2](parts[1])])
    assert torch.allclose(found, expected, atol=1e-6)
    weights = torch.randn_like(found)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    assert torch.allclose(x.grad, torch.cat([part.grad for part in parts]), atol=1e-5)
    assert torch.allclose(ours.weights[2].grad, each[2].weight.grad, atol=1e-4)
    assert ours.weights[1].grad is None
    for domain in range(3):
        assert torch.equal(ours.domain_mean[domain], each[domain].running_mean)
        assert torch.equal(ours.domain_var[domain], each[domain].running_var)
    ours.eval()
    for one in each:
        one.eval()
    again = torch.cat([each[0](dark), each[2](third)])
    route.statistics = "domain"
    assert torch.allclose(ours(torch.cat([dark, third])), again, atol=1e-6)


def test_in_evaluation_mode_the_route_says_whose_statistics_are_used():
    plain, route = learned(nn.BatchNorm2d(4)), Route(cuts=[(1, 6)])
    ours = DomainBatchNorm(copy.deepcopy(plain), 3, route).eval()
    ours.domain_mean[1], ours.domain_var[1] = 3.0, 4.0
    x = batch()
    scale, shift = plain.weight.view(1, -1, 1, 1), plain.bias.view(1, -1, 1, 1)
    assert torch.equal(ours(x), plain.eval()(x))
    with route.set(statistics="domain"):
        assert torch.allclose(ours(x), (x - 3) / (4 + plain.eps) ** 0.5 * scale + shift, atol=1e-5)
    with route.set(statistics="batch"):
        assert torch.allclose(ours(x), plain.train()(x), atol=1e-6)
    assert route.statistics == "everyone"


def test_statistics_of_the_batch_leave_no_trace():
    ours = DomainBatchNorm(nn.BatchNorm2d(4), 2, Route(cuts=[(0, 6)], statistics="batch")).eval()
    before = copy.deepcopy(ours.state_dict())
    ours(batch(6, 5.0))
    assert all(torch.equal(value, before[name]) for name, value in ours.state_dict().items())


def two_layers() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), learned(nn.BatchNorm2d(4)), nn.ReLU(),
        nn.Conv2d(4, 5, 3), learned(nn.BatchNorm2d(5)), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def test_calibration_gives_what_torch_collects_with_momentum_none():
    torch.manual_seed(1)
    plain = two_layers()
    net = DomainNet(Backbone("", copy.deepcopy(plain), 5, 1), DOMAINS, norm="recalibrated").eval()
    batches = [torch.rand(8, 1, 9, 9) + shift for shift in (0.0, 0.5)]
    before = copy.deepcopy(net.state_dict())
    calibrate(net, 1, batches)
    for layer in plain.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None
            layer.reset_running_stats()
    with torch.no_grad():
        for images in batches:
            plain.train()((images - 0.5) / 0.5)
    theirs = [layer for layer in plain.modules() if isinstance(layer, nn.BatchNorm2d)]
    for ours, layer in zip(domain_layers(net), theirs, strict=True):
        assert torch.allclose(ours.domain_mean[1], layer.running_mean, atol=1e-5)
        assert torch.allclose(ours.domain_var[1], layer.running_var, atol=1e-5)
    for name, value in net.state_dict().items():  # nothing else moved, not even the mode
        rows = [0, 2] if "domain_" in name else slice(None)
        assert torch.equal(
            value[rows] if value.ndim else value, before[name][rows] if value.ndim else before[name]
        )
    assert not net.training


def test_groupnorm_takes_over_scale_and_shift_and_needs_no_statistics():
    plain = nn.Sequential(nn.Conv2d(1, 12, 3), learned(nn.BatchNorm2d(12)))
    weight = plain[1].weight.detach().clone()
    found = replaced(plain, "group", 2, Route())
    assert isinstance(found[1], nn.GroupNorm)
    assert found[1].num_groups == 4
    assert torch.equal(found[1].weight, weight)
    assert domain_layers(found) == []


@pytest.mark.parametrize("name", ["efficientnet_lite0", "mobilenetv3_small_050", "resnet10t"])
@pytest.mark.parametrize("norm", ["shared", "recalibrated"])
def test_models_of_timm_answer_as_before_when_their_layers_are_replaced(name: str, norm: str):
    import timm

    model = timm.create_model(name, num_classes=3).eval()
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        expected = model(x)
        route = Route(cuts=[(0, 2)])
        found = replaced(model, norm, 2, route).eval()(x)
        assert torch.allclose(found, expected, atol=1e-5)
        with route.set(statistics="domain"):  # a table that was never written is the running average
            assert torch.allclose(model(x), expected, atol=1e-5)


def test_an_unknown_norm_is_named():
    with pytest.raises(UnknownNameError, match="recalibrated"):
        replaced(nn.BatchNorm2d(3), "recalibrate", 2, Route())
