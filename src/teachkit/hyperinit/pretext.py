"""Tasks without labels: from a batch of pictures to inputs and targets, and what a network's answer costs.

"rotation" is the published task. "simclr" and "barlow" are extensions of this course: a rotation of a small
picture can be told from its layout alone, and these two ask for more.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from teachkit.errors import FormatError, SettingsError, UnknownNameError, nearest
from teachkit.vision import colours, warps


class Pretext(Protocol):
    """A task without labels.

    Attributes:
        outputs: units of the head that the task needs.
        views: inputs made of one picture.
    """

    @property
    def outputs(self) -> int: ...
    @property
    def views(self) -> int: ...
    def __call__(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Inputs [views * B, C, H, W] and their targets, of pictures [B, C, H, W], uint8 or in [0, 1]."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """What the answers [views * B, outputs] cost, a number."""

    def accuracy(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Share of right answers, a number."""

    def chance(self, inputs: int) -> float:
        """Accuracy of a guess."""


@dataclass(frozen=True)
class Rotation:
    """By how many quarter turns was the picture turned?

    Source: Gidaris et al., Unsupervised representation learning by predicting image rotations, ICLR 2018. The
    random zoom is that of Shang et al. 2022, section 3. Where their crop would be larger than the picture,
    its mirror image goes on beyond the edge.

    Attributes:
        all_four: every picture in all four turns, which steadies the gradient; False: one turn, at random.
        zoom: smallest and largest share of the picture's area in view; (1, 1) changes nothing.
    """

    all_four: bool = True
    zoom: tuple[float, float] = (0.8, 1.2)
    outputs: ClassVar[int] = 4

    def __post_init__(self) -> None:
        if not 0 < self.zoom[0] <= self.zoom[1]:
            raise SettingsError(f"zoom is {self.zoom}.", "Give a smallest and a largest share of the area.")

    @property
    def views(self) -> int:
        return 4 if self.all_four else 1

    def __call__(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pictures in all turns: first all of them upright, then all turned once to the left, and so on."""
        if images.shape[2] != images.shape[3]:
            height, width = images.shape[2:]
            raise FormatError(
                f"A picture of {height} × {width} pixels has another shape after a quarter turn.",
                "Use square pictures: split.crops(size), or resize them.",
                shape=tuple(images.shape),
            )
        images = random_crop(as_floats(images), self.zoom, generator)
        turned = torch.stack([images.rot90(turns, (2, 3)) for turns in range(4)])
        if self.all_four:
            return turned.flatten(0, 1), _count(4, images).repeat_interleave(len(images))
        turns = torch.randint(4, (len(images),), generator=generator, device=images.device)
        return turned[turns, _count(len(images), images)], turns

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy; ln 4 for a guess."""
        return F.cross_entropy(outputs, targets)

    def accuracy(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.argmax(1) == targets).float().mean()

    def chance(self, inputs: int) -> float:
        return 0.25


@dataclass(frozen=True)
class TwoViews:
    """What "simclr" and "barlow" share: two random views of each picture, [first views; second views].

    Attributes:
        outputs: units of the head.
        crop: smallest and largest share of the picture's area in view.
        flip: whether half of the views are mirrored.
        intensity: brightness and contrast are multiplied by factors from 1 - intensity to 1 + intensity.
        noise: standard deviation of added noise, as a share of the grey scale.
    """

    outputs: int = 32
    crop: tuple[float, float] = (0.4, 1.0)
    flip: bool = True
    intensity: float = 0.15
    noise: float = 0.1
    views: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if self.outputs < 2 or not 0 < self.crop[0] <= self.crop[1] or self.intensity < 0 or self.noise < 0:
            raise SettingsError(
                f"These settings make no views: {self}.",
                "Use 2 or more outputs, a crop above 0, and an intensity and a noise of 0 or more.",
            )

    def __call__(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Views [2B, C, H, W]; the target of a view is the place of the other view of the same picture."""
        twice = as_floats(images).repeat(2, 1, 1, 1)
        twice = random_crop(twice, self.crop, generator)
        if self.flip:
            across = _uniform(len(twice), generator) < 0.5
            twice = warps.flip(twice, across, torch.zeros_like(across))
        twice = colours.brightness(twice, _around_one(self.intensity, len(twice), generator))
        twice = colours.contrast(twice, _around_one(self.intensity, len(twice), generator))
        if self.noise:
            values = torch.randn(twice.shape, generator=generator, device=generator.device)
            twice = colours.noise(twice, twice.new_full((len(twice),), self.noise), values)
        return twice, _count(len(twice), twice).roll(len(images))

    def accuracy(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """How often the most similar of all other views is the other view of the same picture."""
        return (self.similarity(outputs).argmax(1) == targets).float().mean()

    def similarity(self, outputs: Tensor) -> Tensor:
        """Cosine between views [2B, 2B]; minus infinity of a view with itself."""
        directions = F.normalize(outputs, dim=1)
        return (directions @ directions.T).fill_diagonal_(-math.inf)

    def chance(self, inputs: int) -> float:
        return 1 / (inputs - 1)


@dataclass(frozen=True)
class SimCLR(TwoViews):
    """Which of all other views shows the same picture?

    The cost is NT-Xent: cross-entropy over the cosines with all other views, divided by a temperature.
    Source: Chen et al., A simple framework for contrastive learning, ICML 2020, equation 1.
    """

    temperature: float = 0.2

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean NT-Xent; ln(2B - 1) for a guess."""
        return F.cross_entropy(self.similarity(outputs) / self.temperature, targets)


@dataclass(frozen=True)
class BarlowTwins(TwoViews):
    """Make each output agree between two views, and no two outputs say the same.

    Both follow from the correlations [outputs, outputs] between first and second views: those on the diagonal
    should be 1, all others 0. Source: Zbontar et al., Barlow Twins, ICML 2021, equation 1.

    Attributes:
        weight: how much a squared correlation between two different outputs counts.
    """

    weight: float = 0.02

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Sum over correlations, divided by the number of outputs; about 1 for outputs that know nothing."""
        first, second = outputs.chunk(2)
        correlations = _standardised(first).T @ _standardised(second) / len(first)
        on = (correlations.diagonal() - 1).square().sum()
        off = correlations.square().sum() - correlations.diagonal().square().sum()
        return (on + self.weight * off) / self.outputs


PRETEXTS: dict[str, Callable[[], Pretext]] = {
    "rotation": Rotation,
    "simclr": SimCLR,
    "barlow": BarlowTwins,
}


def pretext_named(name: str) -> Pretext:
    """A task with its default settings.

    Raises:
        UnknownNameError: for another name.
    """
    if name not in PRETEXTS:
        raise UnknownNameError(f"No task '{name}'.", nearest(name, PRETEXTS, "tasks"), name=name)
    return PRETEXTS[name]()


def as_floats(images: Tensor) -> Tensor:
    """Pictures in [0, 1]."""
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


def random_crop(images: Tensor, area: tuple[float, float], generator: torch.Generator) -> Tensor:
    """A random part of each picture, enlarged to the full size.

    Args:
        area: smallest and largest share of the area in view. Above 1 the picture shrinks, and its mirror
            image fills the rest.
    """
    if area == (1, 1):
        return images
    draws = torch.rand(3, len(images), generator=generator, device=generator.device)
    edge = (area[0] + (area[1] - area[0]) * draws[0]).sqrt()
    # `warp` shifts the result, in shares of its edge: at most so far that the part in view stays inside.
    shift = (draws[1:] - 0.5).T * ((1 - edge).abs() / edge).unsqueeze(1)
    return warps.warp(images, torch.zeros_like(edge), shift, edge)


def _standardised(outputs: Tensor) -> Tensor:
    centred = outputs - outputs.mean(0)
    return centred / (centred.square().mean(0) + 1e-8).sqrt()


def _uniform(count: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator, device=generator.device)


def _around_one(limit: float, count: int, generator: torch.Generator) -> Tensor:
    return (1 + limit * (2 * _uniform(count, generator) - 1)).clamp_min(0)


def _count(number: int, like: Tensor) -> Tensor:
    return torch.arange(number, device=like.device)
