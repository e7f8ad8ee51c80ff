"""Masks of single objects as masks of classes, and what share of the pixels each class has."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from teachkit.errors import FormatError, SettingsError

if TYPE_CHECKING:
    from teachkit.data.splits import Split


def semantic_masks(split: "Split", border: int = 0) -> "Split":
    """The same pictures with a class for each pixel: 0 background, 1 object, perhaps 2 border.

    Class masks forget which object a pixel belongs to, so two that touch become one. A class for the border
    between them keeps them apart.

    Args:
        split: pictures with instance masks. Masks that name classes already are returned as they are.
        border: pixels no farther than this from two different objects become class 2, "border". They may lie
            on an object or between two. 0 makes no such class.

    Raises:
        SettingsError: no masks, a negative border, or a border where objects are not told apart.
    """
    if split.masks is None:
        raise SettingsError(f"{split.title} has no masks.", "Load a segmentation set.", name=split.info.name)
    if border < 0 or (border and not split.info.instances):
        raise SettingsError(
            f"A border of {border} pixels cannot be drawn in {split.info.title}.",
            "Give 0 or more; above 0 only for a set whose masks number single objects.",
            border=border,
        )
    if not split.info.instances:
        return split
    masks = [_classes(mask, border) for mask in split.masks]
    names = (*split.info.classes, "border") if border else split.info.classes
    return split.replace(
        masks=np.stack(masks) if isinstance(split.masks, np.ndarray) else masks,
        info=replace(split.info, classes=names, instances=False),
    )


def class_shares(split: "Split") -> dict[str, float]:
    """Share of all mask pixels that each class has, by name; they add up to 1.

    Raises:
        SettingsError: no masks.
        FormatError: a class number that the set does not name, with the row it was found in.
    """
    named = semantic_masks(split)
    count = len(named.info.classes)
    total = np.zeros(count, np.int64)
    for row, mask in enumerate(named.masks if named.masks is not None else []):
        if mask.size and not 0 <= mask.min() <= mask.max() < count:
            raise FormatError(
                f"{split.title}: the mask in row {row} holds values from {mask.min()} to {mask.max()}.",
                f"Allowed are 0 to {count - 1}: {', '.join(named.info.classes)}.",
                row=row,
            )
        total += np.bincount(mask.reshape(-1), minlength=count)
    return {
        name: float(share)
        for name, share in zip(named.info.classes, total / max(1, total.sum()), strict=True)
    }


def _classes(mask: np.ndarray, border: int) -> np.ndarray:
    """uint8 [H, W]: 1 on objects, 2 where two different ones lie within `border` pixels."""
    found = (mask > 0).astype(np.uint8)
    if border and found.any():
        rows, columns = np.ogrid[-border : border + 1, -border : border + 1]
        disk = rows**2 + columns**2 <= border**2
        numbers = mask.astype(np.int64)
        nobody = numbers.max() + 1  # larger than all, so that the minimum looks at objects only
        highest = ndimage.maximum_filter(numbers, footprint=disk, mode="constant", cval=0)
        lowest = ndimage.minimum_filter(
            np.where(numbers > 0, numbers, nobody), footprint=disk, mode="constant", cval=nobody
        )
        found[(highest > 0) & (lowest < highest)] = 2
    return found
