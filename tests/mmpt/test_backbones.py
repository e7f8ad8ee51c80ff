"""Bodies of networks by name."""

import pytest
import torch
from torch import nn

from teachkit.errors import FormatError, SettingsError, UnknownNameError
from teachkit.mmpt.backbones import NATIVE, make_backbone


@pytest.mark.parametrize("name", [*NATIVE, "resnet10t", "shufflenet_v2_x0_5"])
@pytest.mark.parametrize("grey", [True, False])
def test_a_body_by_name_turns_pictures_into_the_features_it_promises(name: str, grey: bool):
    body = make_backbone(name, grey=grey, size=28)
    assert body.channels == (1 if grey and name in NATIVE else 3)
    found = body.module.eval()(torch.rand(2, body.channels, 28, 28))
    assert found.shape == (2, body.features)


def test_the_native_resnet_halves_nothing_before_its_blocks():
    body = make_backbone("resnet18_28", grey=False, size=28)
    assert body.module.feature_map(torch.rand(1, 3, 28, 28)).shape == (1, 512, 4, 4)
    assert sum(p.numel() for p in body.module.parameters()) == 11_168_832  # 64 × 3 × (7 × 7 - 3 × 3) fewer


def test_the_small_transformer_has_no_batchnorm():
    body = make_backbone("small_vit", grey=True, size=28)
    kinds = {type(module) for module in body.module.modules()}
    assert any(issubclass(kind, nn.LayerNorm) for kind in kinds)  # timm has one of its own
    assert not any(issubclass(kind, nn.modules.batchnorm._BatchNorm) for kind in kinds)


def test_weights_of_a_file_fill_the_body_and_leave_out_the_last_layer(tmp_path):
    import timm

    whole = timm.create_model("resnet10t", num_classes=7)
    torch.save(whole.state_dict(), tmp_path / "weights.pth")
    body = make_backbone("resnet10t", grey=True, size=28, weights=tmp_path / "weights.pth")
    assert torch.equal(body.module.model.conv1[0].weight, whole.conv1[0].weight)
    with pytest.raises(FormatError, match="does not fit"):
        make_backbone("resnet18", grey=True, size=28, weights=tmp_path / "weights.pth")


def test_weights_that_are_not_there_are_not_replaced_by_random_ones(offline, tmp_path):
    for name, weights in (
        ("resnet18", "imagenet"),
        ("resnet18", tmp_path / "none.pth"),
        ("small_vit", "imagenet"),
    ):
        with pytest.raises(SettingsError):
            make_backbone(name, grey=False, size=28, weights=weights)


def test_unknown_and_unfit_bodies_are_named():
    with pytest.raises(UnknownNameError, match="resnet18"):
        make_backbone("resnet-18", grey=False, size=28)
    with pytest.raises(FormatError, match="features"):
        make_backbone(nn.Conv2d(3, 4, 3), grey=False, size=28)
    with pytest.raises(SettingsError, match="patches"):
        make_backbone("small_vit", grey=True, size=30)


@pytest.mark.slow
def test_the_backbones_of_the_thesis_are_found_by_their_names():
    with torch.device("meta"):
        for name, features in (("resnet18", 512), ("vit_base_patch16_224", 768)):
            assert make_backbone(name, grey=False, size=224).features == features
