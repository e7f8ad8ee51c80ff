"""One crop around each single nucleus, with its area: pixels in, a continuous number out."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import ndimage

from teachkit.errors import FormatError, SettingsError

if TYPE_CHECKING:
    from teachkit.data.splits import Split

Box = tuple[slice, slice]


def single_objects(split: "Split", size: int = 64, margin: int = 2) -> "Split":
    """A regression set made from instance masks: one square crop for each object, labelled with its area.

    An object is left out when it touches the edge of its picture, because its area is then cut, or when it
    does not fit into the crop. Where a crop reaches over the edge, the picture is mirrored. Areas are counted
    in pixels: the set does not say how many micrometres a pixel is, and pictures differ in that.

    Args:
        split: pictures with instance masks, 0 for background and 1..n for the objects.
        size: edge of a crop in pixels.
        margin: pixels that lie at least between an object and the edge of its crop.

    Returns:
        A split of task "regression". `.labels` float32 [N, 1], area in pixels. `.masks` uint8
        [N, size, size], 1 on the object itself and 0 elsewhere, neighbours included. `.groups` [N] are those
        of the pictures, or the number of the picture within the split where no groups are known. `.table`
        with picture, row and column (centre of the crop), height and width of the object, all in pixels.

    Raises:
        SettingsError: masks that do not number single objects, or a size that leaves no room.
        FormatError: no object is left.
    """
    if split.masks is None or split.images is None or not split.info.instances:
        raise SettingsError(
            f"{split.title} has no masks that number single objects.",
            "Load a set with instance masks, such as 'nuclei', and do not call semantic() first.",
            name=split.info.name,
        )
    if margin < 0 or size <= 2 * margin:
        raise SettingsError(
            f"Crops of {size} pixels with a margin of {margin} on each side leave no room for an object.",
            "Give a larger size or a smaller margin.",
            size=size,
            margin=margin,
        )
    images, masks, rows, total = [], [], [], 0
    for number, (image, mask) in enumerate(zip(split.images, split.masks, strict=True)):
        frame = [(size, size)] * 2
        padded = np.pad(image, frame + [(0, 0)] * (image.ndim - 2), mode="symmetric")
        around = np.pad(mask, frame)  # beyond the edge nothing is known: background
        for label, box in enumerate(ndimage.find_objects(mask.astype(np.int64)), 1):
            if box is None:
                continue  # the numbers of a mask may have gaps
            total += 1
            height, width = (side.stop - side.start for side in box)
            if _touches_edge(box, mask.shape) or max(height, width) + 2 * margin > size:
                continue
            row, column = ((side.start + side.stop) // 2 for side in box)
            # The frame is one size wide, so the crop begins at row - size // 2 + size of the padded picture.
            top, left = row + size - size // 2, column + size - size // 2
            window = (slice(top, top + size), slice(left, left + size))
            images.append(padded[window])
            masks.append((around[window] == label).astype(np.uint8))
            rows.append((number, row, column, height, width))
    if not rows:
        raise FormatError(
            f"None of the {total} objects of {split.title} lies whole in a crop of {size} pixels.",
            "Give a larger size.",
            size=size,
        )
    whole = np.stack(masks)
    table = pd.DataFrame(rows, columns=["picture", "row", "column", "height", "width"])
    picture = table["picture"].to_numpy(np.int64)
    info = replace(
        split.info,
        title=f"{split.info.title}, single objects",
        task="regression",
        classes=(),
        positive=None,
        unit="px",
        instances=False,
        rule=f"area in pixels of one outlined object; {total - len(rows)} of {total} objects left out, which "
        f"touch the edge of their picture or do not fit into {size} pixels",
        note="; ".join(filter(None, [split.info.note, f"{len(split)} pictures"])),
    )
    return split.replace(
        images=np.stack(images),
        labels=whole.sum(axis=(1, 2), dtype=np.float32)[:, None],
        masks=whole,
        info=info,
        size=size,
        table=table,
        groups=picture if split.groups is None else split.groups[picture],
    )


def _touches_edge(box: Box, shape: tuple[int, ...]) -> bool:
    return any(side.start == 0 or side.stop == length for side, length in zip(box, shape, strict=True))
