"""Bodies of networks by name: from normalised images to one vector of features per image."""

import copy
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from teachkit.errors import FormatError, SettingsError, UnknownNameError, nearest
from teachkit.extras import need
from teachkit.mmpt.weights import timm_model, torchvision_model, weights_file
from teachkit.vision.backbones import IMAGENET_MEAN, IMAGENET_STD
from teachkit.vision.small_resnet import WIDTHS, SmallResNet

HALF = (
    0.5,
    0.5,
    0.5,
)  # mean and standard deviation that bring 0..1 to -1..1, as MedMNIST's own training does
NATIVE = ("small_resnet", "small_cnn", "resnet18_28", "small_vit")


@dataclass(frozen=True)
class Backbone:
    """A body, and what it expects.

    Attributes:
        name: what it is called; empty for a module of the caller's.
        module: maps images [B, channels, H, W], normalised, to features [B, features].
        features: numbers per image.
        channels: 1 or 3.
        mean, std: of the images that its weights were trained on.
    """

    name: str
    module: nn.Module
    features: int
    channels: int
    mean: tuple[float, float, float] = HALF
    std: tuple[float, float, float] = HALF


class Pooled(nn.Module):
    """A body that ends in a map [B, features, h, w], and the mean over its places."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def feature_map(self, x: Tensor) -> Tensor:
        """The last map."""
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.feature_map(x).mean((2, 3))


class Timm(nn.Module):
    """A model of timm without its last layer."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def feature_map(self, x: Tensor) -> Tensor:
        """The last map [B, features, h, w]; of a transformer, its tokens [B, tokens, features]."""
        return self.model.forward_features(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


def make_backbone(
    which: str | nn.Module, *, grey: bool, size: int, weights: str | os.PathLike[str] | None = None
) -> Backbone:
    """The body called `which`, or one around a module of the caller's.

    ===============  ===========================================================================
    "small_resnet"   three residual blocks, for pictures of 28 pixels
    "small_cnn"      three convolutions with BatchNorm; several times faster, for first tries
    "resnet18_28"    ResNet-18 with a 3×3 stem that halves nothing, as MedMNIST trains at 28
    "small_vit"      transformer on patches of 4 pixels; LayerNorm, no BatchNorm
    another name     timm's model of this name, else torchvision's
    ===============  ===========================================================================

    Args:
        grey: whether all pictures are grey; the first three then have one channel. All others have three.
        size: edge of the pictures as the body gets them.
        weights: None for random ones, "imagenet" for those that the data source in force holds, or a file.

    Raises:
        UnknownNameError: for another name.
        SettingsError: for weights that are not there.
        FormatError: for weights that do not fit, or a module without features [B, F].
    """
    if isinstance(which, nn.Module):
        if weights is not None:
            raise SettingsError("weights= is for backbones by name.", "Load them into the module yourself.")
        return _callers(copy.deepcopy(which), size)
    if which in NATIVE:
        return _native(which, 1 if grey and weights is None else 3, size, weights)
    timm = need("timm", "lessons")
    if timm.is_model(which):
        model = timm_model(which, weights_file(which, weights))
        told = model.pretrained_cfg
        # Of VGG, timm's `num_features` counts what goes into two layers that belong to the body.
        features = getattr(model, "head_hidden_size", model.num_features)
        return Backbone(which, Timm(model), features, 3, told["mean"], told["std"])
    models = need("torchvision.models", "lessons")
    if which not in models.list_models(module=models):
        known = [*NATIVE, *timm.list_models(), *models.list_models(module=models)]
        raise UnknownNameError(f"No backbone '{which}'.", nearest(which, known, "backbones"), name=which)
    net, features = torchvision_model(which, weights_file(which, weights))
    return Backbone(which, net, features, 3, IMAGENET_MEAN, IMAGENET_STD)


def _native(name: str, channels: int, size: int, weights: object) -> Backbone:
    if weights is not None:
        raise SettingsError(f"There are no weights for '{name}'.", "Use weights=None.", weights=weights)
    if name == "small_resnet":
        return Backbone(name, Pooled(SmallResNet(channels)), WIDTHS[-1], channels)
    if name == "small_cnn":
        return Backbone(name, Pooled(_small_cnn(channels)), WIDTHS[-1], channels)
    if name == "small_vit":
        vits = need("timm.models.vision_transformer", "lessons")
        if size % 4:
            raise SettingsError(
                f"'{name}' cuts patches of 4 pixels out of {size}.", "Use canvas=28.", size=size
            )
        model = vits.VisionTransformer(
            img_size=size, patch_size=4, in_chans=channels, num_classes=0, embed_dim=64, depth=4, num_heads=4,
            mlp_ratio=2,
        )  # fmt: skip
        return Backbone(name, Timm(model), 64, channels)
    net = need("torchvision.models", "lessons").resnet18(weights=None)
    net.conv1 = nn.Conv2d(channels, 64, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    body = nn.Sequential()
    for part, child in net.named_children():
        if part not in ("maxpool", "avgpool", "fc"):
            body.add_module(part, child)
    return Backbone(name, Pooled(body), 512, channels)


def _small_cnn(channels: int) -> nn.Sequential:
    """[B, channels, H, W] to [B, 64, H / 4, W / 4], rounded up."""
    body = nn.Sequential()
    for before, after, stride in zip((channels, *WIDTHS), WIDTHS, (2, 2, 1), strict=False):
        body.append(nn.Conv2d(before, after, 3, stride, padding=1, bias=False))
        body.extend([nn.BatchNorm2d(after), nn.ReLU(inplace=True)])
    return body


def _callers(module: nn.Module, size: int) -> Backbone:
    first = next((m for m in module.modules() if isinstance(m, nn.Conv2d)), None)
    channels = 3 if first is None else first.in_channels
    with torch.no_grad():
        found = module.eval()(torch.zeros(2, channels, size, size))
    if not isinstance(found, Tensor) or found.ndim != 2:
        raise FormatError(
            f"{type(module).__name__} returns {list(getattr(found, 'shape', []))} for two images.",
            "Let it return features [B, F]: leave out the last layer, and average over places.",
        )
    return Backbone("", module, found.shape[1], channels)
