"""Pictures and their masks as files: ``images/NAME`` beside ``masks/NAME``, checked before a number is used.

A mask is a grey picture that holds one number for each pixel. Whatever is not what it should be is refused
with the file and the value, because a wrong mask trains a wrong model without any error.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from teachkit.data.picture_files import listed
from teachkit.errors import FormatError

Pairs = list[tuple[Path, Path]]

# JPEG is no format for masks: it changes numbers.
MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
_JUNK = ("thumbs.db", "desktop.ini")  # what file browsers leave behind, beside names that begin with a dot


def is_mask_folder(folder: Path) -> bool:
    """Whether a folder has the subfolders images/ and masks/."""
    return (folder / "images").is_dir() and (folder / "masks").is_dir()


def paired_files(folder: Path, image_suffixes: Sequence[str], mask_suffixes: Sequence[str]) -> Pairs:
    """(image, mask) of the same name but for the ending, in order of name.

    Raises:
        FormatError: no pictures, a file of another kind, two files of one name, or one without a partner.
    """
    images = _by_name(folder / "images", image_suffixes)
    masks = _by_name(folder / "masks", mask_suffixes)
    if unpaired := sorted(images.keys() ^ masks.keys()):
        has_image = unpaired[0] in images
        path = images[unpaired[0]] if has_image else masks[unpaired[0]]
        raise FormatError(
            f"{folder}: {len(unpaired)} files in images/ or masks/ lack a partner: '{path.name}' has no "
            f"{'mask' if has_image else 'image'}.",
            "Give every image one mask of the same name.",
            path=str(path),
            unpaired=unpaired,
        )
    if not images:
        raise FormatError(
            f"{folder / 'images'} holds no pictures ({', '.join(image_suffixes)}).",
            "Put the pictures there, and their masks under the same names into masks/.",
            path=str(folder),
        )
    return [(images[name], masks[name]) for name in sorted(images)]


def read_picture(path: Path) -> Image.Image:
    """The picture, with all its pixels in memory.

    Raises:
        FormatError: not a readable picture, or several pages.
    """
    try:
        with Image.open(path) as picture:
            pages = getattr(picture, "n_frames", 1)
            picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise FormatError(
            f"{path} is not a readable picture ({error}).", "Copy it again.", path=str(path)
        ) from error
    if pages > 1:
        raise FormatError(
            f"{path} holds {pages} pages.", "Save each as a picture of its own.", path=str(path)
        )
    return picture


def read_mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """The number of each pixel, [H, W].

    Args:
        path: a grey picture of up to 16 bits, one of black and white, or one with a palette.
        shape: height and width of its image.

    Raises:
        FormatError: not readable, in colour, another size than its image, or numbers that are not whole.
    """
    values = np.asarray(read_picture(path))
    if values.ndim == 3 and (values[..., :3] == values[..., :1]).all():
        values = values[..., 0]  # grey, but saved as colour
    if values.ndim != 2:
        raise FormatError(
            f"{path} is a picture in colour, not a mask.",
            "Save it as a grey picture with one number for each pixel.",
            path=str(path),
        )
    if values.shape != tuple(shape[:2]):
        raise FormatError(
            f"{path} is {list(values.shape)} but its image is {list(shape[:2])}.",
            "A mask is a grey picture as large as its image.",
            path=str(path),
        )
    whole = values.astype(np.int32)
    if not np.array_equal(whole, values) or whole.min(initial=0) < 0:
        odd = values[(whole != values) | (whole < 0)][0]
        raise FormatError(
            f"{path} holds the value {odd}.", "A mask holds whole numbers from 0.", path=str(path), value=odd
        )
    return whole


def classes_of_levels(levels: NDArray, class_of_level: Mapping[int, int], path: Path) -> NDArray[np.uint8]:
    """Class number per pixel, for masks that write classes as grey levels.

    Raises:
        FormatError: a level that stands for no class.
    """
    known = np.array(sorted(class_of_level))
    if unknown := sorted({int(level) for level in np.unique(levels)} - set(class_of_level)):
        named = str(unknown) if len(unknown) <= 12 else listed(unknown)
        raise FormatError(
            f"{path} holds the grey levels {named}, which stand for no class.",
            f"Masks may hold {known.tolist()} only.",
            path=str(path),
            levels=unknown,
        )
    classes = np.array([class_of_level[level] for level in known], np.uint8)
    return classes[np.searchsorted(known, levels)]


def check_one_size(files: Sequence[Path], pictures: Sequence[np.ndarray]) -> None:
    """Refuse pictures of different sizes, naming the first that differs from the first of all."""
    for path, picture in zip(files, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise FormatError(
                f"{path} is {list(picture.shape[:2])} but {files[0].name} is {list(pictures[0].shape[:2])}.",
                "The pictures of this set have one size.",
                path=str(path),
            )


def _by_name(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Pictures by name without ending; other files are refused, except what file browsers leave behind."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.startswith(".") or path.name.lower() in _JUNK:
            continue
        if path.is_dir() or path.suffix.lower() not in suffixes:
            raise FormatError(
                f"{path} is no picture of the kind {', '.join(suffixes)}.",
                "Take it out of the folder, or save it as such a picture.",
                path=str(path),
            )
        if path.stem in found:
            raise FormatError(
                f"{folder} holds {found[path.stem].name} and {path.name}: one name, two files.",
                "Keep one of them.",
                path=str(path),
            )
        found[path.stem] = path
    return found
