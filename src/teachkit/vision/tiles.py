"""Large pictures in tiles: how far a U-Net looks, and how to cut so that no seam shows."""

from collections.abc import Callable

import numpy as np

from teachkit.errors import SettingsError


def fields(depth: int, up: str = "nearest") -> list[tuple[int, int]]:
    """The part of the image that each answer of a U-Net can depend on, along one axis: (before, after).

    We follow one output pixel back to the image as an interval [low, high] of pixel numbers: a 3×3
    convolution adds one on both sides, enlarging halves the numbers, pooling doubles them. The result depends
    on where the pixel lies in a cell of the coarsest map, so there is one for each place in such a cell.

    Args:
        depth: number of halvings.
        up: how maps are enlarged; "bilinear" looks one place further than the others.

    Returns:
        For each of 2^depth places: pixels before it and pixels after it.

    >>> fields(0)
    [(2, 2)]
    """
    cell, found = 2**depth, []
    for place in range(cell):
        low, high = place - 2, place + 2  # the two convolutions of the finest level
        for _ in range(depth):
            low, high = _enlarged_from(low, high, up)
            low, high = low - 2, high + 2
        for _ in range(depth):
            low, high = 2 * low - 2, 2 * high + 1 + 2
        found.append((place - low, high - place))
    return found


def _enlarged_from(low: int, high: int, up: str) -> tuple[int, int]:
    """The places of the coarse map from which the places `low` to `high` of one twice as large are made."""
    if up == "bilinear":  # place p lies at (p + 1/2) / 2 - 1/2 between two coarse ones
        return (low - 1) // 2, (high - 1) // 2 + 1
    return low // 2, high // 2


def in_tiles(
    predict: Callable[[np.ndarray], np.ndarray], image: np.ndarray, tile: int, overlap: int
) -> np.ndarray:
    """The answer for a large picture, put together from answers for overlapping tiles.

    Near its rim a tile lacks what lies beyond, so `overlap` pixels are thrown away there, except where the
    rim is that of the picture itself.

    Args:
        predict: from [h, w] or [h, w, 3] to [C, h, w].
        image: [H, W] or [H, W, 3].
        tile: edge of a tile in pixels.
        overlap: what is thrown away on each inner side of a tile.

    Returns:
        [C, H, W].

    Raises:
        SettingsError: when nothing of a tile would be left.
    """
    if tile < 1 or overlap < 0 or tile <= 2 * overlap:
        raise SettingsError(
            f"Tiles of {tile} pixels with an overlap of {overlap} on each side leave nothing.",
            f"Use tiles of more than {2 * max(overlap, 0)} pixels, or less overlap.",
            tile=tile,
            overlap=overlap,
        )
    height, width = image.shape[:2]
    answer: np.ndarray | None = None
    for top, rows in cuts(height, tile, overlap):
        for left, columns in cuts(width, tile, overlap):
            part = predict(image[top : top + tile, left : left + tile])
            if answer is None:
                answer = np.empty((len(part), height, width), dtype=part.dtype)
            inner = (
                slice(rows.start - top, rows.stop - top),
                slice(columns.start - left, columns.stop - left),
            )
            answer[:, rows, columns] = part[:, inner[0], inner[1]]
    assert answer is not None  # a picture has at least one tile
    return answer


def cuts(length: int, tile: int, overlap: int) -> list[tuple[int, slice]]:
    """Where tiles start along one axis, and which pixels each of them answers for.

    >>> cuts(10, 6, 1)
    [(0, slice(0, 5, None)), (4, slice(5, 10, None))]
    """
    if length <= tile:
        return [(0, slice(0, length))]
    stride = tile - 2 * overlap
    starts = list(range(0, length - tile + stride, stride))
    ends = [start + tile - overlap for start in starts[:-1]] + [length]
    return [
        (start, slice(begin, end)) for start, begin, end in zip(starts, [0, *ends[:-1]], ends, strict=True)
    ]
