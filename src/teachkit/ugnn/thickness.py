"""Digits drawn with a thinner or a thicker stroke, in the manner of Morpho-MNIST.

Source: Castro, Tan, Kainz, Konukoglu and Glocker, Morpho-MNIST, JMLR 20 (178), 2019. As there, a digit is
enlarged four times, turned into black and white, changed in proportion to its own thickness, and shrunk. Ours
differs in two points: plain digits take the same way, so that forms differ in nothing but their stroke; and a
thinned stroke keeps its middle line, so that it never breaks.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import skeletonize
from skimage.transform import downscale_local_mean

from teachkit.errors import DataError, SettingsError, nearest

Form = Literal["plain", "thinned", "thickened"]
FORMS: tuple[Form, ...] = ("plain", "thinned", "thickened")
ENLARGED = 4  # times, before anything is measured
THINNER, THICKER = 0.7, 1.0  # share of half the thickness taken from, or added to, each side of a stroke
MIDDLE = 2  # enlarged pixels on each side of the middle line that thinning always keeps


def in_form(image: NDArray[np.uint8], form: Form) -> NDArray[np.uint8]:
    """The same digit as it is, with a stroke about half, or twice, as thick.

    A thinned digit consists of as many parts as before. A thickened one has at most as many: parts and
    loops that come to touch are joined.

    Args:
        image: bright strokes on black, uint8 [H, W].
        form: "plain", "thinned" or "thickened".
    """
    if form not in FORMS:
        raise SettingsError(f"There is no form '{form}'.", nearest(str(form), FORMS, "form"), form=form)
    strokes = _strokes(image)
    if form == "plain" or not strokes.any():
        return _shrunk(strokes)
    inside = _distance(strokes)
    middle = skeletonize(strokes)
    half = float(inside[middle].mean())
    if form == "thinned":
        kept = ndimage.distance_transform_edt(~middle) <= min(MIDDLE, half)
        return _shrunk((inside > THINNER * half) | (kept & strokes))
    return _shrunk(ndimage.distance_transform_edt(~strokes) <= THICKER * half)


def thickness(image: NDArray[np.uint8]) -> float:
    """Mean thickness of the strokes in pixels of the image; 0 where there is none.

    It is twice the mean distance between the middle line of the strokes and their edge.
    """
    strokes = _strokes(image)
    if not strokes.any():
        return 0.0
    return 2 * float(_distance(strokes)[skeletonize(strokes)].mean()) / ENLARGED


def _strokes(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the enlarged image is brighter than half of its brightest pixel, [4 H, 4 W]."""
    if image.ndim != 2 or image.dtype != np.uint8:
        raise DataError(
            f"Strokes are measured on one grey image of uint8, not on {image.dtype} of shape {image.shape}.",
            "Give one image of a split: split.images[0].",
        )
    large = ndimage.zoom(image.astype(np.float32), ENLARGED, order=3, mode="nearest", grid_mode=True)
    return large > max(float(image.max()), 1) / 2


def _distance(strokes: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance of each pixel of a stroke to its edge; the frame of the image is an edge, too."""
    return ndimage.distance_transform_edt(np.pad(strokes, 1))[1:-1, 1:-1]


def _shrunk(strokes: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Back to the size of the image: the share of each pixel that is covered."""
    return np.rint(255 * downscale_local_mean(strokes, (ENLARGED, ENLARGED))).astype(np.uint8)
