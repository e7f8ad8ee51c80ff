"""Sets cut from one fundus photograph of a healthy left eye; scikit-image's retina.jpg, 1411 × 1411 pixels.

The picture is tiled by blocks of 128 pixels; blocks that lie wholly inside the bright disc of the camera go
to train, val or test at random under a fixed seed, the same for every set of this file. A field is 64
pixels wide; size 28 is the same field averaged down. Vessels come from a ridge filter, not from a reader.
The scale is unknown.
"""

from functools import cache

import numpy as np
from scipy import ndimage

from teachkit import extras
from teachkit.data.embedded.pictures import FUNDUS, read_rgb
from teachkit.data.embedded.windows import Windows, balanced, grid, parts, shrink
from teachkit.data.parts import Part
from teachkit.data.splits import SPLITS

BLOCK = 128
FIELD = 64
_SEED = 3
_SHARES = (0.6, 0.15)  # train, val; the rest is test


@cache
def picture() -> np.ndarray:
    """The photograph, uint8 [1411, 1411, 3]."""
    return read_rgb(FUNDUS)


@cache
def retina() -> np.ndarray:
    """bool [1411, 1411]: the bright disc, without 20 pixels of its rim."""
    bright = ndimage.binary_opening(picture()[..., 0] > 60, iterations=10)
    return ndimage.binary_erosion(bright, iterations=20)


@cache
def vessels() -> np.ndarray:
    """bool [1411, 1411]: dark ridges of the green channel.

    Sato filter at widths of 2, 4 and 7 pixels, hysteresis thresholds 3 and 6, specks up to 200 pixels removed
    (Sato et al. 1998; `skimage.filters.sato`). The rim of the optic disc is mistaken for a vessel in places.
    """
    filters = extras.need("skimage.filters", "lessons")
    morphology = extras.need("skimage.morphology", "lessons")
    ridges = filters.sato(picture()[..., 1].astype(float), sigmas=(2, 4, 7), black_ridges=True)
    found = filters.apply_hysteresis_threshold(ridges, 3, 6) & retina()
    return morphology.remove_small_objects(found, max_size=200)


@cache
def blocks() -> np.ndarray:
    """[11, 11] the split of each block; "" where it leaves the disc."""
    rows, columns = (edge // BLOCK for edge in retina().shape)
    tiles = retina()[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    inside = np.flatnonzero(tiles.all(axis=(1, 3)).ravel())
    order = np.random.default_rng(_SEED).permutation(inside)
    first, second = (round(share * len(order)) for share in np.cumsum(_SHARES))
    split = np.full(rows * columns, "", dtype="<U5")
    for name, numbers in zip(SPLITS, np.split(order, [first, second]), strict=True):
        split[numbers] = name
    return split.reshape(rows, columns)


def _field_part(windows: Windows, labels: np.ndarray, size: int, *, grey: bool) -> Part:
    pixels = windows.cut(picture()[..., 1] if grey else picture())
    return Part(shrink(pixels, size), labels, None, windows.table(), windows.blocks)


def fundus_vessels(size: int) -> dict[str, Part]:
    """Binary, grey (green channel). Rule: 1 when vessels cover more than 25 % of the middle 16 × 16 pixels
    of the 64-pixel field, 0 when they cover none.

    Fields in between are left out. Mirroring and turning keep the label; shifting by a quarter of the field
    does not.
    """
    each = {"train": 300, "val": 80, "test": 120}

    def make(windows: Windows, rng: np.random.Generator) -> Part:
        covered = windows.share(vessels(), margin=(FIELD - 16) // 2)
        labels = np.where(covered > 0.25, 1, np.where(covered == 0, 0, -1))
        split = str(blocks().ravel()[windows.blocks[0]])
        rows = balanced(labels, each[split], rng)
        return _field_part(windows.take(rows), labels[rows].astype(np.int64)[:, None], size, grey=True)

    return parts(grid(blocks(), BLOCK, FIELD, stride=16), make)


def fundus_grades(size: int) -> dict[str, Part]:
    """Ordinal, RGB. Rule: vessel share of the 64-pixel field: 0 below 1 %, 1 below 10 %, 2 below 20 %, 3
    above.
    """
    each = {"train": 150, "val": 40, "test": 60}

    def make(windows: Windows, rng: np.random.Generator) -> Part:
        labels = np.digitize(windows.share(vessels()), (0.01, 0.1, 0.2))
        split = str(blocks().ravel()[windows.blocks[0]])
        rows = balanced(labels, each[split], rng)
        return _field_part(windows.take(rows), labels[rows].astype(np.int64)[:, None], size, grey=False)

    return parts(grid(blocks(), BLOCK, FIELD, stride=16), make)
