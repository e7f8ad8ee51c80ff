"""What every data call returns: arrays of one split, and what is known about the set they come from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from teachkit.data.crops import square_crops
from teachkit.data.objects import single_objects
from teachkit.data.pixels import class_shares, semantic_masks
from teachkit.errors import FormatError, SettingsError
from teachkit.metrics import TASKS as TASKS

SPLITS = ("train", "val", "test")

Rows = slice | Sequence[int] | np.ndarray | int


@dataclass(frozen=True)
class Info:
    """What is known about a data set.

    Attributes:
        name: the name it is loaded by; `title` is the one to print.
        task: one of `TASKS`.
        classes: class names in label order (empty for regression).
        positive: index of the clinical positive class; None when there is none.
        licence: short name; `commercial` is False when it forbids commercial use.
        source: what was read, for example "folder /data" or "public host zenodo.org".
        rule: how labels were derived, for sets that this package cuts itself.
        note: a limit to say in every title, for example "n = 1 slide".
        unit: unit of a regression label.
        instances: whether masks number single objects, 1..n in each picture, instead of naming classes.
    """

    name: str
    title: str
    task: str
    classes: tuple[str, ...]
    positive: int | None
    licence: str
    commercial: bool
    citation: str
    source: str
    rule: str = ""
    note: str = ""
    unit: str = ""
    instances: bool = False

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise SettingsError(
                f"'{self.task}' is not a task ('{self.name}').",
                f"Use one of {', '.join(TASKS)}.",
                task=self.task,
            )


@dataclass(frozen=True, eq=False)
class Split:
    """One split of a data set: row i of every field describes the same example.

    Attributes:
        images: uint8 [N, H, W] or [N, H, W, 3]; a list of arrays when sizes differ; None for pure tables.
        labels: int64 [N, L]; float32 [N, 1] for regression.
        info: what is known about the set.
        split: "train", "val" or "test".
        size: edge length of the images in pixels; None when they have no common size.
        masks: class (or instance) number per pixel, shaped like grey images; None without segmentation.
        table: one row of measurements per example, or None.
        groups: [N] patient, slide or region of each example, or None when unknown.
    """

    images: np.ndarray | list[np.ndarray] | None
    labels: np.ndarray
    info: Info
    split: str
    size: int | None
    masks: np.ndarray | list[np.ndarray] | None = None
    table: pd.DataFrame | None = None
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        for field in ("images", "masks", "table", "groups"):
            value = getattr(self, field)
            if value is not None and len(value) != len(self):
                raise FormatError(
                    f"{self.info.title}, {self.split}: {len(value)} {field} but {len(self)} labels.",
                    "Give every example one of each.",
                    name=self.info.name,
                    field=field,
                )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Rows) -> "Split":
        """The rows chosen by a slice, an array of indices, a boolean mask or one index, as a new Split."""
        index = np.arange(len(self))[rows]
        if not isinstance(rows, slice):  # a slice of a memory-mapped array stays memory-mapped
            rows = index = np.atleast_1d(index)
        return replace(
            self,
            images=_take(self.images, rows, index),
            labels=self.labels[rows],
            masks=_take(self.masks, rows, index),
            table=None if self.table is None else self.table.iloc[index].reset_index(drop=True),
            groups=None if self.groups is None else self.groups[rows],
        )

    def __iter__(self) -> Iterator["Split"]:
        return (self[row] for row in range(len(self)))

    def __repr__(self) -> str:
        return f"<Split {self.title}, {self.info.task}, from {self.info.source}>"

    @property
    def channels(self) -> int:
        """1 for grey pictures, 3 for colour, 0 for pure tables."""
        if self.images is None or len(self) == 0:
            return 0
        return 1 if self.images[0].ndim == 2 else int(self.images[0].shape[-1])

    @property
    def title(self) -> str:
        """A printable line, for example "PneumoniaMNIST, 28×28, test (n = 624)"."""
        edge = f" {self.size}×{self.size}," if self.size else ""
        note = f"; {self.info.note}" if self.info.note else ""
        return f"{self.info.title},{edge} {self.split} (n = {len(self):,}{note})"

    def replace(self, **changes: Any) -> "Split":
        """A copy with some fields changed."""
        return replace(self, **changes)

    def join(self, *others: "Split") -> "Split":
        """The rows of several splits of one set, one after the other; for drawing splits of one's own.

        The name of the result joins theirs, such as "train + val". See `joining.join_splits`.
        """
        from teachkit.data.joining import join_splits

        return join_splits([self, *others])

    def objects(self, size: int = 64, margin: int = 2) -> "Split":
        """A regression set of single objects: one crop each, labelled with its area in pixels.

        Arguments, fields and errors as in `teachkit.data.objects.single_objects`.
        """
        return single_objects(self, size, margin)

    def semantic(self, border: int = 0) -> "Split":
        """Instance masks as classes: 0 background, 1 object, and 2 near two objects when `border` > 0.

        Arguments and errors as in `teachkit.data.pixels.semantic_masks`.
        """
        return semantic_masks(self, border)

    def crops(self, size: int, per_image: int | None = None, seed: int = 0) -> "Split":
        """Square crops with their masks: a grid that covers each picture, or `per_image` random places.

        Arguments, fields and errors as in `teachkit.data.crops.square_crops`.
        """
        return square_crops(self, size, per_image, seed)

    def class_shares(self) -> dict[str, float]:
        """Share of the mask pixels that each class has, by name."""
        return class_shares(self)

    def sample(self, n: int, seed: int = 0) -> "Split":
        """`n` rows drawn without replacement, in their original order; all rows when there are no more.

        Binary, multi-class and ordinal sets keep their class shares, to the nearest row.
        """
        if n < 1:
            raise SettingsError(f"Cannot draw {n} rows.", "Ask for at least one.", n=n)
        if n >= len(self):
            return self
        rng = np.random.default_rng(seed)
        if self.info.task in ("binary", "multi-class", "ordinal") and self.labels.shape[1] == 1:
            rows = _stratified(self.labels[:, 0], n, rng)
        else:
            rows = rng.choice(len(self), size=n, replace=False)
        return self[np.sort(rows)]


def _take(
    values: np.ndarray | list[np.ndarray] | None, rows: Any, index: np.ndarray
) -> np.ndarray | list[np.ndarray] | None:
    if isinstance(values, list):
        return [values[i] for i in index]
    return None if values is None else values[rows]


def _stratified(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` row numbers whose class shares follow `labels`, by the largest-remainder rule."""
    classes, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    quota = counts * n / len(labels)
    take = np.floor(quota).astype(int)
    remainder_first = np.argsort(take - quota, kind="stable")
    take[remainder_first[: n - take.sum()]] += 1
    drawn = [rng.permutation(np.flatnonzero(inverse == k))[: take[k]] for k in range(len(classes))]
    return np.concatenate(drawn)
