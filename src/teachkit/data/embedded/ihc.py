"""Sets cut from one slide: colon glands, FHL2 protein brown (DAB), nuclei blue (haematoxylin); scikit-
image's ihc.png.

The 512 × 512 slide is tiled by sixteen blocks of 128 pixels. `BLOCKS` gives each block to one split, by
hand, so that every split holds glands and stroma; all sets of this file share it, so they may be pooled
without a leak. Pixel classes come from colour rules, not from a pathologist. No physical scale is known.
"""

from functools import cache

import numpy as np
from scipy import ndimage

from teachkit import extras
from teachkit.data.embedded.pictures import SLIDE, read_rgb
from teachkit.data.embedded.windows import Windows, balanced, grid, parts
from teachkit.data.parts import Part

BLOCK = 128
_T, _V, _E = "train", "val", "test"
BLOCKS = np.array([[_T, _V, _T, _T], [_T, _T, _V, _E], [_T, _E, _T, _V], [_T, _T, _E, _T]])

PALE, STROMAL_NUCLEUS, STAINED, GLAND_NUCLEUS = range(4)


@cache
def slide() -> np.ndarray:
    """The slide, uint8 [512, 512, 3]."""
    return read_rgb(SLIDE)


@cache
def pixel_classes() -> np.ndarray:
    """uint8 [512, 512]: 0 pale, 1 stromal nucleus, 2 stained cytoplasm, 3 gland nucleus.

    Stains are separated in HED space (Ruifrok and Johnston 2001, `skimage.color.rgb2hed`); lengths are
    pixels:

    - gland: DAB, smoothed by a Gaussian of 3, above 0.04, and not pale (darkest channel below 180);
    - gland nucleus: inside the gland, blue minus red at least 9 above its surroundings (Gaussian of 10),
      DAB low;
    - stromal nucleus: outside the gland, haematoxylin above 0.026;
    - specks up to 20 pixels (nuclei) or 150 pixels (gland) are removed, holes up to 150 pixels are filled.
    """
    color = extras.need("skimage.color", "lessons")
    morphology = extras.need("skimage.morphology", "lessons")
    rgb = slide().astype(float)
    stains = color.rgb2hed(slide())
    haematoxylin, dab = ndimage.gaussian_filter(stains[..., 0], 1), stains[..., 2]

    pale = ndimage.gaussian_filter(rgb.min(axis=2), 1.5) > 180
    gland = (ndimage.gaussian_filter(dab, 3) > 0.04) & ~pale
    gland = morphology.remove_small_holes(gland, max_size=150)
    gland = morphology.remove_small_objects(gland, max_size=150)

    blue = ndimage.gaussian_filter(rgb[..., 2] - rgb[..., 0], 1)
    bluer_than_around = blue - ndimage.gaussian_filter(blue, 10) > 9
    in_gland = gland & bluer_than_around & (ndimage.gaussian_filter(dab, 1) < 0.085)
    in_stroma = ~gland & (haematoxylin > 0.026)

    classes = np.full(gland.shape, PALE, np.uint8)
    classes[gland] = STAINED
    for mask, number in ((in_gland, GLAND_NUCLEUS), (in_stroma, STROMAL_NUCLEUS)):
        classes[morphology.remove_small_objects(ndimage.binary_opening(mask), max_size=20)] = number
    return classes


def nuclei() -> np.ndarray:
    """bool [512, 512]: pixels of either kind of nucleus."""
    return np.isin(pixel_classes(), (STROMAL_NUCLEUS, GLAND_NUCLEUS))


def _part(windows: Windows, labels: np.ndarray, masks: np.ndarray | None = None) -> Part:
    return Part(windows.cut(slide()), labels, masks, windows.table(), windows.blocks)


_COUNTS = {_T: 600, _V: 160, _E: 240}


def _patches(windows: dict[str, Windows]) -> dict[str, Windows]:
    """A seeded draw of patches, the same for every set that asks."""
    return {split: windows[split].draw(n, np.random.default_rng([7, n])) for split, n in _COUNTS.items()}


def ihc_patches(size: int) -> dict[str, Part]:
    """Binary, 28 × 28 RGB. Rule: 1 (crowded) when nuclei cover more than 17 % of the patch, else 0 (sparse).

    Nuclei come from a colour rule (`pixel_classes`).
    """

    def make(windows: Windows, rng: np.random.Generator) -> Part:
        return _part(windows, (windows.share(nuclei()) > 0.17).astype(np.int64)[:, None])

    return parts(_patches(grid(BLOCKS, BLOCK, size, stride=10)), make)


def ihc_tissue(size: int) -> dict[str, Part]:
    """Multi-class, 28 × 28 RGB. Rule: the pixel class that covers more than 60 % of the central 8 × 8 pixels.

    Patches without such a class are left out; every class is drawn equally often where there are enough.
    """
    each = {_T: 150, _V: 40, _E: 60}

    def make(windows: Windows, rng: np.random.Generator) -> Part:
        margin = (size - 8) // 2
        shares = np.stack([windows.share(pixel_classes() == k, margin) for k in range(4)], axis=1)
        labels = np.where(shares.max(axis=1) > 0.6, shares.argmax(axis=1), -1)
        split = str(BLOCKS.ravel()[windows.blocks[0]])
        rows = balanced(labels, each[split], rng)
        return _part(windows.take(rows), labels[rows].astype(np.int64)[:, None])

    return parts(grid(BLOCKS, BLOCK, size, stride=5), make)


def ihc_contents(size: int) -> dict[str, Part]:
    """Multi-label, 28 × 28 RGB. Rule: 1 for each pixel class that covers at least 10 % of the patch."""

    def make(windows: Windows, rng: np.random.Generator) -> Part:
        shares = np.stack([windows.share(pixel_classes() == k) for k in range(4)], axis=1)
        return _part(windows, (shares >= 0.1).astype(np.int64))

    return parts(_patches(grid(BLOCKS, BLOCK, size, stride=10)), make)


def ihc_nuclei(size: int) -> dict[str, Part]:
    """Regression, 28 × 28 RGB. Rule: share of the patch covered by nuclei, in percent of its area."""

    def make(windows: Windows, rng: np.random.Generator) -> Part:
        return _part(windows, (100 * windows.share(nuclei())).astype(np.float32)[:, None])

    return parts(_patches(grid(BLOCKS, BLOCK, size, stride=10)), make)


def ihc_masks(size: int) -> dict[str, Part]:
    """Segmentation, RGB tiles of 28, 64 or 128 slide pixels. Rule: the class of each pixel by stain colour.

    Sizes are crops of different extent at the same resolution; a tile as a whole carries no label.
    """
    stride = {28: 20, 64: 16, 128: 128}[size]

    def make(windows: Windows, rng: np.random.Generator) -> Part:
        masks = windows.cut(pixel_classes())
        return _part(windows, np.zeros((len(masks), 0), np.int64), masks)

    return parts(grid(BLOCKS, BLOCK, size, stride), make)
