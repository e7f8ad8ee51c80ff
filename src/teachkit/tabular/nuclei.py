"""Classical features of one nucleus per picture: a threshold, the blob in the middle, and a ruler."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops

from teachkit.errors import FormatError

Images = np.ndarray | list[np.ndarray]
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

    Otsu's threshold parts the grey levels in two. The nucleus is taken to be the connected blob nearest to
    the centre, on the centre's side of the threshold. Nuclei that touch become one blob: that is the
    weakness of this baseline.

    Args:
        images: uint8 ``[N, H, W]`` or ``[N, H, W, 3]`` (the mean of the colours is used), or a list of such.

    Returns:
        ``area`` and other lengths in pixels, ``eccentricity`` and ``solidity`` of the blob, ``nucleus_mean``
        and ``nucleus_sd`` of its grey levels; ``mean`` and ``sd`` of the whole picture, its ``threshold``,
        and ``foreground``, the share of pixels on the nucleus' side of it; ``bright``, 1 when the nucleus is
        brighter than its surroundings.

    Raises:
        FormatError: no picture, or one that is not grey or colour.

    Source: Otsu, A threshold selection method from gray-level histograms, IEEE SMC 9, 1979; scikit-image.
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
    threshold = float(threshold_otsu(grey))
    bright = bool(np.median(_centre(grey)) > threshold)
    foreground = grey > threshold if bright else grey <= threshold
    blob = _central_blob(foreground)
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


def _centre(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """A patch in the middle: a single bright speck must not decide on which side the nucleus lies."""
    middle = tuple(slice(edge // 2 - edge // 12, edge // 2 + edge // 12 + 1) for edge in grey.shape)
    return grey[middle]


def _central_blob(foreground: NDArray[np.bool_]) -> Any:
    """The connected blob with the pixel nearest to the centre."""
    middle = (np.array(foreground.shape) - 1) / 2
    places = np.argwhere(foreground)
    nearest = places[np.argmin(((places - middle) ** 2).sum(axis=1))]
    number = label(foreground, connectivity=1)
    return regionprops((number == number[tuple(nearest)]).astype(np.uint8))[0]
