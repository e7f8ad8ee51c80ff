"""The skin sections: pairs of TIFF pictures and grey-level masks, merged to four tissue classes."""

from pathlib import Path

import numpy as np

from teachkit.data.mask_files import check_one_size, classes_of_levels, paired_files, read_mask, read_picture
from teachkit.data.parts import Part

FOLDERS = {"train": "training", "val": "validation", "test": "testing"}

# Grey level in the mask → index in the registry's classes: epidermis, dermis, hair, background.
CLASS_OF_LEVEL = {36: 0, 72: 1, 108: 0, 144: 0, 180: 2, 216: 3}
_SUFFIXES = (".tif", ".tiff")


def read(folder: Path) -> dict[str, Part]:
    """Images uint8 [N, 512, 512, 3] and masks uint8 [N, 512, 512] of each split, in order of file name.

    Raises:
        FormatError: a picture without a mask or the reverse, a file that is no readable TIFF picture, sizes
            that differ, or a grey level that stands for no tissue; the message names the file and the value.
    """
    return {split: _read_split(folder / name) for split, name in FOLDERS.items()}


def _read_split(below: Path) -> Part:
    pairs = paired_files(below, _SUFFIXES, _SUFFIXES)
    images = [np.asarray(read_picture(image).convert("RGB")) for image, _ in pairs]
    check_one_size([image for image, _ in pairs], images)
    masks = [
        classes_of_levels(read_mask(path, image.shape), CLASS_OF_LEVEL, path)
        for image, (_, path) in zip(images, pairs, strict=True)
    ]
    labels = np.zeros((len(images), 0), np.int64)  # nothing is said about a picture as a whole
    return Part(np.stack(images), labels, np.stack(masks))
