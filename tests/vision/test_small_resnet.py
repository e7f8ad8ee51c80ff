import numpy as np
import pytest
import torch

from teachkit.errors import FormatError, SettingsError
from teachkit.vision import Classifier
from teachkit.vision.small_resnet import ResidualBlock
from teachkit.vision.transfer import as_batch

SMALL = {"backbone": "small_resnet", "weights": None, "input_size": None, "channels": 1}


def build(**settings):
    torch.manual_seed(0)
    return Classifier(**SMALL | settings)()


def test_a_block_whose_convolutions_are_zero_passes_its_input_on():
    block = ResidualBlock(4, 4).eval()
    torch.nn.init.zeros_(block.f[3].weight)
    x = torch.rand(2, 4, 5, 5)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (31, 17), (112, 112), (9, 8)])
def test_pictures_of_any_size_give_one_score_per_class(height, width):
    model = build(num_classes=3).eval()
    with torch.inference_mode():
        assert model(torch.rand(2, 1, height, width)).shape == (2, 3)
        assert model.backbone.feature_map(torch.rand(2, 1, height, width)).shape == (
            2,
            64,
            -(-height // 4),
            -(-width // 4),
        )


def test_without_an_input_size_pictures_are_not_resized_and_with_one_they_are():
    x = torch.rand(2, 1, 28, 28)
    assert build().backbone.prepare(x).shape == (2, 1, 28, 28)
    assert build(input_size=56).backbone.prepare(x).shape == (2, 1, 56, 56)
    # Values 0..1 are brought to -1..1, without a change of place.
    torch.testing.assert_close(build().backbone.prepare(x), 2 * x - 1)


def test_a_one_channel_stem_takes_grey_pictures_alone():
    model = build()
    assert model.backbone.layers.stem[0].in_channels == 1
    with pytest.raises(FormatError, match=r"\[batch, 1, height, width\]"):
        model(torch.rand(2, 3, 28, 28))
    assert build(channels=3).eval()(torch.rand(2, 1, 28, 28)).shape == (2, 2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weights": "imagenet"}, "no ImageNet weights for 'small_resnet'"),
        ({"backbone": "resnet18", "weights": "imagenet"}, "'resnet18' with 1 channels"),
        ({"channels": 2}, "channels=2"),
        ({"input_size": 7}, "at least 8 pixels"),
    ],
)
def test_a_recipe_that_cannot_be_built_is_refused(settings, words):
    with pytest.raises(SettingsError, match=words):
        Classifier(**SMALL | settings)


def test_titles_and_stages_say_what_becomes_of_a_picture():
    assert Classifier(**SMALL).title == "small ResNet, input as it comes, last map 1/4 of it"
    assert Classifier(**SMALL | {"input_size": 32}).title == "small ResNet, input 32×32, last map 8×8"
    assert list(build().stages().values()) == [
        (1, 28, 28),
        (16, 28, 28),
        (16, 28, 28),
        (32, 14, 14),
        (64, 7, 7),
    ]


def test_its_class_activation_map_adds_up_to_the_logit(grey):
    model = build().eval()
    with torch.no_grad():
        logits = model(as_batch(grey))[:, 1]
    maps = model.activation_maps(grey, 1, contrast=False, native=True)
    np.testing.assert_allclose(maps.mean((1, 2)) + model.head.bias[1].item(), logits, atol=2e-5)
