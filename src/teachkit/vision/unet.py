"""The U-Net: a network that answers for every pixel, built from three kinds of block.

=====================  =====================================================================
`DoubleConvolution`    two 3×3 convolutions, each followed by ReLU; keeps height and width
`ContractingPath`      the way down: such a block at each level, half the size between levels
`ExpandingPath`        the way up: enlarge, put the map of the way down beside it, convolve
=====================  =====================================================================

Source: Ronneberger, Fischer and Brox, U-Net: convolutional networks for biomedical image segmentation,
MICCAI 2015, figure 1. We pad each convolution, so that the answer is as large as the image.
"""

from itertools import pairwise
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.errors import FormatError, SettingsError
from teachkit.vision.encoders import load_encoder
from teachkit.vision.tiles import in_tiles, reach

Norm = Literal["batch", "group", "instance"] | None
Up = Literal["nearest", "bilinear", "transposed"]
NORMS = ("batch", "group", "instance", None)
UPS = ("nearest", "bilinear", "transposed")


def make_norm(kind: Norm, channels: int) -> nn.Module:
    """Brings each channel to mean 0 and variance 1, then scales it by two learned numbers.

    "batch" takes mean and variance over the batch while training, and running ones afterwards; "group" over
    up to eight groups of channels of one image; "instance" over each channel of one image.
    """
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "group":
        return nn.GroupNorm(int(np.gcd(8, channels)), channels)
    # One channel a group is instance normalisation.
    return nn.GroupNorm(channels, channels) if kind == "instance" else nn.Identity()


class DoubleConvolution(nn.Sequential):
    """Twice: 3×3 convolution, normalisation if any, ReLU; height and width stay as they are."""

    def __init__(self, channels_in: int, channels_out: int, norm: Norm = None) -> None:
        super().__init__()
        for place, width in enumerate((channels_in, channels_out), start=1):
            # A normalisation takes the mean away, and a bias of the convolution with it.
            convolution = nn.Conv2d(width, channels_out, 3, padding=1, bias=norm is None)
            # Weights of the size that keeps the spread of the signal through ReLU, as the paper asks for.
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            self.add_module(f"convolution{place}", convolution)
            if norm is not None:
                self.add_module(f"norm{place}", make_norm(norm, channels_out))
            self.add_module(f"relu{place}", nn.ReLU(inplace=True))


class ContractingPath(nn.Module):
    """The way down: a map at each level, twice the channels and half the size of the one before.

    Attributes:
        channels: of each map, from the finest to the coarsest.
        reductions: how often each map is smaller than the image: 1, 2, 4, …
    """

    def __init__(self, channels_in: int, depth: int, base_width: int, norm: Norm = None) -> None:
        super().__init__()
        self.channels = [base_width * 2**level for level in range(depth + 1)]
        self.reductions = [2**level for level in range(depth + 1)]
        widths = pairwise([channels_in, *self.channels])
        self.levels = nn.ModuleList(DoubleConvolution(a, b, norm) for a, b in widths)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [self.levels[0](x)]
        for level in list(self.levels)[1:]:
            maps.append(level(F.max_pool2d(maps[-1], 2)))
        return maps


class UpStep(nn.Module):
    """One level up: enlarge the coarse map, put the finer map of the way down beside it, convolve both."""

    def __init__(
        self, coarse: int, skip: int, channels_out: int, factor: int, norm: Norm = None, up: Up = "nearest"
    ) -> None:
        super().__init__()
        self.mode = up
        self.enlarge: nn.Module | None = None
        if up == "transposed":
            self.enlarge = nn.ConvTranspose2d(coarse, coarse // 2, factor, stride=factor)
            coarse //= 2
        self.convolve = DoubleConvolution(coarse + skip, channels_out, norm)

    def forward(self, x: Tensor, skip: Tensor | None, size: tuple[int, int]) -> Tensor:
        """`x` at `size` (height, width), joined with `skip` where there is one."""
        if self.enlarge is not None:
            x = self.enlarge(x)
        if x.shape[2:] != size:
            smooth = self.mode != "nearest"
            x = (
                F.interpolate(x, size, mode="bilinear", align_corners=False)
                if smooth
                else F.interpolate(x, size)
            )
        return self.convolve(x if skip is None else torch.cat([x, skip], dim=1))


class ExpandingPath(nn.Module):
    """The way up, from the coarsest map to one of the size of the image, with `base_width` channels or fewer.

    An encoder of other making may begin at half the image's size or less; the last step then has no map
    beside it.
    """

    def __init__(
        self,
        channels: list[int],
        reductions: list[int],
        base_width: int,
        norm: Norm = None,
        up: Up = "nearest",
    ) -> None:
        super().__init__()
        skips = list(zip(channels[:-1], reductions[:-1], strict=True))
        if reductions[0] > 1:
            skips.insert(0, (0, 1))
        self.steps = nn.ModuleList()
        width, reduction = channels[-1], reductions[-1]
        for level in reversed(range(len(skips))):
            skip, finer = skips[level]
            narrow = base_width * 2**level
            target = min(skip, narrow) if skip else narrow
            self.steps.append(UpStep(width, skip, target, reduction // finer, norm, up))
            width, reduction = target, finer
        self.channels_out = width

    def forward(self, maps: list[Tensor], size: tuple[int, int]) -> Tensor:
        x, skips = maps[-1], maps[:-1]
        for step in self.steps:
            skip = skips.pop() if skips else None
            x = step(x, skip, size if skip is None else (skip.shape[2], skip.shape[3]))
        return x


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

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, num_classes, H, W] of images [B, in_channels, H, W] in 0..1."""
        if x.ndim != 4 or x.shape[1] != self.in_channels or not x.is_floating_point() or not x.numel():
            raise FormatError(
                f"The network got {x.dtype} of shape {list(x.shape)}.",
                f"Give floats in 0..1 of shape [batch, {self.in_channels}, height, width].",
                shape=tuple(x.shape),
            )
        height, width = x.shape[2:]
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
        x = torch.from_numpy(np.ascontiguousarray(image)).to(device).float() / 255
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
        return -(-max(self._reach()) // cell) * cell if overlap is None else overlap

    def receptive_field(self) -> int:
        """Edge in pixels of the part of the image that one pixel of the answer can depend on, at most.

        Raises:
            SettingsError: for an encoder of other making; it may look at the whole image.
        """
        before, after = self._reach()
        return before + 1 + after

    def _reach(self) -> tuple[int, int]:
        if not self.has_own_encoder:
            raise SettingsError(
                "The receptive field of a foreign encoder is not known.", "Give overlap= in pixels yourself."
            )
        return reach(self.depth, self.up)


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """`x` [B, C, H, W] with rows added below and columns at the right, until both edges are a multiple.

    The added ones mirror the image where it is large enough for that, and repeat its edge otherwise. Twice
    the multiple at least, because one single value per channel cannot be normalised.
    """
    height, width = x.shape[2:]
    rows, columns = (max(2, -(-edge // multiple)) * multiple - edge for edge in (height, width))
    if not rows and not columns:
        return x
    mirror = rows < height and columns < width
    return F.pad(x, (0, columns, 0, rows), mode="reflect" if mirror else "replicate")


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
