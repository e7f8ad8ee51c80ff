"""The file that a challenge hands in, and the plain model that it should beat."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit.data.splits import Split
from teachkit.errors import FormatError
from teachkit.paths import atomic

PREDICTIONS = "predictions.npz"
KEYS = ("probabilities", "steps", "data")
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a challenge hands in.

    Attributes:
        probabilities: float64 [N, C], one row for each test image in order; rows add up to 1.
        steps: optimiser steps that were used, as the author declares them.
        data: name of the data set.
    """

    probabilities: NDArray[np.float64]
    steps: int
    data: str

    @property
    def classes(self) -> NDArray[np.int64]:
        """The most probable class of each row, [N]."""
        return self.probabilities.argmax(axis=1)


def save_predictions(
    probabilities: ArrayLike, *, steps: int, data: str, path: str | Path = PREDICTIONS
) -> Path:
    """Write the file to hand in; it is never half written.

    Args:
        probabilities: [N, C], one row for each test image in order.
        steps: optimiser steps that were used.
        data: name of the data set.
        path: where to.
    """
    with atomic(Path(path)) as temporary:
        np.savez_compressed(
            temporary,
            probabilities=np.asarray(probabilities, dtype=np.float32),
            steps=np.asarray(steps),
            data=np.asarray(data),
        )
    return Path(path)


def read_predictions(path: str | Path = PREDICTIONS) -> Predictions:
    """Read such a file; nothing in it is executed.

    Raises:
        FormatError: the file is absent or damaged, a key is missing, or the probabilities are none.
    """
    path = Path(path)
    if not path.is_file():
        raise FormatError(f"There is no {path.name}.", "Run the cell that saves your predictions.", path=path)
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = {key: stored[key] for key in KEYS if key in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise FormatError(f"{path.name} cannot be read: {error}.", "Save it again.", path=path) from error
    if missing := [key for key in KEYS if key not in found]:
        raise FormatError(
            f"{path.name} holds no {missing[0]!r}.", "Save it again.", path=path, missing=missing
        )
    probabilities = _probabilities(found["probabilities"])
    if found["steps"].shape or found["steps"].dtype.kind not in "iu":
        raise FormatError(f"'steps' is {found['steps']!r}.", "Give one whole number.", path=path)
    return Predictions(probabilities, int(found["steps"]), str(found["data"]))


def misfit(predictions: Predictions, truth: Split) -> str:
    """Why predictions cannot be for these test images; empty when rows and classes agree."""
    found, wanted = predictions.probabilities.shape, (len(truth), len(truth.info.classes))
    if found == wanted:
        return ""
    return (
        f"The probabilities have the shape {found}. {truth.title} needs {wanted}: "
        "one row for each image and one column for each class."
    )


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
