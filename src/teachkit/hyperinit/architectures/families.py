"""Seven families of convolutional networks that people use, each with random depth, width, kernel and stem.

The published collection names VGG, ResNet, MobileNet "and others" (Shang et al. 2022, section 2); dense and
squeeze-excite networks are among the others here, and so are the cells of `cells`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import nn

from teachkit.hyperinit.architectures.blocks import (
    Append,
    Gate,
    Inverted,
    Residual,
    conv_norm,
    pooling,
    separable,
    stem,
)
from teachkit.hyperinit.architectures.design import Architecture, Scale, pick


@dataclass(frozen=True)
class Vgg(Architecture):
    """Plain convolutions one after the other, with pooling between the stages (Simonyan & Zisserman 2015).

    Attributes:
        widths: channels of each stage.
        depths: convolutions of each stage.
        kernel: edge of the kernels.
        pool: "max" or "average".
        hidden: neurons of a hidden layer before the last one; 0 for no such layer.
    """

    family: ClassVar[str] = "vgg"
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    kernel: int
    pool: str
    hidden: int

    @classmethod
    def draw(cls, rng: np.random.Generator, scale: Scale) -> "Vgg":
        width = pick(rng, tuple(width for width in scale.widths if width <= scale.full))
        depths = (1, *_depths(rng, scale))  # a shallow first stage keeps the largest maps cheap
        return cls(
            scale.doubling(width, len(depths)), depths, pick(rng, (3, 3, 5)), pick(rng, ("max", "average")),
            pick(rng, (0, 0, 32, 64)),
        )  # fmt: skip

    def features(self, channels: int) -> tuple[nn.Module, int]:
        layers: list[nn.Module] = []
        before = channels
        for stage, (after, depth) in enumerate(zip(self.widths, self.depths, strict=True)):
            if stage:
                layers.append(pooling(self.pool))
            for _ in range(depth):
                layers.append(conv_norm(before, after, self.kernel))
                before = after
        return nn.Sequential(*layers), before

    def head(self, width: int, classes: int) -> nn.Module:
        if not self.hidden:
            return nn.Linear(width, classes)
        return nn.Sequential(nn.Linear(width, self.hidden), nn.ReLU(), nn.Linear(self.hidden, classes))


@dataclass(frozen=True)
class Staged(Architecture):
    """A stem and stages of equal blocks; the first block of each further stage halves the map.

    Attributes:
        widths: channels of each stage.
        depths: blocks of each stage.
        kernel: edge of the kernels in the blocks.
        stem: edge of the first kernel; `stride` is its stride, and `pool` follows it.
    """

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    kernel: int
    stem: int
    stride: int
    pool: str

    @classmethod
    def draw(cls, rng: np.random.Generator, scale: Scale) -> "Staged":
        width, stride, pool = _opening(rng, scale)
        depths = _depths(rng, scale)
        widths, kernel, stem = scale.doubling(width, len(depths)), pick(rng, (3, 3, 5)), pick(rng, (3, 5, 7))
        return cls(widths, depths, kernel, stem, stride, pool, **cls.extras(rng))

    @classmethod
    def extras(cls, rng: np.random.Generator) -> dict[str, int]:
        """Settings that only this family has."""
        return {}

    def features(self, channels: int) -> tuple[nn.Module, int]:
        layers: list[nn.Module] = [stem(channels, self.widths[0], self.stem, self.stride, self.pool)]
        before = self.widths[0]
        for stage, (after, depth) in enumerate(zip(self.widths, self.depths, strict=True)):
            for block in range(depth):
                layers.append(self.block(before, after, 2 if stage and not block else 1))
                before = after
        return nn.Sequential(*layers), before

    def block(self, before: int, after: int, stride: int) -> nn.Module:
        """One block from `before` to `after` channels."""
        raise NotImplementedError


@dataclass(frozen=True)
class Basic(Staged):
    """Residual blocks of two convolutions (ResNet-18)."""

    family: ClassVar[str] = "basic"

    def block(self, before: int, after: int, stride: int) -> nn.Module:
        body = nn.Sequential(
            conv_norm(before, after, self.kernel, stride), conv_norm(after, after, self.kernel, relu=False)
        )
        return Residual(body, before, after, stride)


@dataclass(frozen=True)
class Bottleneck(Staged):
    """Residual blocks of three convolutions: narrow, filter, widen (ResNet-50).

    Attributes:
        reduction: how many times narrower the middle is.
    """

    family: ClassVar[str] = "bottleneck"
    reduction: int

    @classmethod
    def extras(cls, rng: np.random.Generator) -> dict[str, int]:
        return {"reduction": pick(rng, (2, 4))}

    def block(self, before: int, after: int, stride: int) -> nn.Module:
        inner = max(after // self.reduction, 4)
        body = nn.Sequential(
            conv_norm(before, inner, 1),
            conv_norm(inner, inner, self.kernel, stride),
            conv_norm(inner, after, 1, relu=False),
        )
        return Residual(body, before, after, stride)


@dataclass(frozen=True)
class MobileV1(Staged):
    """Separable convolutions one after the other."""

    family: ClassVar[str] = "mobile1"

    def block(self, before: int, after: int, stride: int) -> nn.Module:
        return separable(before, after, self.kernel, stride)


@dataclass(frozen=True)
class MobileV2(Staged):
    """Inverted residual blocks: widen, filter each channel alone, narrow.

    Attributes:
        expansion: how many times wider the middle is.
    """

    family: ClassVar[str] = "mobile2"
    expansion: int

    @classmethod
    def extras(cls, rng: np.random.Generator) -> dict[str, int]:
        return {"expansion": pick(rng, (2, 3, 4))}

    def block(self, before: int, after: int, stride: int) -> nn.Module:
        return Inverted(before, after, self.kernel, stride, self.expansion)


@dataclass(frozen=True)
class SqueezeExcite(Staged):
    """Residual blocks of two convolutions whose channels are weighed by a gate.

    Attributes:
        reduction: how many times narrower the inside of the gate is.
    """

    family: ClassVar[str] = "squeeze"
    reduction: int

    @classmethod
    def extras(cls, rng: np.random.Generator) -> dict[str, int]:
        return {"reduction": pick(rng, (2, 4, 8))}

    def block(self, before: int, after: int, stride: int) -> nn.Module:
        body = nn.Sequential(
            conv_norm(before, after, self.kernel, stride),
            conv_norm(after, after, self.kernel, relu=False),
            Gate(after, self.reduction),
        )
        return Residual(body, before, after, stride)


@dataclass(frozen=True)
class Dense(Architecture):
    """Every layer appends channels to what it was given; between stages channels and map are halved.

    Attributes:
        growth: channels that a layer appends.
        depths: layers of each stage.
        kernel: edge of the kernels.
        stem: edge of the first kernel; `stride` is its stride, and `pool` follows it.
    """

    family: ClassVar[str] = "dense"
    growth: int
    depths: tuple[int, ...]
    kernel: int
    stem: int
    stride: int
    pool: str

    @classmethod
    def draw(cls, rng: np.random.Generator, scale: Scale) -> "Dense":
        width, stride, pool = _opening(rng, scale)
        depths = tuple(depth + 1 for depth in _depths(rng, scale))
        return cls(width // 2, depths, pick(rng, (3, 3, 5)), pick(rng, (3, 5, 7)), stride, pool)

    def features(self, channels: int) -> tuple[nn.Module, int]:
        width = 2 * self.growth
        layers: list[nn.Module] = [stem(channels, width, self.stem, self.stride, self.pool)]
        for stage, depth in enumerate(self.depths):
            if stage:
                layers += [conv_norm(width, width // 2, 1), pooling("average")]
                width //= 2
            for _ in range(depth):
                layers.append(Append(conv_norm(width, self.growth, self.kernel)))
                width += self.growth
        return nn.Sequential(*layers), width


def _opening(rng: np.random.Generator, scale: Scale) -> tuple[int, int, str]:
    """Width, stride and pooling of the stem: wide networks start with smaller maps."""
    stride, pool = pick(rng, (1, 2)), pick(rng, ("none", "none", "max", "average"))
    limit = scale.full * stride * (1 if pool == "none" else 2)
    return pick(rng, tuple(width for width in scale.widths if width <= limit)), stride, pool


def _depths(rng: np.random.Generator, scale: Scale) -> tuple[int, ...]:
    """Blocks of each stage; the deepest stage gives way until there are no more than `scale.blocks`."""
    stages = int(rng.integers(scale.stages[0], scale.stages[1] + 1))
    depths = [int(depth) for depth in rng.integers(1, scale.depth + 1, stages)]
    while sum(depths) > scale.blocks:
        depths[int(np.argmax(depths))] -= 1
    return tuple(depths)
