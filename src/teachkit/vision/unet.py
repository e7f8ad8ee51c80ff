"""The U-Net: a network that answers for every pixel of an image of any size.

Source: Ronneberger, Fischer and Brox, U-Net: convolutional networks for biomedical image segmentation,
MICCAI 2015, figure 1. We pad each convolution, so that the answer is as large as the image.
"""

import numpy as np
import torch
import torch.fx
from torch import Tensor, nn

from teachkit.errors import FormatError, SettingsError
from teachkit.plots import Picture
from teachkit.plots.unets import u_shape
from teachkit.vision.blocks import ContractingPath, ExpandingPath, Norm, Up, pad_to_multiple
from teachkit.vision.encoders import load_encoder
from teachkit.vision.tiles import fields, in_tiles

NORMS = ("batch", "group", "instance", None)
UPS = ("nearest", "bilinear", "transposed")


class UNet(nn.Module):
    """Class scores for every pixel of an image of any size.

    ``UNet(3, 4)`` is the network of the published module: 7,783,108 parameters.

    Args:
        in_channels: 1 for grey pictures, 3 for colour.
        num_classes: outputs per pixel.
        depth: how often the image is halved; with `encoder`, as often as that one does.
        base_width: channels at the finest level; each level down has twice as many. With `encoder`, an upper
            limit for the way up.
        norm: "batch", "group" or "instance" after each convolution, or None.
        up: "nearest" or "bilinear" enlargement, or a learned one ("transposed").
        encoder: another way down: the name of a torchvision or timm image classifier (with random weights),
            such a module, or a module that returns maps from fine to coarse.

    Attributes:
        encoder, decoder, head: way down, way up, and the 1×1 convolution at the end.
        depth: how often the image is halved.

    Raises:
        SettingsError: for a value that makes no sense.
        UnknownNameError: for an encoder that neither torchvision nor timm knows.
    """

    title = "U-Net"

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        depth: int = 3,
        base_width: int = 64,
        norm: Norm = None,
        up: Up = "nearest",
        encoder: str | nn.Module | None = None,
    ) -> None:
        super().__init__()
        _check(in_channels, num_classes, depth, base_width, norm, up)
        self.in_channels, self.num_classes, self.up, self.norm = in_channels, num_classes, up, norm
        self.has_own_encoder = encoder is None
        self.encoder = (
            ContractingPath(in_channels, depth, base_width, norm)
            if encoder is None
            else load_encoder(encoder, in_channels)
        )
        channels, reductions = list(self.encoder.channels), list(self.encoder.reductions)
        self.depth = int(np.log2(reductions[-1]))
        self.decoder = ExpandingPath(channels, reductions, base_width, norm, up)
        self.head = nn.Conv2d(self.decoder.channels_out, num_classes, 1)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, num_classes, H, W] of images [B, in_channels, H, W] in 0..1."""
        x = as_input(x, self.in_channels)
        height, width = x.shape[2], x.shape[3]
        x = pad_to_multiple(x, 2**self.depth)
        x = self.decoder(self.encoder(x), (x.shape[2], x.shape[3]))
        return self.head(x)[:, :, :height, :width]

    @torch.no_grad()
    def segment(self, image: np.ndarray, tile: int | None = None, overlap: int | None = None) -> np.ndarray:
        """Probabilities of every pixel of one picture, float32 [num_classes, H, W].

        Args:
            image: uint8 [H, W] or [H, W, 3].
            tile: edge of tiles in pixels for a picture too large for memory; None takes it whole.
            overlap: pixels thrown away on each inner side of a tile; by default as many as the network
                looks, so that tiles and whole agree (normalisation "group" and "instance" aside: their
                means are those of a tile).

        Raises:
            FormatError: for another kind of picture.
            SettingsError: a tile that does not fit the halvings, or too small for the overlap.
        """
        if image.dtype != np.uint8 or image.ndim not in (2, 3):
            raise FormatError(
                f"The picture is {image.dtype} of shape {list(image.shape)}.",
                "Give uint8 pixels, [H, W] or [H, W, 3].",
                shape=image.shape,
            )
        was_training = self.training
        self.eval()
        try:
            if tile is None:
                return self._whole(image)
            return in_tiles(self._whole, image, tile, self._overlap(tile, overlap))
        finally:
            self.train(was_training)

    def _whole(self, image: np.ndarray) -> np.ndarray:
        device = self.head.weight.device
        x = torch.from_numpy(np.array(image)).to(device).float() / 255  # a copy: pictures may be read-only
        x = x[None] if x.ndim == 2 else x.permute(2, 0, 1)
        return torch.softmax(self(x[None])[0], dim=0).float().cpu().numpy()

    def _overlap(self, tile: int, overlap: int | None) -> int:
        """`overlap`, or the smallest that fits the halvings and covers what the network sees.

        Tiles must start at multiples of the coarsest cell: else their maps lie between those of the whole.
        """
        cell = 2**self.depth
        if tile % cell or (overlap or 0) % cell:
            raise SettingsError(
                f"tile={tile} and overlap={overlap} do not fit {self.depth} halvings.",
                f"Use multiples of {cell}.",
                tile=tile,
                overlap=overlap,
            )
        if overlap is not None:
            return overlap
        return -(-max(map(max, self._fields())) // cell) * cell

    def receptive_field(self) -> int:
        """Edge in pixels of the part of the image that one pixel of the answer can depend on, at most.

        Raises:
            SettingsError: for an encoder of other making; it may look at the whole image.
        """
        return max(before + 1 + after for before, after in self._fields())

    @torch.no_grad()
    def stages(self, size: int = 128) -> dict[str, tuple[int, int, int]]:
        """Shape (channels, height, width) of each map on the way of one image with edges of `size` pixels.

        Names: "image"; "down 1" to "down n" from the finest to the coarsest map; back "up n-1" to "up 1";
        "classes". A step up that meets no map of the way down is counted as level 0.
        """
        was_training = self.training
        self.eval()
        x = torch.zeros(1, self.in_channels, size, size, device=self.head.weight.device)
        found = {"image": x}
        hooks = []
        top = len(self.encoder.channels) - len(self.decoder.steps)
        for place, step in enumerate(reversed(list(self.decoder.steps)), start=top):
            name = f"up {place}"
            hooks.append(step.register_forward_hook(lambda *call, name=name: found.update({name: call[-1]})))
        maps = self.encoder(pad_to_multiple(x, 2**self.depth))
        found |= {f"down {level}": value for level, value in enumerate(maps, start=1)}
        found["classes"] = self(x)
        for hook in hooks:
            hook.remove()
        self.train(was_training)
        order = ["image", *(f"down {i}" for i in range(1, len(maps) + 1))]
        order += [f"up {i}" for i in reversed(range(top, len(maps)))]
        return {name: _shape(found[name]) for name in [*order, "classes"]}

    def draw(self, size: int = 128) -> Picture:
        """The way down and the way up, for an image with edges of `size` pixels."""
        count = sum(parameter.numel() for parameter in self.parameters())
        return u_shape(self.stages(size), title=f"{self.title}, {count:,} parameters")

    def _fields(self) -> list[tuple[int, int]]:
        if not self.has_own_encoder:
            raise SettingsError(
                "How far an encoder of other making looks is not known.", "Give overlap= in pixels yourself."
            )
        return fields(self.depth, self.up)


def as_input(x: Tensor, channels: int) -> Tensor:
    """`x` itself, with the channels of a pixel side by side in memory: two thirds of the time on a CPU.

    Raises:
        FormatError: for anything but floats [B, channels, H, W].
    """
    if x.ndim != 4 or x.shape[1] != channels or not x.is_floating_point() or not x.numel():
        raise FormatError(
            f"The network got {x.dtype} of shape {list(x.shape)}.",
            f"Give floats in 0..1 of shape [batch, {channels}, height, width].",
            shape=tuple(x.shape),
        )
    return x.contiguous(memory_format=torch.channels_last)


# Seen by torch.fx as one operation each: what they do depends on the size of the image.
torch.fx.wrap("as_input")
torch.fx.wrap("pad_to_multiple")


def _shape(value: Tensor) -> tuple[int, int, int]:
    return value.shape[1], value.shape[2], value.shape[3]


def _check(in_channels: int, num_classes: int, depth: int, base_width: int, norm: object, up: object) -> None:
    """Refuse settings that make no sense."""
    for name, number, least in (
        ("in_channels", in_channels, 1),
        ("num_classes", num_classes, 1),
        ("depth", depth, 0),
        ("base_width", base_width, 1),
    ):
        if number < least:
            raise SettingsError(f"{name}={number} is not possible.", f"Give at least {least}.", field=name)
    for name, value, allowed in (("norm", norm, NORMS), ("up", up, UPS)):
        if value not in allowed:
            raise SettingsError(f"{name}={value!r} is not possible.", f"Use one of {allowed}.", field=name)
