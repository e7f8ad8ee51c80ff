"""Weights from files: all numbers of a body, or an error; never random ones in their place."""

from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch
from torch import nn

from teachkit.data import registry
from teachkit.errors import FormatError, SettingsError
from teachkit.mmpt.architectures import TEN
from teachkit.mmpt.backbones import make_backbone
from teachkit.mmpt.weights import weights_file


@pytest.fixture
def trained() -> nn.Module:
    """A small model of timm, with its last layer."""
    return timm.create_model("test_resnet", pretrained=False).eval()


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_a_file_of_either_kind_gives_the_features_of_the_model_it_was_written_from(
    ending: str, trained: nn.Module, tmp_path: Path
):
    file = tmp_path / f"weights{ending}"
    (safetensors.torch.save_file if ending == ".safetensors" else torch.save)(trained.state_dict(), file)
    body = make_backbone("test_resnet", grey=False, size=64, weights=file)
    images = torch.rand(2, 3, 64, 64)
    expected = trained.forward_head(trained.forward_features(images), pre_logits=True)
    assert torch.equal(body.module.eval()(images), expected)
    assert body.module.model.pretrained_cfg["state_dict"] is None


def test_a_body_saved_without_last_layer_is_read_as_well(tmp_path: Path):
    saved = timm.create_model("test_resnet", pretrained=False, num_classes=0)
    torch.save(saved.state_dict(), tmp_path / "body.pth")
    body = make_backbone("test_resnet", grey=False, size=64, weights=tmp_path / "body.pth")
    assert torch.equal(body.module.model.conv1[0].weight, saved.conv1[0].weight)


def test_names_of_torchvision_are_translated_by_timm(tmp_path: Path):
    from torchvision import models

    whole = models.densenet121(weights=None).eval()
    torch.save(whole.state_dict(), tmp_path / "densenet121.pth")
    body = make_backbone("densenet121.ra_in1k", grey=False, size=64, weights=tmp_path / "densenet121.pth")
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected = torch.relu(whole.features(images)).mean((2, 3))
        torch.testing.assert_close(body.module.eval()(images), expected)


def test_a_file_with_one_tensor_missing_is_refused(trained: nn.Module, tmp_path: Path):
    state = trained.state_dict()
    del state["layer3.0.conv2.weight"]
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(FormatError, match="does not fit 'test_resnet'"):
        make_backbone("test_resnet", grey=False, size=64, weights=tmp_path / "weights.pth")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>not found</html>" * 9])
@pytest.mark.parametrize("name", ["test_resnet", "alexnet"])
def test_a_file_that_holds_no_weights_is_named(name: str, content: bytes, tmp_path: Path):
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    with torch.device("meta"), pytest.raises(FormatError, match="no file of weights"):
        make_backbone(name, grey=False, size=224, weights=file)


def test_weights_that_a_source_lacks_are_an_error_with_their_address(offline: Path):
    with pytest.raises(SettingsError, match="vgg16-397923af") as refused:
        weights_file("vgg16.tv_in1k", "imagenet")
    assert "https://download.pytorch.org" in refused.value.remedy
    assert "--weights none" in refused.value.remedy


def test_weights_in_the_data_folder_are_used_and_checked(
    isolated: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    from teachkit.errors import ChecksumError

    folder = tmp_path / "data" / "weights"
    folder.mkdir(parents=True)
    (folder / "resnet18_a1_0-d63eafa0.pth").write_bytes(b"something else")
    monkeypatch.setenv("TEACHKIT_DATA", str(tmp_path / "data"))
    with pytest.raises(ChecksumError, match="d63eafa0"):
        weights_file("resnet18.a1_in1k", "imagenet")


def test_all_ten_have_registered_weights_and_as_many_features_as_the_published_table_says():
    # Doerrich et al. 2025, table 1, "# Output Dimension"
    published = [4096, 4096, 512, 1024, 1792, 768, 768, 768, 768, 256]
    with torch.device("meta"):
        found = [make_backbone(one.model, grey=False, size=one.canvas).features for one in TEN]
    assert found == published
    assert all(registry.weights(one.model).url.startswith("https://") for one in TEN)
