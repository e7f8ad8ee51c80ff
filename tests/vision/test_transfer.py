import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from teachkit.errors import FormatError, SettingsError
from teachkit.vision import Classifier
from teachkit.vision.transfer import as_batch

LITE = {"backbone": "efficientnet_lite0", "input_size": 32}


def build(seed=0, **settings):
    torch.manual_seed(seed)
    return Classifier(**LITE | settings)()


def first_convolution(model):
    return model.backbone.layers.net.conv_stem.weight.detach().clone()


def train_a_little(model, steps=3):
    """Three steps of SGD on noise, in training mode."""
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1, weight_decay=0.1)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(torch.rand(4, 1, 28, 28)), torch.tensor([0, 1, 0, 1])).backward()
        optimizer.step()


def test_imagenet_weights_equal_the_packaged_tensors_bit_by_bit():
    import timm

    from teachkit.vision.backbones import lite0_weights

    packaged = lite0_weights(timm.create_model("tf_efficientnet_lite0").state_dict())
    ours = build().backbone.layers.net.state_dict()
    for name, value in packaged.items():
        if not name.startswith("classifier."):
            assert torch.equal(ours[name], value), name


def test_random_initialisation_is_not_the_pretrained_network():
    pretrained, fresh = build(weights="imagenet"), build(weights=None)
    assert not torch.equal(first_convolution(pretrained), first_convolution(fresh))
    overlap = torch.corrcoef(torch.stack([first_convolution(m).flatten() for m in (pretrained, fresh)]))[0, 1]
    assert abs(overlap) < 0.2


def test_random_initialisation_changes_with_the_seed_and_repeats_under_it():
    assert torch.equal(first_convolution(build(1, weights=None)), first_convolution(build(1, weights=None)))
    assert not torch.equal(
        first_convolution(build(1, weights=None)), first_convolution(build(2, weights=None))
    )


def test_one_seed_gives_all_arms_the_same_head():
    arms = [build(weights=None), build(trainable="head"), build()]
    for arm in arms[1:]:
        assert torch.equal(arm.head.weight, arms[0].head.weight)
    assert not torch.equal(build(1).head.weight, arms[0].head.weight)


def test_frozen_arm_leaves_every_parameter_and_buffer_but_the_head_untouched():
    model = build(trainable="head")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train_a_little(model)
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"head.weight", "head.bias"}


def test_fine_tuning_moves_weights_and_batchnorm_statistics():
    model = build()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train_a_little(model)
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert any(name.endswith("conv_stem.weight") for name in moved)
    assert any(name.endswith("running_mean") for name in moved)


def test_without_the_train_override_batchnorm_of_a_frozen_network_drifts():
    """The published module's fault, and proof that the test above can fail."""
    model = build(trainable="head")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.nn.Module.train(model.backbone, True)
    model(torch.rand(4, 1, 28, 28))
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert any(name.endswith("running_var") for name in moved)


def test_frozen_body_and_head_give_the_logits_of_the_whole():
    model = build(trainable="head").train()
    x = torch.rand(3, 1, 28, 28)
    assert torch.equal(model.head(model.frozen_body()(x)), model(x))


def test_a_network_that_learns_throughout_has_no_frozen_body():
    assert build().frozen_body() is None


def test_a_grey_image_and_its_three_equal_channels_give_the_same_logits():
    model = build().eval()
    x = torch.rand(2, 1, 28, 28)
    assert torch.equal(model(x), model(x.expand(-1, 3, -1, -1)))


def test_images_are_normalised_by_the_statistics_of_the_weights():
    body = build(input_size=32).backbone
    assert torch.allclose(body.prepare(torch.ones(1, 1, 28, 28)), torch.ones(1, 3, 32, 32))  # (1 - .5) / .5
    assert torch.allclose(body.prepare(torch.zeros(1, 1, 28, 28)), -torch.ones(1, 3, 32, 32))


def test_large_images_are_filtered_before_they_shrink():
    stripes = torch.zeros(1, 1, 64, 64)
    stripes[..., ::2] = 1
    small = build().backbone.prepare(stripes)[..., 2:-2]  # borders see half a filter
    assert small.abs().max() < 0.2  # grey, as the eye sees it


