"""A set of one's own with masks: ``images/`` beside ``masks/``, perhaps a table of patients."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from teachkit.data.listing import Listing, read_table
from teachkit.data.mask_files import MASK_SUFFIXES, classes_of_levels, paired_files, read_mask
from teachkit.data.picture_files import SUFFIXES, fitted, listed, picture_shape
from teachkit.errors import FormatError, SettingsError, nearest

_MOST_LEVELS = 12  # more different numbers than this are hardly classes


@dataclass(frozen=True, eq=False)
class MaskedPictures:
    """Pictures with masks, row by row.

    Attributes:
        listing: the pictures; its classes are those of the masks.
        masks: N masks [H, W], uint8 for classes and int32 for single objects.
        instances: whether masks number single objects.
    """

    listing: Listing
    masks: list[NDArray]
    instances: bool

    def fitted(self, size: int | None) -> NDArray:
        """The masks as one array; with a size, cut and resampled as the pictures are, without new numbers."""
        if size is None:
            return np.stack(self.masks)
        rule = Image.Resampling.NEAREST
        return np.stack([fitted(mask.astype(np.int32), size, rule).astype(mask.dtype) for mask in self.masks])


def masked_pictures(
    folder: Path,
    table: str | Path | pd.DataFrame | None,
    *,
    file: str,
    patient: str,
    levels: Mapping[str, int] | None,
    instances: bool,
) -> MaskedPictures:
    """Read the masks of a folder, checked against their images.

    Args:
        folder: holds images/ and masks/.
        table: names the patient of each picture, or None.
        file: its column of file names, relative to images/.
        patient: its column of patients.
        levels: class name to grey level; None takes the levels that the masks hold, in rising order.
        instances: masks number single objects instead of naming classes.

    Raises:
        SettingsError: levels for single objects, levels given twice, or a table without the columns.
        FormatError: what `paired_files` and `read_mask` refuse, an unknown level, more levels than a set has
            classes, or a picture that the table leaves out.
    """
    if instances and levels is not None:
        raise SettingsError("Single objects have no levels.", "Give levels or instances=True, not both.")
    if levels is not None and len(set(levels.values())) < len(levels):
        raise SettingsError(f"Two classes share a grey level: {dict(levels)}.", "Give each its own.")
    pairs = paired_files(folder, SUFFIXES, MASK_SUFFIXES)
    raw = [read_mask(mask, picture_shape(image)) for image, mask in pairs]
    if instances:
        classes: tuple[str, ...] = ("background", "object")
        masks: list[NDArray] = list(raw)
    else:
        named = dict(levels) if levels is not None else _found_levels(folder, raw)
        classes, number = tuple(named), {level: index for index, level in enumerate(named.values())}
        masks = [classes_of_levels(mask, number, path) for mask, (_, path) in zip(raw, pairs, strict=True)]
    files = [image for image, _ in pairs]
    patients = None if table is None else _patients(files, table, file, patient)
    labels = np.zeros((len(files), 0), np.int64)  # nothing is said about a picture as a whole
    return MaskedPictures(Listing(files, labels, classes, "segmentation", patients), masks, instances)


def _found_levels(folder: Path, masks: list[NDArray[np.int32]]) -> dict[str, int]:
    """Class name → grey level, for all levels that occur; 0 is taken for background."""
    found = sorted({int(level) for mask in masks for level in np.unique(mask)})
    if not 2 <= len(found) <= _MOST_LEVELS:
        raise FormatError(
            f"The masks in {folder / 'masks'} hold {len(found)} different numbers: {listed(found)}.",
            "Class masks hold a few. Give levels={'background': 0, ...}, or instances=True when the numbers "
            "stand for single objects.",
            levels=found,
        )
    return {"background" if level == 0 else f"level {level}": level for level in found}


def _patients(
    files: list[Path], table: str | Path | pd.DataFrame, file: str, patient: str
) -> NDArray[np.str_]:
    rows = read_table(table)
    for column in (file, patient):
        if column not in rows.columns:
            raise SettingsError(
                f"The table has no column '{column}'.",
                nearest(column, map(str, rows.columns), "columns"),
                column=column,
            )
    known = dict(zip(rows[file].astype(str), rows[patient], strict=True))
    absent = [path.name for path in files if pd.isna(known.get(path.name))]
    if absent:
        raise FormatError(
            f"The table gives no {patient} for {len(absent)} of {len(files)} pictures: {listed(absent)}.",
            "Add a row for each picture in images/.",
            files=absent,
        )
    return np.array([str(known[path.name]) for path in files])
