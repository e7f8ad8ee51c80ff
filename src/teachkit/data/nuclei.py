"""Microscopy pictures with one number per nucleus: ``images/NAME.png`` and ``masks/NAME.png`` (16 bit)."""

import hashlib
from pathlib import Path

import numpy as np

from teachkit.data.mask_files import Pairs, paired_files, read_mask, read_picture
from teachkit.data.parts import Part
from teachkit.data.splits import SPLITS
from teachkit.errors import FormatError

_SUFFIXES = (".png",)
_SHARES = (0.6, 0.2)  # train, val: 48, 16 and 16 of the 80 pictures


def read(folder: Path) -> dict[str, Part]:
    """The pictures of `folder`, split by the SHA-256 of their file names: the first 60 % train, 20 % val,
    20 % test.

    Images are uint8 [H, W, 3], masks int32 [H, W] with 0 for background and 1..n for the nuclei; sizes
    differ. A hash does not know which pictures come from one slide, and the source does not say.

    Raises:
        FormatError: an image without a mask or the reverse, a file that is no readable PNG picture, unequal
            sizes, or a mask in colour; the message names the file and the value.
    """
    pairs = {image.stem: (image, mask) for image, mask in paired_files(folder, _SUFFIXES, _SUFFIXES)}
    if len(pairs) < len(SPLITS):
        raise FormatError(
            f"{folder}/images holds {len(pairs)} PNG pictures.",
            "At least three are needed, one for each split.",
            path=str(folder),
        )
    order = sorted(pairs, key=lambda name: hashlib.sha256(f"{name}.png".encode()).hexdigest())
    first, second = (round(share * len(order)) for share in np.cumsum(_SHARES))
    chosen = zip(SPLITS, (order[:first], order[first:second], order[second:]), strict=True)
    return {split: _part([pairs[name] for name in sorted(names)]) for split, names in chosen}


def _part(files: Pairs) -> Part:
    images = [np.asarray(read_picture(image).convert("RGB")) for image, _ in files]
    masks = [read_mask(path, image.shape) for image, (_, path) in zip(images, files, strict=True)]
    labels = np.zeros((len(files), 0), np.int64)  # nothing is said about a picture as a whole
    return Part(images, labels, masks)
