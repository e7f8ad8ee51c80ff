"""Cut windows out of one large picture so that no two splits share a pixel.

The picture is tiled by square blocks; every block belongs to one split, and a window never leaves its block.
Windows of one split may overlap each other.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from teachkit.data.parts import Part
from teachkit.data.splits import SPLITS


@dataclass(frozen=True)
class Windows:
    """Square windows of one split.

    Attributes:
        corners: int [N, 2], row and column of the upper left pixel in the source picture.
        blocks: int [N], number of the block that holds the window (counted row by row).
        edge: side of a window in pixels of the source picture.
    """

    corners: np.ndarray
    blocks: np.ndarray
    edge: int

    def __len__(self) -> int:
        return len(self.corners)

    def take(self, rows: np.ndarray) -> "Windows":
        """The windows numbered `rows`."""
        return Windows(self.corners[rows], self.blocks[rows], self.edge)

    def draw(self, n: int, rng: np.random.Generator) -> "Windows":
        """`n` windows at random, in their order on the picture; all of them when there are no more."""
        return self.take(np.sort(rng.choice(len(self), size=min(n, len(self)), replace=False)))

    def cut(self, picture: np.ndarray, margin: int = 0) -> np.ndarray:
        """The pixels inside the windows: [N, edge, edge, ...]; `margin` pixels less on each side."""
        inner = self.edge - 2 * margin
        views = np.lib.stride_tricks.sliding_window_view(picture, (inner, inner), axis=(0, 1))
        found = views[self.corners[:, 0] + margin, self.corners[:, 1] + margin]
        return np.ascontiguousarray(np.moveaxis(found, 1, -1) if picture.ndim == 3 else found)

    def share(self, mask: np.ndarray, margin: int = 0) -> np.ndarray:
        """float64 [N]: share of the (inner) window covered by the boolean `mask`."""
        return self.cut(mask, margin).mean(axis=(1, 2))

    def table(self) -> pd.DataFrame:
        """Where each window lies: row, column and edge, in pixels of the source picture."""
        return pd.DataFrame({"row": self.corners[:, 0], "column": self.corners[:, 1], "edge": self.edge})


def grid(blocks: np.ndarray, block: int, edge: int, stride: int) -> dict[str, Windows]:
    """All windows of `edge` pixels, `stride` apart, inside the blocks of each split.

    Arguments:
        blocks: [rows, columns], the split of each block; "" for blocks that are left out.
        block: side of a block in pixels.
    """
    steps = range(0, block - edge + 1, stride)
    offsets = np.array([(y, x) for y in steps for x in steps])
    cut = {}
    for split in SPLITS:
        numbers = np.flatnonzero(blocks.ravel() == split)
        origins = np.stack(np.unravel_index(numbers, blocks.shape), axis=1) * block
        corners = (origins[:, None] + offsets[None]).reshape(-1, 2)
        cut[split] = Windows(corners, np.repeat(numbers, len(offsets)), edge)
    return cut


def balanced(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Sorted row numbers holding `n` of every label (all of a label that has fewer); negative labels are
    left out.
    """
    rows = [np.flatnonzero(labels == k) for k in np.unique(labels[labels >= 0])]
    return np.sort(np.concatenate([rng.choice(r, size=min(n, len(r)), replace=False) for r in rows]))


def shrink(images: np.ndarray, size: int) -> np.ndarray:
    """uint8 [N, size, size(, 3)]: each picture averaged down to `size` pixels (antialiased); as it is when
    equal.
    """
    if images.shape[1] == size:
        return images
    small = [Image.fromarray(image).resize((size, size), Image.Resampling.BOX) for image in images]
    return np.stack([np.asarray(image) for image in small])


def parts(
    windows: dict[str, Windows], make: Callable[[Windows, np.random.Generator], Part]
) -> dict[str, Part]:
    """`make` called for each split with its windows and a generator of its own, so that splits do not
    depend on each other.
    """
    return {
        split: make(windows[split], np.random.default_rng([2024, number]))
        for number, split in enumerate(SPLITS)
    }
