"""Random changes of training images: a claim about what leaves the diagnosis as it is."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, overload

import numpy as np
import torch
from torch import Tensor

from teachkit.errors import FormatError, SettingsError
from teachkit.plots import Animation, Picture, StrengthExplorer
from teachkit.vision import colours, showing, warps

FLIPS = ("horizontal", "vertical", "both", None)
# One column of random numbers each, drawn whether a limit is set or not: two arms that differ in one limit
# share all other draws.
COLUMNS = (
    "across", "along", "angle", "right", "down", "zoom", "crop_right", "crop_down",
    "brightness", "contrast", "saturation", "hue", "noise", "blur", "changed",
)  # fmt: skip
LIMITS = ("rotate", "shift", "zoom", "brightness", "contrast", "saturation", "hue", "noise", "blur")
# Beyond this the crop is a few pixels of a small image, and nobody could sign a report on it.
SMALLEST_EDGE = 0.1


@dataclass(frozen=True)
class Draws:
    """What happens to each of B images; every field is [B], `shift` is [B, 2]."""

    across: Tensor
    along: Tensor
    angle: Tensor
    shift: Tensor
    edge: Tensor
    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor
    noise: Tensor
    blur: Tensor
    changed: Tensor


@dataclass(frozen=True)
class Augment:
    """Random changes for `training.fit` and `Arm.augment`; each number is a limit at strength 1.

    All randomness comes from torch's global generator, so the seed of a run decides it. Every image of a
    batch gets its own draw, and a mask gets the draw of its image.

    Attributes:
        flip: mirror half of the images: "horizontal" (left and right change places), "vertical", "both" or
            None.
        rotate: largest angle in degrees, either way.
        shift: largest shift as a share of the edge, in both directions.
        zoom: largest share of the edge that a random crop cuts away; the rest is enlarged to the full size.
        brightness, contrast, saturation: factors are drawn from 1 - limit to 1 + limit, but not below 0.
        hue: largest turn of the colour circle, 0.5 at most. Like saturation it does nothing to a grey image.
        noise: largest standard deviation of added noise, as a share of the grey scale.
        blur: largest sigma of a Gaussian, in pixels.
        strength: multiplies all limits; 0 changes nothing. Flips happen with probability strength / 2, at
            most one half.
        share: of the images (or batches, see `per`) that are changed; the others pass as they are.
        per: whether `share` counts images or whole batches.
        size: edge in pixels of what comes out; None keeps the size. Training on another size than that of the
            test images is a fault of published work, kept here so that it can be shown.

    Raises:
        SettingsError: for a value that makes no sense.
    """

    flip: Literal["horizontal", "vertical", "both"] | None = "horizontal"
    rotate: float = 15
    shift: float = 0.1
    zoom: float = 0.1
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.0
    hue: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    strength: float = 1.0
    share: float = 1.0
    per: Literal["image", "batch"] = "image"
    size: int | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("flip", FLIPS), ("per", ("image", "batch"))):
            if getattr(self, name) not in allowed:
                _refuse(name, getattr(self, name), f"Use one of {allowed}.")
        for name in (*LIMITS, "strength"):
            if not 0 <= getattr(self, name) < float("inf"):
                _refuse(name, getattr(self, name), "Give 0 or a positive number.")
        for name, top in (("zoom", 0.9), ("hue", 0.5), ("share", 1)):
            if not 0 <= getattr(self, name) <= top:
                _refuse(name, getattr(self, name), f"Give a number from 0 to {top}.")
        if self.size is not None and self.size < 1:
            _refuse("size", self.size, "Give at least one pixel, or None.")
        if self.size is not None and self.share < 1 and self.per == "image":
            _refuse(
                "size", self.size, "With share below 1 use per='batch': a batch holds images of one size."
            )

    def at(self, strength: float) -> "Augment":
        """The same changes at another strength."""
        return replace(self, strength=strength)

    def only(self, *names: str) -> "Augment":
        """The same, with every other change switched off, for example ``only("rotate")``."""
        for name in names:
            if name not in ("flip", *LIMITS):
                _refuse("name", name, f"Use names among {('flip', *LIMITS)}.")
        off: dict[str, Any] = {"flip": None} | dict.fromkeys(LIMITS, 0.0)
        return replace(self, **{name: value for name, value in off.items() if name not in names})

    @overload
    def __call__(self, images: Tensor, masks: None = None) -> Tensor: ...
    @overload
    def __call__(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]: ...
    def __call__(self, images: Tensor, masks: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Change a batch.

        Args:
            images: floats in [0, 1], [B, C, H, W].
            masks: class or instance numbers [B, H, W]; moved with their images, and no new number arises.

        Raises:
            FormatError: for other shapes.
        """
        _check(images, masks)
        return self.apply(images, self.draw(len(images)), masks)

    def gallery(self, image: np.ndarray, *, title: str = "") -> Picture:
        """Every change that is switched on, alone and at its limit, on the same uint8 image [H, W(, 3)].

        Under each stands the mean absolute change in grey levels; a change that does nothing says so.
        """
        return showing.gallery(self, image, title)

    def explore(
        self,
        images: np.ndarray,
        curve: Mapping[float, Sequence[float]] | None = None,
        vote: float | Sequence[float] | None = None,
        *,
        label: str = "test AUC",
        title: str = "",
        seed: int = 0,
    ) -> StrengthExplorer:
        """A slider of strength over uint8 images [N, H, W(, 3)], and what each strength did to the score.

        Args:
            images: three or four are enough. The same random draws serve every strength.
            curve: strength to the scores of all seeds; None shows images alone.
            vote: the strength up to which a reader would sign the report, or one for each reader.
            label: name of the score.
            title: of the figure; name the data set and the network.
            seed: of the draws.
        """
        return showing.explore(self, images, curve, vote, label, title, seed)

    def animate(
        self,
        image: np.ndarray,
        path: str | os.PathLike[str],
        *,
        up_to: float = 2.0,
        title: str = "",
        seed: int = 0,
    ) -> Animation:
        """Write a GIF of one uint8 image while the strength rises from 0 to `up_to`, and show it.

        Flips are left out: no half of one exists. It runs twice and stops; print shows still frames.
        """
        return showing.moving(self, image, path, up_to, title, seed)

    def draw(self, count: int) -> Draws:
        """Random numbers for `count` images, on the CPU, whatever device the images are on."""
        u = dict(zip(COLUMNS, torch.rand(count, len(COLUMNS)).unbind(1), strict=True))
        strength = self.strength

        def around(column: str, limit: float) -> Tensor:
            return (2 * u[column] - 1) * limit * strength

        half = min(strength, 1) / 2
        edge = (1 - u["zoom"] * self.zoom * strength).clamp_min(SMALLEST_EDGE)
        # A crop of this edge may lie anywhere inside the image.
        crop = (
            torch.stack([2 * u["crop_right"] - 1, 2 * u["crop_down"] - 1], 1)
            * ((1 - edge) / edge / 2)[:, None]
        )
        shift = torch.stack([around("right", self.shift), around("down", self.shift)], 1)
        return Draws(
            across=(u["across"] < half) & (self.flip in ("horizontal", "both")),
            along=(u["along"] < half) & (self.flip in ("vertical", "both")),
            angle=around("angle", self.rotate),
            shift=shift + crop,
            edge=edge,
            brightness=(1 + around("brightness", self.brightness)).clamp_min(0),
            contrast=(1 + around("contrast", self.contrast)).clamp_min(0),
            saturation=(1 + around("saturation", self.saturation)).clamp_min(0),
            hue=around("hue", self.hue).clamp(-0.5, 0.5),
            noise=u["noise"] * self.noise * strength,
            blur=u["blur"] * self.blur * strength,
            changed=(u["changed"] if self.per == "image" else u["changed"][:1].expand(count)) < self.share,
        )

    @overload
    def apply(self, images: Tensor, draws: Draws, masks: None = None) -> Tensor: ...
    @overload
    def apply(self, images: Tensor, draws: Draws, masks: Tensor) -> tuple[Tensor, Tensor]: ...
    def apply(
        self, images: Tensor, draws: Draws, masks: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Change a batch in the given way; for arguments see ``__call__``."""
        draws = Draws(**{field.name: getattr(draws, field.name).to(images.device) for field in fields(draws)})
        layers = None if masks is None else masks.unsqueeze(1)
        if not bool(draws.changed.any()):
            return images if masks is None else (images, masks)
        found = self._colours(self._moved(images, draws), draws)
        moved = None if layers is None else self._moved(layers, draws, nearest=True)
        if self.size is None:
            changed = draws.changed.view(-1, 1, 1, 1)
            found = torch.where(changed, found, images)
            moved = moved if moved is None or layers is None else torch.where(changed, moved, layers)
        return found if moved is None else (found, moved.squeeze(1))

    def _moved(self, x: Tensor, draws: Draws, nearest: bool = False) -> Tensor:
        """Flip, turn, shift, zoom and bring to size; whole numbers stay whole."""
        found = warps.flip(x, draws.across, draws.along)
        found = found if x.is_floating_point() else found.double()  # exact up to 2**53
        size = None if self.size is None else (self.size, self.size)
        grows = size is not None and size[0] >= max(x.shape[2:])
        if self.rotate or self.shift or self.zoom:
            # An enlarged image is sampled once; one made smaller is changed first, then averaged down.
            at_once = size if grows else None
            found = warps.warp(found, draws.angle, draws.shift, draws.edge, size=at_once, nearest=nearest)
        if size is not None and found.shape[2:] != size:
            found = warps.resize(found, size, nearest=nearest)
        return found.to(x.dtype)

    def _colours(self, x: Tensor, draws: Draws) -> Tensor:
        if self.brightness:
            x = colours.brightness(x, draws.brightness)
        if self.contrast:
            x = colours.contrast(x, draws.contrast)
        if self.saturation:
            x = colours.saturation(x, draws.saturation)
        if self.hue:
            x = colours.hue(x, draws.hue)
        if self.blur:
            x = colours.blur(x, draws.blur)
        if self.noise:
            x = colours.noise(x, draws.noise, torch.randn(x.shape).to(x))
        return x


def _refuse(name: str, value: object, remedy: str) -> None:
    raise SettingsError(f"Augment: {name}={value!r} is not possible.", remedy, field=name, value=value)


def _check(images: Tensor, masks: Tensor | None) -> None:
    if images.ndim != 4 or images.shape[1] not in (1, 3) or not images.is_floating_point():
        raise FormatError(
            f"Augment got images of {images.dtype} and shape {tuple(images.shape)}.",
            "Give floats in 0..1 of shape [batch, 1 or 3, height, width].",
            shape=tuple(images.shape),
        )
    wanted = (len(images), *images.shape[2:])
    if masks is not None and tuple(masks.shape) != wanted:
        raise FormatError(
            f"Augment got masks of shape {tuple(masks.shape)} for images {tuple(images.shape)}.",
            f"Give one number per pixel, {wanted}.",
            shape=tuple(masks.shape),
        )
