"""What a U-Net is built from.

=====================  =====================================================================
`DoubleConvolution`    two 3×3 convolutions, each followed by ReLU; keeps height and width
`ContractingPath`      the way down: such a block at each level, half the size between levels
`ExpandingPath`        the way up: enlarge, put the map of the way down beside it, convolve
=====================  =====================================================================
"""

from itertools import pairwise
from typing import Literal

import numpy as np
import torch
import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["batch", "group", "instance"] | None
Up = Literal["nearest", "bilinear", "transposed"]


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
        x = bring_to(x, size, smooth=self.mode != "nearest")
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


def bring_to(x: Tensor, size: tuple[int, int], smooth: bool) -> Tensor:
    """`x` at `size` (height, width): repeated, or blended when `smooth`; as it is where it has that size."""
    if x.shape[2:] == size:
        return x
    if smooth:
        return F.interpolate(x, size, mode="bilinear", align_corners=False)
    return F.interpolate(x, size, mode="nearest")


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


# Both ask for sizes; torch.fx then draws each as one operation instead of looking inside.
torch.fx.wrap("bring_to")
torch.fx.wrap("pad_to_multiple")
