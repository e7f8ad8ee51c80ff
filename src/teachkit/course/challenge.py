"""The file that a challenge hands in, and the plain models that it should beat.

A challenge hands in one file: probabilities for pictures, or a class for each pixel, with the optimiser steps
that were used and the name of the data set.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit.data.splits import Split
from teachkit.errors import FormatError
from teachkit.paths import atomic

PREDICTIONS = "predictions.npz"
SUM_TOLERANCE = 1e-3
PIXELS = 50_000  # of the training pictures, for the plain model of masks


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a challenge hands in.

    Attributes:
        probabilities: float64 [N, C], one row for each test image in order; rows add up to 1.
        steps: optimiser steps that were used, as the author declares them.
        data: name of the data set.
        seconds: how long the training took, when the author recorded it.
    """

    probabilities: NDArray[np.float64]
    steps: int
    data: str
    seconds: float | None = None

    @property
    def classes(self) -> NDArray[np.int64]:
        """The most probable class of each row, [N]."""
        return self.probabilities.argmax(axis=1)


@dataclass(frozen=True, eq=False)
class Masks:
    """What a challenge on pixels hands in.

    Attributes:
        masks: uint8 [N, H, W], the class of each pixel of each test image in order.
        steps: optimiser steps that were used, as the author declares them.
        data: name of the data set.
    """

    masks: NDArray[np.uint8]
    steps: int
    data: str


def save_predictions(
    probabilities: ArrayLike,
    *,
    steps: int,
    data: str,
    seconds: float | None = None,
    path: str | Path = PREDICTIONS,
) -> Path:
    """Write the file to hand in; it is never half written.

    Args:
        probabilities: [N, C], one row for each test image in order.
        steps: optimiser steps that were used.
        data: name of the data set.
        seconds: of training, as ``History.seconds`` says; for challenges with a budget of time.
        path: where to.
    """
    rows = np.asarray(probabilities, dtype=np.float32)
    time = {} if seconds is None else {"seconds": float(seconds)}
    return save_arrays(path, {"probabilities": rows, "steps": steps, "data": data, **time})


def save_masks(masks: ArrayLike, *, steps: int, data: str, path: str | Path = PREDICTIONS) -> Path:
    """Like `save_predictions`, for masks [N, H, W] with the class of each pixel.

    Raises:
        FormatError: when the masks are no whole numbers from 0 to 255.
    """
    given = np.asarray(masks)
    if given.dtype.kind not in "iu" or (given.size and not 0 <= given.min() <= given.max() <= 255):
        raise FormatError(
            f"The masks are {given.dtype} of shape {given.shape}.",
            "Give the class of each pixel as a whole number: probabilities.argmax(axis=1).",
            shape=given.shape,
        )
    return save_arrays(path, {"masks": given.astype(np.uint8), "steps": steps, "data": data})


def read_predictions(path: str | Path = PREDICTIONS) -> Predictions:
    """Read such a file; nothing in it is executed.

    Raises:
        FormatError: the file is absent or damaged, a key is missing, or the probabilities are none.
    """
    values, steps, data, seconds = _read(path, "probabilities")
    return Predictions(_probabilities(values), steps, data, seconds)


def read_masks(path: str | Path = PREDICTIONS) -> Masks:
    """Read a file of masks; errors as in `read_predictions`."""
    values, steps, data, _ = _read(path, "masks")
    if values.ndim != 3 or values.dtype != np.uint8:
        raise FormatError(
            f"The masks are {values.dtype} of shape {values.shape}.",
            "Give uint8 [images, rows, columns], as save_masks does.",
            shape=values.shape,
        )
    return Masks(values, steps, data)


def misfit(handed_in: Predictions | Masks, truth: Split) -> str:
    """Why a file cannot be for these test images; empty when all agrees."""
    if isinstance(handed_in, Masks):
        return _masks_misfit(handed_in.masks, truth)
    found, wanted = handed_in.probabilities.shape, (len(truth), len(truth.info.classes))
    if found == wanted:
        return ""
    return (
        f"The probabilities have the shape {found}. {truth.title} needs {wanted}: "
        "one row for each image and one column for each class."
    )


def _masks_misfit(masks: NDArray[np.uint8], truth: Split) -> str:
    wanted, classes = np.asarray(truth.masks).shape, len(truth.info.classes)
    if masks.shape != wanted:
        return f"The masks have the shape {masks.shape}. {truth.title} needs {wanted}."
    if masks.max(initial=0) >= classes:
        return f"The masks hold class {masks.max()}. {truth.title} has the classes 0 to {classes - 1}."
    return ""


def save_arrays(path: str | Path, arrays: Mapping[str, ArrayLike]) -> Path:
    """Write arrays by name into one npz file that is never half written."""
    with atomic(Path(path)) as temporary:
        np.savez_compressed(temporary, **{key: np.asarray(value) for key, value in arrays.items()})  # type: ignore[arg-type]
    return Path(path)


