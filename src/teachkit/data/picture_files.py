"""Picture files as arrays: PNG, JPEG, TIFF, and DICOM by the extra ``dicom``."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from teachkit import extras
from teachkit.errors import FormatError

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm")
_UNREADABLE = (UnidentifiedImageError, OSError, ValueError, SyntaxError, AttributeError)
_NAMED = 5  # so many file names fit into one message


def read_pictures(files: Sequence[Path], size: int | None) -> np.ndarray:
    """The pictures as one array: uint8 [N, H, W], or [N, H, W, 3] as soon as one of them has colour.

    Pictures of more than 8 bits are scaled together, the lowest value of all to 0 and the highest to 255,
    so that brightness stays comparable between them.

    Args:
        size: None keeps pictures as they are and demands one common size. A number cuts the middle square and
            averages or interpolates it to that many pixels.

    Raises:
        FormatError: unreadable files or unequal sizes, naming the files.
        MissingExtraError: DICOM files without the extra ``dicom``.
    """
    read, broken = [], []
    for file in files:
        try:
            read.append(_read(file))
        except _UNREADABLE as error:
            broken.append(f"{file} ({error or type(error).__name__})")
    if broken:
        raise FormatError(
            f"{len(broken)} of {len(files)} pictures cannot be read: {listed(broken)}.",
            "Mend them or take them out of the folder.",
            files=broken,
        )
    deep = [picture for picture in read if picture.dtype != np.uint8]
    if deep:
        low = min(float(picture.min()) for picture in deep)
        scale = 255 / max(max(float(picture.max()) for picture in deep) - low, 1e-12)
        read = [p if p.dtype == np.uint8 else np.round((p - low) * scale).astype(np.uint8) for p in read]
    if size is not None:
        read = [fitted(picture, size) for picture in read]
    _check_sizes(files, read)
    if any(picture.ndim == 3 for picture in read):
        read = [
            picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2) for picture in read
        ]
    return np.stack(read)


def listed(names: Sequence[object]) -> str:
    """The first few names, and how many more there are."""
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(str(name) for name in names[:_NAMED]) + rest


def _read(file: Path) -> np.ndarray:
    """uint8 [H, W] or [H, W, 3]; float64 [H, W] for grey pictures of more than 8 bits."""
    if file.suffix.lower() == ".dcm":
        return _read_dicom(file)
    with Image.open(file) as picture:
        if (pages := getattr(picture, "n_frames", 1)) > 1:
            raise ValueError(f"holds {pages} pages; save each as a picture of its own")
        if picture.mode.startswith(("I", "F")):
            return np.asarray(picture, np.float64)
        return np.asarray(picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB"))


def _read_dicom(file: Path) -> np.ndarray:
    """Stored values with slope and intercept applied; pictures where high means dark are turned round."""
    pydicom = extras.need("pydicom", "dicom")
    try:
        scan = pydicom.dcmread(file)
        values = scan.pixel_array
    except (pydicom.errors.InvalidDicomError, NotImplementedError, RuntimeError, KeyError) as error:
        raise ValueError(str(error)) from error
    if values.ndim == 3 and values.shape[-1] == 3 and values.dtype == np.uint8:
        return values
    if values.ndim != 2:
        raise ValueError(f"has the shape {list(values.shape)}; one flat picture is needed")
    values = values * float(getattr(scan, "RescaleSlope", 1)) + float(getattr(scan, "RescaleIntercept", 0))
    return -values if scan.PhotometricInterpretation == "MONOCHROME1" else values


def picture_shape(file: Path) -> tuple[int, ...]:
    """Height and width of a picture as it lies in its file.

    Raises:
        FormatError: an unreadable file.
    """
    try:
        if file.suffix.lower() == ".dcm":
            return _read_dicom(file).shape[:2]
        with Image.open(file) as picture:
            return picture.height, picture.width
    except _UNREADABLE as error:
        raise FormatError(
            f"{file} cannot be read ({error or type(error).__name__}).",
            "Mend it or take it out of the folder.",
            path=str(file),
        ) from error


def fitted(picture: np.ndarray, size: int, rule: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    """The middle square of `picture`, resampled to `size` pixels; masks need the rule NEAREST."""
    height, width = picture.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = Image.fromarray(picture[top : top + edge, left : left + edge])
    # Pillow's bicubic filter widens when it shrinks, so that nothing is skipped.
    return np.asarray(square.resize((size, size), rule))


def _check_sizes(files: Sequence[Path], read: Sequence[np.ndarray]) -> None:
    sizes: dict[tuple[int, ...], list[Path]] = {}
    for file, picture in zip(files, read, strict=True):
        sizes.setdefault(picture.shape[:2], []).append(file)
    if len(sizes) > 1:
        common = max(sizes, key=lambda shape: len(sizes[shape]))
        odd = [f"{path} {w}×{h}" for (h, w), paths in sizes.items() if (h, w) != common for path in paths]
        raise FormatError(
            f"The pictures come in {len(sizes)} sizes: most {common[1]}×{common[0]}, but not {listed(odd)}.",
            "Give size=28 (or another number) to cut the middle square of each and resample it.",
            files=odd,
        )
