"""Arrays read from a file are what they should be, or are refused with file, key, row and value."""

from pathlib import Path

import numpy as np

from teachkit.data.registry import Entry
from teachkit.errors import FormatError


def check_images(path: Path, key: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Refuse images that are not uint8 [N, H, W] or [N, H, W, 3], judged by the header alone."""
    if dtype != np.uint8 or len(shape) not in (3, 4) or (len(shape) == 4 and shape[-1] not in (1, 3)):
        raise FormatError(
            f"{path}: {key} is {dtype} {list(shape)}.",
            "Images must be uint8 [N, H, W] or [N, H, W, 3].",
            path=str(path),
            key=key,
        )


def numbers(path: Path, key: str, labels: np.ndarray) -> np.ndarray:
    """`labels` as finite numbers [N, L]; a single column may come as [N]."""
    labels = labels[:, None] if labels.ndim == 1 else labels
    facts = {"path": str(path), "key": key}
    if labels.ndim != 2 or labels.dtype.kind not in "iubf":
        what = f"{path}: {key} is {labels.dtype} {list(labels.shape)}."
        raise FormatError(what, "Labels must be numbers [N, L].", **facts)
    if not np.isfinite(labels).all():
        row = int(np.flatnonzero(~np.isfinite(labels).all(axis=1))[0])
        what = f"{path}: {key} has no finite number in row {row}."
        raise FormatError(what, "Remove or mend that row.", **facts)
    return labels


def checked_labels(path: Path, key: str, labels: np.ndarray, entry: Entry) -> np.ndarray:
    """`labels` as int64 [N, L] (float32 [N, 1] for regression), every value allowed by `entry`."""
    labels = numbers(path, key, labels)
    facts = {"path": str(path), "key": key}
    if entry.task == "regression":
        return labels.astype(np.float32)
    whole = labels.astype(np.int64)
    multi_label = entry.task == "multi-label"
    allowed = 2 if multi_label else len(entry.classes)
    wrong = (whole != labels) | (whole < 0) | (whole >= allowed)
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise FormatError(
            f"{path}: {key} has the label {labels[row, column]} in row {row}, out of range for "
            f"{entry.title} ({entry.task}).",
            f"Allowed are 0 to {allowed - 1}; correct the labels or the list of classes.",
            **facts,
            row=row,
        )
    if multi_label and labels.shape[1] != len(entry.classes):
        raise FormatError(
            f"{path}: {key} has {labels.shape[1]} columns for {len(entry.classes)} classes.",
            "Give each class one column.",
            **facts,
        )
    return whole


def check_masks(path: Path, key: str, masks: np.ndarray, images: np.ndarray, entry: Entry) -> None:
    """Refuse masks [N, H, W] that do not cover their images, or hold a class that `entry` does not name.

    Masks of single objects may hold any number from 0.
    """
    if masks.shape != images.shape[:3] or masks.dtype.kind not in "iu":
        raise FormatError(
            f"{path}: {key} is {masks.dtype} {list(masks.shape)} for images {list(images.shape)}.",
            "Masks must be whole numbers [N, H, W], as large as the images.",
            path=str(path),
            key=key,
        )
    too_high = not entry.instances and masks.max(initial=0) >= len(entry.classes)
    if masks.size and (too_high or masks.min() < 0):
        raise FormatError(
            f"{path}: {key} holds values from {masks.min()} to {masks.max()}, out of range.",
            f"Allowed are 0 to {len(entry.classes) - 1}; correct the masks or the list of classes.",
            path=str(path),
            key=key,
        )
