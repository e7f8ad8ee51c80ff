"""Transfer learning: one network, three ways to start and train it.

========================  ==========================================================
random initialisation     ``Classifier(weights=None)``
frozen features           ``Classifier(weights="imagenet", trainable="head")``
fine-tuning               ``Classifier(weights="imagenet")``
========================  ==========================================================
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch
import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.data.splits import Split
from teachkit.errors import FormatError, SettingsError
from teachkit.plots import Picture, residual_network
from teachkit.vision import backbones
from teachkit.vision.regression import Regressor

Images = np.ndarray | Tensor
AS_IT_COMES = 28  # pixels; the size of MedMNIST's small pictures


@dataclass(frozen=True)
class Classifier:
    """The recipe of a classifier; call it to build the network.

    Every random number comes from torch's global generator: the same seed gives the same network. It also
    gives the same last layer whatever `weights` says, so two arms differ in nothing but the body.

    Attributes:
        backbone: "efficientnet_lite0", "resnet18", "small_resnet" (for small pictures, without weights), or
            "auto", which is replaced by the one in use.
        num_classes: number of logits.
        weights: "imagenet" or None for fresh random weights.
        trainable: "all", or "head" to freeze everything but the last layer.
        input_size: height and width in pixels to which images are brought; the last map is 1/16 of it, for
            "small_resnet" 1/4. None takes images as they come.
        channels: 3, where grey images are repeated to three, or 1 for grey images only; ImageNet's weights
            need 3.

    Raises:
        UnknownNameError: no such backbone.
        SettingsError: another value that makes no sense.
    """

    backbone: str = "auto"
    num_classes: int = 2
    weights: Literal["imagenet"] | None = "imagenet"
    trainable: Literal["all", "head"] = "all"
    input_size: int | None = 112
    channels: Literal[1, 3] = 3

    def __post_init__(self) -> None:
        backbone = backbones.find(self.backbone)
        object.__setattr__(self, "backbone", backbone.name)
        for field, allowed in (
            ("weights", ("imagenet", None)),
            ("trainable", ("all", "head")),
            ("channels", (1, 3)),
        ):
            if (value := getattr(self, field)) not in allowed:
                raise SettingsError(
                    f"{field}={value!r} is not possible.", f"Use one of {allowed}.", field=field, value=value
                )
        if self.weights is not None and (backbone.fill is None or self.channels != 3):
            raise SettingsError(
                f"There are no ImageNet weights for '{self.backbone}' with {self.channels} channels.",
                "Use weights=None.",
                weights=self.weights,
            )
        least = 2 * backbone.stride
        if self.num_classes < 1 or (self.input_size is not None and self.input_size < least):
            raise SettingsError(
                f"num_classes={self.num_classes} and input_size={self.input_size} are not possible.",
                f"Use at least 1 class and an input of at least {least} pixels.",
                num_classes=self.num_classes,
                input_size=self.input_size,
            )

    def for_regression(self, train: Split) -> Regressor:
        """The recipe of a network that answers with numbers in the unit of `train`'s labels; see `Regressor`.

        Raises:
            FormatError: when `train` is no regression split, or its number of labels is not `num_classes`.
        """
        if train.labels.shape[1] != self.num_classes:
            raise FormatError(
                f"{train.title} has {train.labels.shape[1]} labels, the recipe {self.num_classes} outputs.",
                f"Use num_classes={train.labels.shape[1]}.",
                outputs=self.num_classes,
            )
        return Regressor.of(self, train)

    def __call__(self) -> "TransferClassifier":
        return TransferClassifier(self)

    @property
    def title(self) -> str:
        """For figure titles: network, input and size of the last map."""
        backbone = backbones.find(self.backbone)
        if self.input_size is None:
            return f"{backbone.title}, input as it comes, last map 1/{backbone.stride} of it"
        cells = -(-self.input_size // backbone.stride)
        return f"{backbone.title}, input {self.input_size}×{self.input_size}, last map {cells}×{cells}"


def as_batch(images: Images) -> Tensor:
    """Images as float32 [N, C, H, W] in 0..1.

    Args:
        images: an array, uint8 [N, H, W] or [N, H, W, 3]; or a float tensor [N, C, H, W] already in 0..1.

    Raises:
        FormatError: for any other shape or kind of number.
    """
    if isinstance(images, np.ndarray) and images.dtype == np.uint8:
        x = torch.from_numpy(images.astype(np.float32) / 255)
        if x.ndim == 3:
            return x.unsqueeze(1)
        if x.ndim == 4 and x.shape[3] == 3:
            return x.permute(0, 3, 1, 2)
    elif isinstance(images, Tensor) and images.is_floating_point() and images.ndim == 4:
        return images.float()
    raise FormatError(
        f"Images of kind {images.dtype} and shape {tuple(images.shape)} are not understood.",
        "Give a uint8 array [N, H, W] or [N, H, W, 3], or a float tensor [N, C, H, W] with values in 0..1.",
        shape=tuple(images.shape),
    )


class Body(nn.Module):
    """From images [B, 1 or 3, H, W] in 0..1 to one vector of features per image [B, features]."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: backbones.Backbone, input_size: int | None, channels: int = 3) -> None:
        super().__init__()
        self.input_size = input_size
        self.channels = channels
        self.layers = backbone.build(channels)
        for name, values in (("mean", backbone.mean), ("std", backbone.std)):
            statistic = torch.tensor(values).view(1, 3, 1, 1)
            self.register_buffer(name, statistic if channels == 3 else statistic.mean(1, keepdim=True))

    def prepare(self, x: Tensor) -> Tensor:
        """Grey repeated to three channels, resized, and normalised by the statistics of the weights."""
        return prepared(x, self.channels, self.input_size, self.mean, self.std)

    def feature_map(self, x: Tensor) -> Tensor:
        """The last map [B, features, h, w]; h and w are those of the input by the stride, rounded up."""
        return self.layers(self.prepare(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.feature_map(x).mean((2, 3))


def prepared(x: Tensor, channels: int, input_size: int | None, mean: Tensor, std: Tensor) -> Tensor:
    """Images with `channels` channels and edges of `input_size`, less `mean` and divided by `std`.

    Raises:
        FormatError: for anything but floats [B, 1 or `channels`, H, W].
    """
    allowed = (1, 3) if channels == 3 else (1,)
    if x.ndim != 4 or x.shape[1] not in allowed or not x.is_floating_point():
        raise FormatError(
            f"The network got {x.dtype} of shape {tuple(x.shape)}.",
            f"Give floats in 0..1 of shape [batch, {' or '.join(map(str, allowed))}, height, width].",
            shape=tuple(x.shape),
        )
    if input_size is not None and x.shape[2:] != (input_size, input_size):
        # Making an image smaller without a filter would alias fine texture into false structure.
        shrinks = max(x.shape[2:]) > input_size
        size = (input_size, input_size)
        x = F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=shrinks)
    x = (x.expand(-1, channels, -1, -1) - mean) / std
    return x.contiguous(memory_format=torch.channels_last)  # about a third faster on a CPU


# Seen by torch.fx as one operation: what it does depends on the size of the image.
torch.fx.wrap("prepared")


class TransferClassifier(nn.Module):
    """A network body, global average pooling, and one linear layer on top.

    With ``trainable="head"`` the body is frozen in both senses: its parameters receive no gradient, and it
    stays in evaluation mode, so that the running statistics of BatchNorm do not move either.
    """

    def __init__(self, spec: Classifier) -> None:
        super().__init__()
        backbone = backbones.find(spec.backbone)
        self.spec = spec
        self.name = backbone.title
        self.backbone = Body(backbone, spec.input_size, spec.channels)
        # The head is drawn before weights are loaded: loading must not change what the seed gives.
        self.head = nn.Linear(backbone.features, spec.num_classes)
        if spec.weights == "imagenet" and backbone.fill is not None:
            backbone.fill(self.backbone.layers)
        self.to(memory_format=torch.channels_last)
        if self.is_frozen:
            self.backbone.requires_grad_(False)
            self.backbone.eval()

    @property
    def is_frozen(self) -> bool:
        """Whether only the last layer learns."""
        return self.spec.trainable == "head"

    def frozen_body(self) -> nn.Module | None:
        """The part that never changes, whose output can be computed once; None when all of it learns."""
        return self.backbone if self.is_frozen else None

    def train(self, mode: bool = True) -> Self:
        """As usual, but a frozen body never enters training mode."""
        super().train(mode)
        if self.is_frozen:
            self.backbone.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, num_classes] of images [B, 1 or 3, H, W] in 0..1."""
        return self.head(self.backbone(x))

    @torch.no_grad()
    def stages(self) -> dict[str, tuple[int, int, int]]:
        """Shape (channels, height, width) of one image as it passes through the network, by stage.

        A network that takes images as they come is shown one of 28 pixels.
        """
        size = self.spec.input_size or AS_IT_COMES
        shapes: dict[str, tuple[int, int, int]] = {"image": (self.spec.channels, size, size)}

        def note(name: str) -> Callable[..., None]:
            def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
                shapes[name] = (output.shape[1], output.shape[2], output.shape[3])

            return hook

        hooks = [
            part.register_forward_hook(note(name)) for name, part in self.backbone.layers.stages().items()
        ]
        was_training = self.training
        self.eval()(torch.zeros(1, 1, size, size, device=self.head.weight.device))
        self.train(was_training)
        for hook in hooks:
            hook.remove()
        return shapes

    def draw(self) -> Picture:
        """A residual block, and what becomes of an image on its way through this network."""
        return residual_network(self.stages(), title=self.name)

    def _targets(self, target: int | np.ndarray, n: int) -> Tensor:
        """`target` as one class per image, int64 [n]."""
        given = np.asarray(target, dtype=np.int64).reshape(-1)
        count = self.spec.num_classes
        if len(given) not in (1, n) or np.any((given < 0) | (given >= count)):
            raise SettingsError(
                f"target={target!r} does not name one of {count} classes for {n} images.",
                f"Give one class from 0 to {count - 1}, or one for each image.",
                target=target,
            )
        return torch.from_numpy(np.broadcast_to(given, (n,)).copy())

    @torch.no_grad()
    def activation_maps(
        self, images: Images, target: int | np.ndarray, *, contrast: bool = True, native: bool = False
    ) -> np.ndarray:
        """Where in each image the evidence for a class lies: class activation maps.

        With feature map A [features, h, w] and weights w of the last layer, class c has the map
        ``M_c = sum_k w[c, k] * A[k]``. Its mean over places, plus the bias, *is* the logit of c: the map
        leaves nothing out. Positive places speak for the class, negative ones against it.

        Note:
            We depart from the paper by `contrast`: the mean map of the other classes is subtracted, because
            softmax ignores whatever all logits share. With two classes the map then adds up to the log-odds.

        Args:
            images: N images, see `as_batch`.
            target: one class for all images, or one per image [N].
            contrast: subtract the mean of the other classes; switch off for multi-label outputs.
            native: return the h×w places themselves instead of enlarging them to the images.

        Returns:
            float32 [N, H, W], or [N, h, w] when `native`.

        Raises:
            SettingsError: a target outside the classes, or not one per image.

        Source: Zhou et al., Learning deep features for discriminative localization, CVPR 2016, equations 1-2.
        """
        x = as_batch(images)
        classes = self._targets(target, len(x))
        weights = self.head.weight  # [classes, features]
        if contrast and self.spec.num_classes > 1:
            others = (weights.sum(0) - weights) / (self.spec.num_classes - 1)
            weights = weights - others
        was_training = self.training
        self.eval()
        maps = []
        for start in range(0, len(x), 64):
            part = x[start : start + 64].to(weights.device)
            chosen = weights[classes[start : start + 64].to(weights.device)]
            maps.append(torch.einsum("bk,bkhw->bhw", chosen, self.backbone.feature_map(part)))
        self.train(was_training)
        found = torch.cat(maps).unsqueeze(1)
        if not native:
            found = F.interpolate(found, size=x.shape[2:], mode="bilinear", align_corners=False)
        return found.squeeze(1).float().cpu().numpy()
