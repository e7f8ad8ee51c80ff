"""First numbers for whole networks, and the hyper-initializer on disk."""

import copy

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import nn
from torch.func import functional_call

from teachkit import data, hyperinit, vision
from teachkit.errors import FormatError, SettingsError, TeachkitWarning
from teachkit.hyperinit import HyperInitializer, recompute_statistics
from teachkit.hyperinit.report import FACTOR, HEAD, POSITION, TOKEN


@pytest.fixture
def small() -> HyperInitializer:
    return HyperInitializer(dim=8, max_channels=8, max_kernel=5)


@pytest.mark.parametrize("classes", [2, 7, 1000])
def test_a_published_network_gets_numbers_and_keeps_its_last_layer(classes):
    module = torchvision.models.resnet18(num_classes=classes)
    before = copy.deepcopy(module.state_dict())
    report = HyperInitializer().initialize(module)
    assert [name for name, _ in report.left_alone] == ["fc.weight", "fc.bias"]
    assert report.unexpected == ()
    assert len(report.initialized) == 60
    for name, value in module.named_parameters():
        assert value.equal(before[name]) is name.startswith("fc."), name
    assert module(torch.randn(2, 3, 32, 32)).isfinite().all()


SMALL_VIT = {"depth": 2, "embed_dim": 48, "num_heads": 2, "img_size": 32, "patch_size": 8}
SMALL_CONVNEXT = {"depths": (1, 1, 1, 1), "dims": (8, 8, 16, 16)}
SMALL_SWIN = {"depths": (1, 1), "embed_dim": 24, "num_heads": (2, 2), "img_size": 32, "window_size": 4}


@pytest.mark.parametrize(
    ("network", "kept"),
    [
        (lambda: timm.create_model("mobilenetv2_035", num_classes=3), set()),
        (lambda: timm.create_model("regnetx_002", num_classes=3), set()),
        (lambda: timm.create_model("efficientnet_b0", num_classes=3), set()),
        (lambda: timm.create_model("convnext_atto", **SMALL_CONVNEXT), {FACTOR}),
        (lambda: timm.create_model("vit_tiny_patch16_224", **SMALL_VIT), {POSITION, TOKEN}),
        (lambda: timm.create_model("swin_tiny_patch4_window7_224", **SMALL_SWIN), {POSITION}),
        (lambda: vision.Classifier("small_resnet", weights=None, input_size=None, channels=1)(), set()),
        (lambda: vision.Classifier("efficientnet_lite0", weights=None)(), set()),
    ],
    ids=["mobilenet", "regnet", "efficientnet", "convnext", "vit", "swin", "small_resnet", "lite0"],
)
def test_all_layers_but_the_last_are_predicted(small, network, kept):
    module = network()
    before = copy.deepcopy(module.state_dict())
    report = small.initialize(module)
    assert {why for _, why in report.left_alone} == {HEAD, *kept}
    assert sum(why == HEAD for _, why in report.left_alone) == 2
    assert report.unexpected == ()
    assert len(report.initialized) + len(report.left_alone) == len(list(module.parameters()))
    names = {name for name, _ in report.left_alone}
    for name, value in module.named_parameters():
        assert value.equal(before[name]) is (name in names), name


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "convnext_atto"])
def test_a_network_of_another_kind_runs_with_its_first_numbers(small, name):
    settings = SMALL_VIT if name.startswith("vit") else SMALL_CONVNEXT
    module = timm.create_model(name, num_classes=3, **settings)
    small.initialize(module)
    outputs = module.eval()(torch.rand(4, 3, 32, 32))
    assert outputs.isfinite().all()
    assert not outputs[0].allclose(outputs[1], atol=1e-6)


def test_noise_tells_copies_of_channels_apart_and_changes_nothing_else(small, residual):
    plain, noisy = residual(20), residual(20)
    noisy.load_state_dict(plain.state_dict())
    small.initialize(plain)
    small.initialize(noisy, noise=0.01)
    assert plain.conv.weight[8:16].equal(plain.conv.weight[:8])
    difference = (noisy.conv.weight - plain.conv.weight).detach()
    assert float(difference.std() / plain.conv.weight.detach().std()) == pytest.approx(0.01, rel=0.1)
    assert not noisy.conv.weight[8:16].equal(noisy.conv.weight[:8])
    for name in ("norm.weight", "norm.bias", "conv.bias", "head.weight"):
        assert noisy.get_parameter(name).equal(plain.get_parameter(name)), name
    narrow = residual(8)
    again = copy.deepcopy(narrow)
    small.initialize(narrow)
    small.initialize(again, noise=0.01)
    assert all(one.equal(other) for one, other in zip(narrow.parameters(), again.parameters(), strict=True))
    with pytest.raises(SettingsError, match="noise"):
        small.initialize(narrow, noise=-1)