@pytest.mark.parametrize(
    ("shape", "kind"), [((2, 28, 28), torch.float), ((2, 4, 9, 9), torch.float), ((2, 1, 9, 9), torch.uint8)]
)
def test_input_of_another_form_is_refused_naming_its_shape(shape, kind):
    with pytest.raises(FormatError, match=re.escape(str(shape))):
        build()(torch.zeros(shape, dtype=kind))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weights": "imagenet21k"}, "weights='imagenet21k'"),
        ({"trainable": "body"}, "trainable='body'"),
        ({"num_classes": 0}, "num_classes=0"),
        ({"input_size": 8}, "input_size=8"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings, words):
    with pytest.raises(SettingsError, match=words):
        Classifier(**LITE | settings)


def test_auto_is_recorded_as_the_backbone_in_use():
    assert Classifier().backbone == "efficientnet_lite0"
    assert Classifier().title == "EfficientNet-Lite0, input 112×112, last map 7×7"


@pytest.mark.parametrize("classes", [2, 3])
def test_a_class_activation_map_adds_up_to_the_logit(grey, classes):
    model = build(num_classes=classes, input_size=112).eval()
    with torch.no_grad():
        logits = model(as_batch(grey))[:, 1]
    maps = model.activation_maps(grey, 1, contrast=False)
    assert maps.shape == grey.shape
    np.testing.assert_allclose(maps.mean((1, 2)) + model.head.bias[1].item(), logits, atol=2e-5)


def test_with_two_classes_the_contrast_map_adds_up_to_the_log_odds(grey):
    model = build(input_size=112).eval()
    with torch.no_grad():
        logits = model(as_batch(grey)).double()
    odds = (logits[:, 1] - logits[:, 0]).numpy()
    bias = (model.head.bias[1] - model.head.bias[0]).item()
    np.testing.assert_allclose(model.activation_maps(grey, 1).mean((1, 2)) + bias, odds, atol=5e-5)
    np.testing.assert_allclose(model.activation_maps(grey, 0), -model.activation_maps(grey, 1), atol=1e-6)


def test_each_image_may_have_its_own_target(grey):
    model = build().eval()
    both = [model.activation_maps(grey, c) for c in (0, 1)]
    chosen = np.array([0, 1, 1, 0, 1, 0])
    mixed = model.activation_maps(grey, chosen)
    np.testing.assert_allclose(mixed, np.stack([both[c][i] for i, c in enumerate(chosen)]), atol=1e-6)


def test_maps_leave_the_training_mode_as_it_was(grey):
    model = build().train()
    model.activation_maps(grey, 0)
    assert model.training


@pytest.mark.parametrize("target", [2, -1, np.array([0, 1])])
def test_a_target_that_does_not_exist_is_refused(grey, target):
    with pytest.raises(SettingsError, match="target="):
        build().activation_maps(grey, target)


def test_colour_images_and_tensors_are_understood(grey):
    colour = np.repeat(grey[..., None], 3, axis=3)
    assert torch.equal(as_batch(colour)[:, :1], as_batch(grey))
    assert as_batch(grey).max() <= 1
    with pytest.raises(FormatError, match="not understood"):
        as_batch(grey.astype(float))


def test_stages_tell_how_the_image_shrinks_while_channels_grow():
    model = build(input_size=112)
    shapes = model.stages()
    assert shapes["image"] == (3, 112, 112)
    assert list(shapes.values())[-1] == (1280, 7, 7)
    sides = [height for _, height, _ in shapes.values()]
    assert sides == sorted(sides, reverse=True)
    assert not any(module._forward_hooks for module in model.modules())
    assert model.training


def test_stages_of_resnet18_end_in_512_channels(monkeypatch):
    shapes = Classifier("resnet18", weights=None)().stages()
    assert list(shapes.values())[1:] == [(64, 56, 56), (64, 28, 28), (128, 14, 14), (256, 7, 7), (512, 7, 7)]
