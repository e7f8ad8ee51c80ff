"""Pictures of many sizes as crops of one size: a fixed grid for tests, random places for training."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from teachkit.errors import SettingsError

if TYPE_CHECKING:
    from teachkit.data.splits import Split


def square_crops(split: "Split", size: int, per_image: int | None = None, seed: int = 0) -> "Split":
    """Square crops of every picture and, from the same place, of its mask.

    Pictures smaller than a crop are mirrored at their edges until they are large enough.

    Args:
        split: pictures of any sizes, with masks or without.
        size: edge of a crop in pixels.
        per_image: crops of each picture at random places; None covers each picture by the fewest crops, at
            even distances. Neighbours then overlap wherever the picture's edge is no multiple of `size`.
        seed: decides the random places.

    Returns:
        A split whose `.images` and `.masks` are arrays [N, size, size, ...]. `.groups` are those of the
        pictures, or the number of the picture where no groups are known. `.table` names picture, row and
        column (upper left corner, in pixels).

    Raises:
        SettingsError: no pictures, or sizes and numbers below one.
    """
    if split.images is None or not len(split):
        raise SettingsError(f"{split.title} has no pictures to crop.", "Load a set of images.")
    if size < 1 or (per_image is not None and per_image < 1):
        raise SettingsError(
            f"Crops of {size} pixels, {per_image} of each picture, cannot be cut.",
            "Give whole numbers of at least 1.",
            size=size,
            per_image=per_image,
        )
    rng = np.random.default_rng(seed)
    images, masks, rows = [], [], []
    for number, picture in enumerate(split.images):
        image = _at_least(picture, size)
        mask = None if split.masks is None else _at_least(split.masks[number], size)
        for top, left in _corners(image.shape[:2], size, per_image, rng):
            window = (slice(top, top + size), slice(left, left + size))
            images.append(image[window])
            if mask is not None:
                masks.append(mask[window])
            rows.append((number, top, left))
    table = pd.DataFrame(rows, columns=["picture", "row", "column"])
    picture_of_crop = table["picture"].to_numpy(np.int64)
    count = f"crops of {len(split)} picture{'s' if len(split) > 1 else ''}"
    return split.replace(
        images=np.stack(images),
        labels=split.labels[picture_of_crop],
        masks=np.stack(masks) if masks else None,
        info=replace(split.info, note="; ".join(filter(None, [split.info.note, count]))),
        size=size,
        table=table,
        groups=picture_of_crop if split.groups is None else split.groups[picture_of_crop],
    )


def _at_least(picture: np.ndarray, size: int) -> np.ndarray:
    """The picture, mirrored at its edges where it is smaller than `size`."""
    missing = [max(0, size - length) for length in picture.shape[:2]]
    if not any(missing):
        return picture
    sides = [(gap // 2, gap - gap // 2) for gap in missing]
    return np.pad(picture, sides + [(0, 0)] * (picture.ndim - 2), mode="symmetric")


def _corners(
    shape: tuple[int, ...], size: int, per_image: int | None, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Upper left corners of the crops of one picture."""
    room = [length - size for length in shape]
    if per_image is not None:
        return [(int(rng.integers(room[0] + 1)), int(rng.integers(room[1] + 1))) for _ in range(per_image)]
    tops, lefts = (
        np.linspace(0, gap, -(-length // size)).round().astype(int).tolist()
        for gap, length in zip(room, shape, strict=True)
    )
    return [(top, left) for top in tops for left in lefts]
