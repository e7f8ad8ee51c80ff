import numpy as np
import pytest
import timm
import torch
from torch import nn

from teachkit import data
from teachkit.errors import FormatError, SettingsError, UnknownNameError
from teachkit.vision import backbones


@pytest.fixture(scope="module")
def whole_lite0():
    """timm's network with its 1,000-class layer."""
    return timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()


def test_all_247_packaged_tensors_find_their_place(whole_lite0):
    weights = backbones.lite0_weights(whole_lite0.state_dict())
    assert len(weights) == 247
    faults = whole_lite0.load_state_dict(weights, strict=False)
    assert not faults.unexpected_keys
    assert all(key.endswith("num_batches_tracked") for key in faults.missing_keys)


def test_packaged_weights_see_a_cat_in_a_photograph_of_a_cat(whole_lite0):
    from skimage.data import chelsea
    from skimage.transform import resize

    whole_lite0.load_state_dict(backbones.lite0_weights(whole_lite0.state_dict()), strict=False)
    picture = resize(chelsea()[:, 75:375], (224, 224), anti_aliasing=True)
    x = (torch.tensor(picture).permute(2, 0, 1)[None].float() - 0.5) / 0.5
    with torch.inference_mode():
        best = int(whole_lite0(x).argmax())
    assert 281 <= best <= 285  # ImageNet's five kinds of domestic cat


def test_weights_of_another_shape_are_refused(whole_lite0):
    wrong = dict(whole_lite0.state_dict())
    wrong["conv_stem.weight"] = torch.zeros(1)
    with pytest.raises(FormatError, match=r"_conv_stem\.weight.*conv_stem\.weight"):
        backbones.lite0_weights(wrong)


def test_weights_of_another_number_are_refused(whole_lite0):
    fewer = dict(list(whole_lite0.state_dict().items())[5:])
    with pytest.raises(FormatError, match="247 tensors"):
        backbones.lite0_weights(fewer)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18"])
def test_last_map_of_a_112_pixel_image_has_seven_by_seven_places(name):
    backbone = backbones.find(name)
    with torch.inference_mode():
        found = backbone.build(3).eval()(torch.zeros(1, 3, 112, 112))
    assert found.shape == (1, backbone.features, 7, 7)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", backbones.BACKBONES)
def test_every_network_ends_in_a_map_as_small_as_it_says_for_one_and_three_channels(name, channels):
    backbone = backbones.find(name)
    with torch.inference_mode():
        found = backbone.build(channels).eval()(torch.zeros(1, channels, 64, 96))
    assert found.shape == (1, backbone.features, 64 // backbone.stride, 96 // backbone.stride)


def test_auto_takes_the_packaged_network_when_the_source_has_no_resnet(monkeypatch):
    monkeypatch.setattr(data, "weights_path", lambda name: None, raising=False)
    assert backbones.find("auto").name == "efficientnet_lite0"


def test_auto_takes_resnet18_when_the_source_has_its_weights(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "weights_path", lambda name: tmp_path, raising=False)
    assert backbones.find("auto").name == "resnet18"


def test_resnet18_is_filled_from_the_file_of_the_source(monkeypatch, tmp_path):
    from torchvision.models import resnet18

    torch.manual_seed(1)
    donor = resnet18(weights=None).eval()
    torch.save(donor.state_dict(), tmp_path / "resnet18-f37072fd.pth")
    monkeypatch.setattr(data, "weights_path", lambda name: tmp_path / "resnet18-f37072fd.pth", raising=False)
    body = backbones.find("resnet18").build().eval()
    backbones.find("resnet18").fill(body)
    donor.avgpool, donor.fc = nn.Identity(), nn.Identity()
    donor.layer4[0].conv1.stride = donor.layer4[0].downsample[0].stride = (1, 1)
    x = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        np.testing.assert_array_equal(body(x).flatten(1).numpy(), donor(x).numpy())


def test_resnet18_without_its_weights_says_where_to_put_them(monkeypatch):
    monkeypatch.setattr(data, "weights_path", lambda name: None, raising=False)
    backbone = backbones.find("resnet18")
    with pytest.raises(SettingsError, match=r"resnet18-f37072fd\.pth"):
        backbone.fill(backbone.build())


def test_unknown_backbone_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'resnet18'"):
        backbones.find("resnet-18")
