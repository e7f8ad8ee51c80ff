"""Microscopy pictures with one number per nucleus: ``images/NAME.png`` and ``masks/NAME.png`` (16 bit)."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from teachkit.data.parts import Part
from teachkit.data.splits import SPLITS
from teachkit.errors import FormatError

_SHARES = (0.6, 0.2)  # train, val: 48, 16 and 16 of the 80 pictures


def read(folder: Path) -> dict[str, Part]:
    """The pictures of `folder`, split by the SHA-256 of their file names: the first 60 % train, 20 % val,
    20 % test.

    Images are uint8 [H, W, 3], masks int32 [H, W] with 0 for background and 1..n for the nuclei; sizes
    differ. A hash does not know which pictures come from one slide, and the source does not say.

    Raises:
        FormatError: an image without a mask or the reverse, an unreadable file, or unequal sizes.
    """
    images = {path.stem: path for path in sorted((folder / "images").glob("*.png"))}
    masks = {path.stem: path for path in sorted((folder / "masks").glob("*.png"))}
    if unpaired := sorted(images.keys() ^ masks.keys()):
        raise FormatError(
            f"{folder}: {len(unpaired)} pictures in images/ or masks/ lack a partner: '{unpaired[0]}.png'.",
            "Give every image one mask of the same name.",
            path=str(folder),
            unpaired=unpaired,
        )
    if len(images) < len(SPLITS):
        raise FormatError(
            f"{folder}/images holds {len(images)} PNG pictures.",
            "At least three are needed, one for each split.",
            path=str(folder),
        )
    order = sorted(images, key=lambda name: hashlib.sha256(f"{name}.png".encode()).hexdigest())
    first, second = (round(share * len(order)) for share in np.cumsum(_SHARES))
    chosen = zip(SPLITS, (order[:first], order[first:second], order[second:]), strict=True)
    return {split: _part([(images[name], masks[name]) for name in sorted(names)]) for split, names in chosen}


def _part(files: list[tuple[Path, Path]]) -> Part:
    pairs = [_pair(image, mask) for image, mask in files]
    labels = np.zeros((len(pairs), 0), np.int64)  # nothing is said about a picture as a whole
    return Part([image for image, _ in pairs], labels, [mask for _, mask in pairs])


def _pair(image_path: Path, mask_path: Path) -> tuple[np.ndarray, np.ndarray]:
    image = np.asarray(_open(image_path).convert("RGB"))
    mask = np.asarray(_open(mask_path)).astype(np.int32)
    if mask.ndim != 2 or mask.shape != image.shape[:2]:
        raise FormatError(
            f"{mask_path} is {list(mask.shape)} but its image is {list(image.shape[:2])}.",
            "A mask is a grey 16-bit picture as large as its image.",
            path=str(mask_path),
        )
    return image, mask


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise FormatError(
            f"{path} is not a readable picture ({error}).", "Copy it again.", path=str(path)
        ) from error
