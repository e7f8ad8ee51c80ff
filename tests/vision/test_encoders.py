import pytest
import timm
import torch
import torchvision
from torch import nn

from teachkit.errors import FormatError, SettingsError, UnknownNameError
from teachkit.vision import UNet
from teachkit.vision.encoders import load_encoder


@pytest.mark.parametrize("channels", [1, 3])
def test_a_torchvision_classifier_becomes_the_way_down(channels):
    model = UNet(channels, 2, encoder="resnet18", base_width=4).eval()
    assert model.encoder.channels == [64, 64, 128, 256, 512]
    assert model.encoder.reductions == [2, 4, 8, 16, 32]
    assert model.depth == 5
    assert model(torch.rand(1, channels, 50, 37)).shape == (1, 2, 50, 37)


def test_the_maps_are_those_of_the_classifier_under_the_same_names():
    encoder = load_encoder("resnet18", 3).eval()
    torch.manual_seed(0)
    classifier = torchvision.models.resnet18().eval()
    kept = {name: value for name, value in classifier.state_dict().items() if not name.startswith("fc.")}
    encoder.maps.load_state_dict(kept)  # strict: the same names, none missing, none left over
    seen = []
    classifier.layer3.register_forward_hook(lambda module, inputs, output: seen.append(output))
    x = torch.rand(1, 3, 64, 64)
    classifier(x)
    torch.testing.assert_close(encoder(x)[3], seen[0])


def test_a_timm_network_gives_the_maps_that_timm_names():
    encoder = load_encoder("mobilenetv3_small_050", 3).eval()
    theirs = timm.create_model("mobilenetv3_small_050", features_only=True, pretrained=False)
    assert encoder.channels == theirs.feature_info.channels()
    assert encoder.reductions == theirs.feature_info.reduction()


def test_an_encoder_that_starts_at_a_quarter_is_brought_back_to_full_size():
    model = UNet(3, 2, encoder="convnext_atto", base_width=4).eval()
    assert model.encoder.reductions[0] == 4
    assert list(model.stages(64))[-2:] == ["up 0", "classes"]
    assert model(torch.rand(1, 3, 40, 70)).shape == (1, 2, 40, 70)


@pytest.mark.parametrize("up", ["nearest", "transposed"])
def test_maps_that_are_no_exact_half_are_brought_to_the_size_of_their_partner(up):
    model = UNet(3, 2, encoder="squeezenet1_1", base_width=4, up=up).eval()
    assert model(torch.rand(1, 3, 45, 61)).shape == (1, 2, 45, 61)


class Maps(nn.Module):
    """A module that returns its maps itself."""

    def __init__(self):
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 8, 2, stride=2)

    def forward(self, x):
        fine = self.fine(x)
        return [fine, self.coarse(fine)]


def test_a_module_is_taken_as_it_is_when_it_returns_maps_and_cut_when_it_classifies():
    own = Maps()
    assert UNet(3, 2, encoder=own, base_width=4).encoder.maps is own
    small = torchvision.models.resnet18(num_classes=3)
    assert load_encoder(small, 3).channels == [64, 64, 128, 256, 512]


def test_the_way_down_can_be_replaced_and_the_way_up_stays():
    model = UNet(3, 2, encoder=Maps(), base_width=4)
    before = {name: value.clone() for name, value in model.decoder.state_dict().items()}
    model.encoder.load_state_dict({k: v + 1 for k, v in model.encoder.state_dict().items()})
    assert all(torch.equal(value, before[name]) for name, value in model.decoder.state_dict().items())
    assert {name.partition(".")[0] for name, _ in model.named_parameters()} == {"encoder", "decoder", "head"}


def test_an_unknown_name_is_refused_with_the_nearest_one():
    with pytest.raises(UnknownNameError, match="resnet18"):
        UNet(3, 2, encoder="resnet_18")


def test_a_transformer_of_fixed_size_is_refused():
    with pytest.raises(FormatError, match="Use a convolutional network"):
        UNet(3, 2, encoder="vit_tiny_patch16_224")


def test_other_channels_than_those_of_the_encoder_are_refused():
    with pytest.raises(SettingsError, match="in_channels=3, or 1"):
        UNet(4, 2, encoder=Maps())


def test_how_far_a_foreign_encoder_looks_is_asked_of_the_caller():
    model = UNet(3, 2, encoder=Maps(), base_width=4)
    with pytest.raises(SettingsError, match="Give overlap="):
        model.receptive_field()