@pytest.mark.parametrize("encoder", [None, "resnet18"])
def test_of_a_unet_the_encoder_is_predicted_and_the_decoder_stays(small, encoder):
    module = vision.UNet(1, 2, depth=2, base_width=4, norm="batch", encoder=encoder)
    before, images = copy.deepcopy(module.state_dict()), torch.rand(2, 1, 32, 32)
    state = torch.get_rng_state()
    report = small.initialize(module, images)
    assert torch.get_rng_state().equal(state)
    assert {name.split(".")[0] for name in report.initialized} == {"encoder"}
    assert {name.split(".")[0] for name, _ in report.left_alone} == {"decoder", "head"}
    for name, value in module.named_parameters():
        assert value.equal(before[name]) is not name.startswith("encoder."), name


def test_what_cannot_be_traced_is_counted_and_stays(small):
    class Curious(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(2, 2, 3)

        def forward(self, x):
            return self.layer(x) if x.sum() > 0 else x

    module = nn.Sequential(nn.Conv2d(1, 2, 3), Curious(), nn.Flatten(), nn.Linear(2, 2))
    before = copy.deepcopy(module.state_dict())
    with pytest.warns(TeachkitWarning, match=r"2 of 6 tensors .* 2 \(Curious cannot be traced"):
        report = small.initialize(module)
    assert [name for name, _ in report.unexpected] == ["1.layer.weight", "1.layer.bias"]
    assert module[1].layer.weight.equal(before["1.layer.weight"])
    with pytest.warns(TeachkitWarning, match="0 of 2 tensors"):
        assert small.initialize(Curious()).initialized == ()


def test_predicted_numbers_run_like_a_real_network_with_them(small, residual):
    real = residual().eval()
    with torch.device("meta"):
        shapes = residual().eval()
    small.grow_head(3)
    (numbers,) = small.predict([small.graph(shapes)], heads=3)
    assert set(numbers) == {name for name, _ in real.named_parameters()}
    statistics = dict(real.named_buffers())
    x = torch.randn(2, 1, 9, 9)
    found = functional_call(shapes, {**numbers, **statistics}, (x,))
    real.load_state_dict({name: value.detach() for name, value in numbers.items()}, strict=False)
    torch.testing.assert_close(found, real(x))


def test_the_gradient_reaches_every_number_of_the_hyper_network(small, residual):
    small.grow_head(3)
    (numbers,) = small.predict([small.graph(residual())], heads=3)
    sum(value.square().sum() for value in numbers.values()).backward()
    for name, parameter in small.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_graphs_together_get_the_numbers_of_graphs_alone(small, residual):
    graphs = [small.graph(residual(width)) for width in (4, 8, 12)]
    for alone, together in zip(
        [small.predict([graph])[0] for graph in graphs], small.predict(graphs), strict=True
    ):
        assert alone.keys() == together.keys()
        for name in alone:
            torch.testing.assert_close(alone[name], together[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "settings", [{"gnn": "transformer"}, {"hops": "code"}, {"activations": True}, {"layers": 2}]
)
def test_settings_change_the_numbers(small, residual, settings):
    other = HyperInitializer(**{**small.settings, **settings})
    one, two = (h.predict([h.graph(residual())])[0] for h in (small, other))
    assert one.keys() == two.keys()
    assert not torch.allclose(one["conv.weight"], two["conv.weight"])


def test_the_seed_decides_and_nothing_else_is_drawn(residual):
    state = torch.get_rng_state()
    first, second, third = (HyperInitializer(dim=8, max_channels=8, seed=seed) for seed in (1, 1, 2))
    assert torch.get_rng_state().equal(state)
    graph = first.graph(residual())
    one, two, three = (h.predict([graph])[0]["stem.weight"] for h in (first, second, third))
    assert one.equal(two)
    assert not one.equal(three)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dim": 6}, "multiple of four"),
        ({"dim": 0}, "at least 4"),
        ({"layers": 0}, "at least 1"),
        ({"gnn": "gcn"}, "transformer"),
        ({"hops": "both"}, "equation"),
    ],
)
def test_senseless_settings_are_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        HyperInitializer(**settings)


def test_a_head_must_be_grown_before_it_is_predicted(small, residual):
    graph = small.graph(residual())
    with pytest.raises(SettingsError, match=r"grow_head\(4\)"):
        small.predict([graph], heads=4)
    small.grow_head(4)
    assert small.predict([graph], heads=4)[0]["head.weight"].shape == (4, 8)
    assert "head.weight" not in small.predict([graph])[0]
    layer = small.decoder.head_weight
    small.grow_head(4)
    assert small.decoder.head_weight is layer


