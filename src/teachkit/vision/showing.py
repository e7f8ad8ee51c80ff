"""What an augmentation does, shown on real images: each change alone, all at rising strength, and moving."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from teachkit.plots import Animation, Picture, StrengthExplorer, animate, explore_strength, images
from teachkit.vision.transfer import as_batch

if TYPE_CHECKING:
    from teachkit.vision.augmentation import Augment, Draws

FRAMES = 11


def gallery(augment: "Augment", image: np.ndarray, title: str) -> Picture:
    """Each change of `augment` alone, at its limit, on one uint8 image, with its mean change."""
    before = as_batch(image[None])
    found, titles = [image], ["as it is"]
    for name, words, draws in _alone(augment):
        with _drawn_with(0):
            after = augment.only(name).apply(before, draws)
        found.append(to_pixels(after)[0])
        change = 255 * float((after - before).abs().mean())
        effect = f"mean change {change:.1f} of 255"
        if bool((after == before).all()):
            effect = "no effect on a grey image" if before.shape[1] == 1 else "no effect"
        titles.append(f"{words}\n{effect}")
    said = "each change alone, at its limit"
    return images(found, titles, columns=4, suptitle=f"{title}: {said}" if title else said.capitalize())


def explore(
    augment: "Augment",
    pictures: np.ndarray,
    curve: Mapping[float, Sequence[float]] | None,
    vote: float | Sequence[float] | None,
    label: str,
    title: str,
    seed: int,
) -> StrengthExplorer:
    """All changes at rising strength on uint8 images [N, H, W] or [N, H, W, 3], with the measured curve."""
    batch = as_batch(pictures)
    whole = replace(augment, share=1.0, size=None)

    def change(strength: float) -> np.ndarray:
        with _drawn_with(seed):
            return to_pixels(whole.at(strength)(batch))

    return explore_strength(change, curve=curve, vote=vote, label=label, title=title)


def moving(
    augment: "Augment",
    image: np.ndarray,
    path: str | os.PathLike[str],
    up_to: float,
    title: str,
    seed: int,
) -> Animation:
    """One uint8 image at strengths from 0 to `up_to`, as a GIF; without flips, of which no half exists."""
    batch = as_batch(image[None])
    whole = replace(augment, flip=None, share=1.0, size=None)
    strengths = np.linspace(0, up_to, FRAMES)
    frames = []
    for strength in strengths:
        with _drawn_with(seed):
            frames.append(to_pixels(whole.at(float(strength))(batch))[0])
    return animate(frames, [f"strength {strength:.1f}" for strength in strengths], path, title=title)


def to_pixels(batch: Tensor) -> np.ndarray:
    """Floats [B, C, H, W] in 0..1 as uint8 [B, H, W] or [B, H, W, 3]."""
    pixels = (batch * 255).round().to(torch.uint8).cpu().numpy()
    return pixels[:, 0] if pixels.shape[1] == 1 else pixels.transpose(0, 2, 3, 1)


@contextmanager
def _drawn_with(seed: int) -> Iterator[None]:
    """The same random numbers every time; those of the caller go on as if nothing had happened."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _alone(augment: "Augment") -> Iterator[tuple[str, str, "Draws"]]:
    """Field, words and draws of every change that is switched on."""
    strength = augment.strength
    with _drawn_with(0):
        calm = replace(augment.at(0).draw(1), changed=torch.ones(1, dtype=torch.bool))
    yes = torch.ones(1, dtype=torch.bool)
    if augment.flip in ("horizontal", "both"):
        yield "flip", "flip, left and right", replace(calm, across=yes)
    if augment.flip in ("vertical", "both"):
        yield "flip", "flip, top and bottom", replace(calm, along=yes)
    if turn := augment.rotate * strength:
        yield "rotate", f"rotate {turn:g}°", replace(calm, angle=torch.tensor([turn]))
    if moved := augment.shift * strength:
        yield "shift", f"shift by {moved:.0%}", replace(calm, shift=torch.tensor([[moved, moved]]))
    if cut := augment.zoom * strength:
        yield "zoom", f"zoom, {cut:.0%} cut away", replace(calm, edge=torch.tensor([max(1 - cut, 0.1)]))
    for name in ("brightness", "contrast", "saturation"):
        if limit := getattr(augment, name) * strength:
            yield name, f"{name} × {1 + limit:.2g}", replace(calm, **{name: torch.tensor([1 + limit])})
    if turn := min(augment.hue * strength, 0.5):
        yield "hue", f"hue, {turn:.0%} of the circle", replace(calm, hue=torch.tensor([turn]))
    if spread := augment.noise * strength:
        yield "noise", f"noise, {spread:.0%} of the scale", replace(calm, noise=torch.tensor([spread]))
    if sigma := augment.blur * strength:
        yield "blur", f"blur, sigma {sigma:g} pixels", replace(calm, blur=torch.tensor([sigma]))