def read_arrays(path: str | Path, keys: Sequence[str], optional: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The arrays called `keys` of such a file, and those of `optional` that are there; nothing is executed.

    Raises:
        FormatError: the file is absent or damaged, or a key is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise FormatError(f"There is no {path.name}.", "Run the cell that saves your predictions.", path=path)
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = {key: stored[key] for key in (*keys, *optional) if key in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise FormatError(f"{path.name} cannot be read: {error}.", "Save it again.", path=path) from error
    if missing := [key for key in keys if key not in found]:
        raise FormatError(
            f"{path.name} holds no {missing[0]!r}.", "Save it again.", path=path, missing=missing
        )
    return found


def _read(path: str | Path, key: str) -> tuple[np.ndarray, int, str, float | None]:
    """The array called `key`, the steps, the name of the data set, and the seconds if they are there."""
    found = read_arrays(path, (key, "steps", "data"), optional=("seconds",))
    if found["steps"].shape or found["steps"].dtype.kind not in "iu":
        raise FormatError(f"'steps' is {found['steps']!r}.", "Give one whole number.", path=path)
    time = found.get("seconds")
    if time is not None and (time.shape or time.dtype.kind not in "iuf" or not 0 <= time < np.inf):
        raise FormatError(f"'seconds' is {time!r}.", "Give one finite number, not below 0.", path=path)
    return found[key], int(found["steps"]), str(found["data"]), None if time is None else float(time)


def plain_predictions(train: Split, test: Split, *, limit: int = 2000, seed: int = 0) -> NDArray[np.int64]:
    """The classes that a plain model names: logistic regression on how bright the image is, and nothing else.

    Classes are weighted equally, so that a rare class counts.

    Args:
        train: what it learns from; at most `limit` images of it, drawn with `seed`.
        test: the images to name the class of.

    Returns:
        int64 [N].
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    few = train.sample(min(limit, len(train)), seed=seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    model.fit(_brightness(few), few.labels[:, 0])
    return model.predict(_brightness(test)).astype(np.int64)


def plain_masks(train: Split, test: Split, *, seed: int = 0) -> NDArray[np.uint8]:
    """The class of each pixel by a plain model: how common its colour is in each class, and no neighbours.

    One Gaussian of colours a class (quadratic discriminant analysis), all classes equally likely beforehand,
    so that a rare class counts.

    Args:
        train: images and class masks of one size; `PIXELS` of their pixels are drawn with `seed`.
        test: the images to segment.

    Returns:
        uint8 [N, H, W].
    """
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    colours, classes = _colours(train), np.asarray(train.masks).reshape(-1)
    rows = np.random.default_rng(seed).choice(len(colours), min(PIXELS, len(colours)), replace=False)
    count = len(np.unique(classes[rows]))
    # A little of the identity in each covariance: the three channels of a grey picture are one and the same.
    gaussians = QuadraticDiscriminantAnalysis(priors=np.full(count, 1 / count), reg_param=1e-3)
    model = make_pipeline(StandardScaler(), gaussians).fit(colours[rows], classes[rows])
    return model.predict(_colours(test)).astype(np.uint8).reshape(np.asarray(test.images).shape[:3])


def _colours(split: Split) -> NDArray[np.float64]:
    """Colour of every pixel, [pixels, channels]."""
    return np.asarray(split.images, dtype=np.float64).reshape(-1, max(split.channels, 1))


def _brightness(split: Split) -> NDArray[np.float64]:
    """Mean grey level of each image, [N, 1]."""
    means = []
    for start in range(0, len(split), 1024):  # in blocks: large sets stay on disk
        block = np.asarray(split[start : start + 1024].images, dtype=np.float32)
        means.append(block.reshape(len(block), -1).mean(axis=1))
    return np.concatenate(means)[:, None].astype(np.float64)


def _probabilities(values: np.ndarray) -> NDArray[np.float64]:
    if values.ndim != 2 or values.dtype.kind != "f":
        raise FormatError(
            f"The probabilities are {values.dtype} of shape {values.shape}.",
            "Give floats, one row for each image and one column for each class.",
            shape=values.shape,
        )
    probabilities = values.astype(np.float64)
    bad = ~np.isfinite(probabilities).all(axis=1) | (probabilities < 0).any(axis=1)
    bad |= np.abs(probabilities.sum(axis=1) - 1) > SUM_TOLERANCE
    if bad.any():
        row = int(bad.argmax())
        raise FormatError(
            f"Row {row} of the probabilities is {values[row]}.",
            "Each row needs finite numbers from 0 to 1 that add up to 1.",
            row=row,
        )
    return probabilities
