"""Classical features of one nucleus per picture: a threshold, a cut between neighbours, and a ruler."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops
from skimage.segmentation import watershed

from teachkit.errors import FormatError

Images = np.ndarray | list[np.ndarray]
NECK = 7  # pixels; two peaks of the distance map that lie closer belong to one nucleus
_MEASURED = {
    "area": "area",
    "perimeter": "perimeter",
    "length": "axis_major_length",
    "width": "axis_minor_length",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
}


def features(images: Images) -> pd.DataFrame:
    """Measurements that need no training: one row per picture of a single nucleus in its middle.

    The grey levels are smoothed and parted by Otsu's threshold. Neighbours that touch are cut apart where
    their blob is narrow, by a watershed on the distance to the background. The nucleus is the piece nearest
    to the centre.

    Args:
        images: uint8 ``[N, H, W]`` or ``[N, H, W, 3]`` (the mean of the colours is used), or a list of such.

    Returns:
        ``area`` and other lengths in pixels, ``eccentricity`` and ``solidity`` of the blob, ``nucleus_mean``
        and ``nucleus_sd`` of its grey levels; ``mean`` and ``sd`` of the whole picture, its ``threshold``,
        and ``foreground``, the share of pixels on the nucleus' side of it; ``bright``, 1 when the centre is
        brighter than the rim of the picture.

    Raises:
        FormatError: no picture, or one that is not grey or colour.

    Source: Otsu, A threshold selection method from gray-level histograms, IEEE SMC 9, 1979; Meyer,
    Topographic distance and watershed lines, Signal Processing 38, 1994; both as in scikit-image.
    """
    if not len(images):
        raise FormatError("There is no picture to measure.", "Give at least one.")
    return pd.DataFrame(_measure(grey) for grey in _as_grey(images))


def _as_grey(images: Images) -> Iterable[NDArray[np.float64]]:
    for row, image in enumerate(images):
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
            raise FormatError(
                f"Picture {row} has shape {image.shape}.",
                "Give grey [H, W] or colour [H, W, 3] pictures.",
                row=row,
            )
        yield image.astype(np.float64) if image.ndim == 2 else image.mean(axis=2)


def _measure(grey: NDArray[np.float64]) -> dict[str, float]:
    if np.ptp(grey) == 0:  # nothing to part: no blob at all
        level = float(grey.flat[0])
        return dict.fromkeys(_MEASURED, 0.0) | {
            "mean": level, "sd": 0.0, "threshold": level, "nucleus_mean": level, "nucleus_sd": 0.0,
            "foreground": 0.0, "bright": 0.0,
        }  # fmt: skip
    smooth = ndimage.gaussian_filter(grey, 1.0)
    threshold = float(threshold_otsu(smooth))
    bright = bool(np.median(_middle(grey)) > np.median(_rim(grey)))
    foreground = smooth > threshold if bright else smooth <= threshold
    blob = regionprops(_central_piece(foreground).astype(np.uint8))[0]
    inside = grey[blob.slice][blob.image]
    return {name: float(blob[key]) for name, key in _MEASURED.items()} | {
        "mean": float(grey.mean()),
        "sd": float(grey.std()),
        "threshold": threshold,
        "nucleus_mean": float(inside.mean()),
        "nucleus_sd": float(inside.std()),
        "foreground": float(foreground.mean()),
        "bright": float(bright),
    }


def _middle(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """A patch in the centre: a single bright speck must not decide."""
    return grey[tuple(slice(edge // 2 - edge // 12, edge // 2 + edge // 12 + 1) for edge in grey.shape)]


def _rim(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _central_piece(foreground: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The piece of the foreground with the pixel nearest to the centre."""
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(foreground), 1.0)
    peaks = (ndimage.maximum_filter(depth, NECK) == depth) & foreground
    pieces = watershed(-depth, label(peaks), mask=foreground)
    centre = (np.array(foreground.shape) - 1) / 2
    places = np.argwhere(pieces)
    nearest = places[np.argmin(((places - centre) ** 2).sum(axis=1))]
    return pieces == pieces[tuple(nearest)]
