"""Whole pictures of nuclei: segmented by a network or by a rule, and scored."""

import numpy as np

from teachkit import metrics, vision
from teachkit.data import Split

SMALLEST = 16  # pixels; smaller pieces of a prediction are not counted as objects


def scores(truth: Split, predicted: list[np.ndarray]) -> dict[str, float]:
    """Scores of the class "nucleus" over whole pictures.

    Pixels of all pictures together, but for "dice_picture", the mean over pictures; "object_f1" matches the
    connected pieces of the prediction with the true nuclei.
    """
    numbers = list(truth.masks or [])
    masks = list(truth.semantic().masks or [])
    pieces = [metrics.connected_objects(mask, smallest=SMALLEST) for mask in predicted]
    found = metrics.object_scores(numbers, pieces)
    right = sum(int((a == b).sum()) for a, b in zip(masks, predicted, strict=True))
    return {
        "acc": right / sum(mask.size for mask in masks),
        "dice": float(metrics.dice(_flat(masks), _flat(predicted), 2)[1]),
        "iou": float(metrics.iou(_flat(masks), _flat(predicted), 2)[1]),
        "boundary_f": float(metrics.boundary_f(masks, predicted, 2, tolerance=2)[1]),
        "dice_picture": float(np.nanmean(metrics.dice(masks, predicted, 2, per_image=True)[:, 1])),
        "object_f1": found.f1,
        "objects": found.predicted,
        "true_objects": found.true,
    }


def _flat(masks: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([mask.reshape(-1) for mask in masks])


def predict(model: vision.UNet, pictures: Split) -> list[np.ndarray]:
    """The likelier class of every pixel of whole pictures."""
    return [model.segment(picture).argmax(0) for picture in pictures.images or []]


def background(picture: np.ndarray) -> np.ndarray:
    """Nothing is a nucleus."""
    return np.zeros(picture.shape[:2], dtype=np.int64)


def otsu(picture: np.ndarray) -> np.ndarray:
    """Otsu's threshold on the mean over channels; the side with fewer pixels is called nucleus."""
    from skimage.filters import threshold_otsu

    grey = picture.mean(-1) if picture.ndim == 3 else picture.astype(float)
    bright = grey > threshold_otsu(grey)
    return (bright if bright.mean() <= 0.5 else ~bright).astype(np.int64)
