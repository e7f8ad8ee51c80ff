"""The skin sections: pairs of TIFF pictures and grey-level masks, merged to four tissue classes."""

from pathlib import Path

import numpy as np
from PIL import Image

from teachkit.data.parts import Part
from teachkit.errors import FormatError

FOLDERS = {"train": "training", "val": "validation", "test": "testing"}

# Grey level in the mask → index in the registry's classes: epidermis, dermis, hair, background.
CLASS_OF_LEVEL = {36: 0, 72: 1, 108: 0, 144: 0, 180: 2, 216: 3}


def read(folder: Path) -> dict[str, Part]:
    """Images uint8 [N, 512, 512, 3] and masks uint8 [N, 512, 512] of each split, in order of file name.

    Raises:
        FormatError: when a picture has no mask, or a mask holds a grey level that stands for no tissue.
    """
    return {split: _read_split(folder / name) for split, name in FOLDERS.items()}


def _read_split(below: Path) -> Part:
    pictures = sorted((below / "images").glob("*.tif"))
    if not pictures:
        raise FormatError(
            f"{below / 'images'} holds no .tif pictures.",
            "Fetch the set again: teachkit data get skin.",
            path=str(below),
        )
    images, masks = [], []
    for picture in pictures:
        mask = below / "masks" / picture.name
        if not mask.exists():
            raise FormatError(
                f"{picture} has no mask beside it in {mask.parent}.",
                "Fetch the set again: teachkit data get skin.",
                path=str(picture),
            )
        images.append(np.asarray(Image.open(picture).convert("RGB")))
        masks.append(_classes(np.asarray(Image.open(mask).convert("L")), mask))
    labels = np.zeros((len(images), 0), np.int64)  # nothing is said about a picture as a whole
    return Part(np.stack(images), labels, np.stack(masks))


def _classes(levels: np.ndarray, path: Path) -> np.ndarray:
    """Tissue class per pixel."""
    table = np.full(256, 255, np.uint8)
    for level, index in CLASS_OF_LEVEL.items():
        table[level] = index
    classes = table[levels]
    if (classes == 255).any():
        unknown = sorted({int(level) for level in np.unique(levels)} - set(CLASS_OF_LEVEL))
        raise FormatError(
            f"{path} holds the grey levels {unknown}, which stand for no tissue.",
            f"Masks may hold {sorted(CLASS_OF_LEVEL)} only.",
            path=str(path),
            levels=unknown,
        )
    return classes