def test_a_network_of_shapes_alone_is_refused(small, residual):
    with torch.device("meta"):
        module = residual()
    with pytest.raises(FormatError, match="meta"):
        small.initialize(module)


def test_broken_numbers_go_into_no_network(small, residual):
    module = residual()
    before = copy.deepcopy(module.state_dict())
    nn.init.constant_(small.decoder.hidden.bias, float("nan"))
    with pytest.raises(FormatError, match="not finite"):
        small.initialize(module)
    assert all(value.equal(before[name]) for name, value in module.state_dict().items())


# -- statistics of BatchNorm -----------------------------------------------------------------------------


def test_old_running_statistics_are_forgotten(small, residual):
    module = residual()
    module(torch.randn(8, 1, 9, 9) + 3)
    small.initialize(module)
    assert module.norm.running_mean.equal(torch.zeros(8))
    assert module.norm.running_var.equal(torch.ones(8))


def test_statistics_are_those_of_the_images(small, residual):
    images = np.random.default_rng(0).integers(0, 255, (96, 9, 9), dtype=np.uint8)
    module = residual().train()
    module.head.eval()
    small.initialize(module, images=images)
    features = module.stem(torch.from_numpy(images.astype(np.float32) / 255)[:, None])
    torch.testing.assert_close(module.norm.running_mean, features.mean((0, 2, 3)), rtol=1e-4, atol=1e-6)
    halves = torch.stack([half.var((0, 2, 3)) for half in features.chunk(2)]).mean(0)
    torch.testing.assert_close(module.norm.running_var, halves, rtol=1e-4, atol=1e-6)
    assert module.training
    assert module.norm.momentum == 0.1
    assert not module.head.training


def test_grey_images_fit_a_network_for_colour(offline):
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2))
    assert recompute_statistics(network, data.load("digits", "test").sample(20)) == 1
    assert recompute_statistics(nn.Conv2d(1, 1, 1), torch.rand(4, 1, 5, 5)) == 0


@pytest.mark.parametrize("images", [np.zeros((1, 5, 5), np.uint8), np.zeros((4, 5, 5)), [np.zeros((5, 5))]])
def test_images_without_statistics_are_refused(residual, images):
    with pytest.raises(FormatError, match=r"images|Images"):
        recompute_statistics(residual(), images)


# -- files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heads", [None, 3])
def test_what_was_saved_comes_back(small, residual, tmp_path, heads):
    if heads:
        small.grow_head(heads)
    small.trained_steps = 12
    path = small.save(tmp_path / "h.pt")
    found = HyperInitializer.load(path)
    assert found.settings == small.settings
    assert found.trained_steps == 12
    graph = small.graph(residual())
    one, two = (h.predict([graph], heads=heads)[0] for h in (small, found))
    assert all(one[name].equal(two[name]) for name in one)


def test_without_a_shipped_file_the_way_to_one_is_named(monkeypatch):
    monkeypatch.setattr(hyperinit.files, "SHIPPED", "nothing.pt")
    with pytest.raises(SettingsError, match=r"pretrain\(images, steps=700\)"):
        HyperInitializer.load()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"no file .*gone\.pt"):
        HyperInitializer.load(tmp_path / "gone.pt")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "cannot be read"),
        (lambda path: path.write_bytes(b"hello"), "cannot be read"),
        (lambda path: flip(path), "has changed"),
        (lambda path: torch.save(nn.Linear(2, 2).state_dict(), path), "something else"),
        (lambda path: torch.save(nn.Linear(2, 2), path), "cannot be read"),
        (lambda path: change(path, version=9), "version 9"),
        (lambda path: change(path, numbers={}), "Missing key"),
        (lambda path: change(path, settings={"dim": 7}), "multiple of four"),
        (lambda path: change(path, settings={"depth": 7}), "unexpected keyword"),
    ],
    ids=["cut", "text", "flipped", "state dict", "pickle", "newer", "empty", "senseless", "unknown setting"],
)
def test_wrong_files_are_refused_with_the_reason(small, tmp_path, damage, said):
    path = small.save(tmp_path / "h.pt")
    damage(path)
    with pytest.raises(FormatError, match=said):
        HyperInitializer.load(path)


def test_numbers_that_are_none_are_refused(small, tmp_path):
    nn.init.constant_(small.norm.bias, float("inf"))
    with pytest.raises(FormatError, match=r"norm\.bias.*not finite"):
        HyperInitializer.load(small.save(tmp_path / "h.pt"))


def change(path, **entries) -> None:
    torch.save(torch.load(path, weights_only=True) | entries, path)


def flip(path) -> None:
    """Turn over one bit in the middle of the file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
