"""Images, their true masks, predicted masks, and where the two masks differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from numpy.typing import NDArray

from teachkit.errors import FormatError
from teachkit.metrics import object_overlaps
from teachkit.plots.picture import (
    BLUE,
    COLOURS,
    GREY,
    ORANGE,
    PURPLE,
    VERMILION,
    Picture,
    caption,
    new_figure,
    sentences,
    styled,
)

Pictures = Sequence[np.ndarray] | np.ndarray
_EMPTY = "#E6E6E6"
_DARK = 0.5  # a picture whose brightest pixels stay below is shown brighter, but at most
_BRIGHTER = 20  # times, so that an empty one stays dark


@dataclass(frozen=True)
class _Row:
    """One row of the figure: a name, a picture for each column, and words under each."""

    name: str
    pictures: list[NDArray[np.float64]]
    words: list[str]


@styled
def segmentation(
    images: Pictures,
    truth: Pictures,
    predicted: Pictures | None = None,
    *,
    classes: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
    suptitle: str = "",
    note: str = "",
) -> Picture:
    """Rows image, truth, prediction and errors; a column for each picture. Sizes may differ.

    Args:
        images: N pictures uint8 [H, W] or [H, W, 3].
        truth: N masks [H, W] of class numbers.
        predicted: the same of a model; without it there are two rows.
        classes: class names in order of their numbers. None: masks number single objects, each number has
            one of six colours, and errors are whole objects: missed or invented (no partner whose
            intersection over union is above 0.5).
        titles: one short title for each picture.
        suptitle: of the whole; name the data set, n and the network.
        note: small words below, such as the rule by which pictures were chosen.

    Raises:
        FormatError: no picture, other numbers or sizes of masks than of images, or a number without a class.
    """
    shown = [_rgb(np.asarray(image)) for image in images]
    masks = _checked(truth, shown, "masks", classes)
    guesses = None if predicted is None else _checked(predicted, shown, "predictions", classes)
    if titles is not None and len(titles) != len(shown):
        raise FormatError(f"{len(titles)} titles for {len(shown)} images.", "Give one for each image.")
    rows = [
        _Row("image", [_visible(image) for image in shown], [""] * len(shown)),
        _Row("truth", [_coloured(mask, classes) for mask in masks], _counts(masks, classes)),
    ]
    legend = {} if classes is None else dict(zip(classes, _colours(classes), strict=True))
    if guesses is not None:
        rows.append(
            _Row("prediction", [_coloured(mask, classes) for mask in guesses], _counts(guesses, classes))
        )
        maps, words, kinds = _errors(shown, masks, guesses, classes)
        rows.append(_Row("errors", maps, words))
        legend |= kinds
    dark = sum(_visible(image) is not image for image in shown)
    notes = [note, f"{dark} dark picture{'s' if dark > 1 else ''} shown brighter" if dark else ""]
    return _drawn(rows, legend, titles, suptitle, "; ".join(filter(None, notes)), _shares(masks, classes))


def _drawn(
    rows: list[_Row],
    legend: dict[str, str],
    titles: Sequence[str] | None,
    suptitle: str,
    note: str,
    shares: str,
) -> Picture:
    columns = len(rows[0].pictures)
    side = min(2.3, 9.5 / columns)
    figure = new_figure(max(4.6, columns * side + 1.9), len(rows) * (side + 0.25) + 0.9)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for row, line in zip(rows, grid, strict=True):
        for index, axes in enumerate(line):
            axes.imshow(row.pictures[index], interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(True)
            axes.set_xlabel(row.words[index], fontsize=9.5)
            if titles is not None and row is rows[0]:
                axes.set_title(titles[index], fontsize=10)
        line[0].set_ylabel(row.name)
    if legend:
        handles = [
            Patch(facecolor=colour, edgecolor="#888888", label=name) for name, colour in legend.items()
        ]
        figure.legend(handles=handles, loc="outside right center")
    figure.suptitle(suptitle)
    count = f"{columns} picture{'s' if columns > 1 else ''}"
    caption(figure, f"{count}; {note}" if note else count)
    said = [
        f"{titles[index] if titles is not None else f'Picture {index + 1}'}: {words}"
        for index in range(columns)
        if (words := "; ".join(f"{row.name} {row.words[index]}" for row in rows if row.words[index]))
    ]
    names = ", ".join(row.name for row in rows)
    return Picture(figure, sentences(suptitle, f"{count}, each with the rows {names}", shares, *said, note))


def _checked(
    masks: Pictures, images: list[np.ndarray], name: str, classes: Sequence[str] | None
) -> list[NDArray[np.int64]]:
    found = [np.asarray(mask).astype(np.int64) for mask in masks]
    if not images or len(found) != len(images):
        raise FormatError(f"{len(found)} {name} for {len(images)} images.", "Give one for each image.")
    for row, (mask, image) in enumerate(zip(found, images, strict=True)):
        if mask.shape != image.shape[:2]:
            raise FormatError(
                f"Row {row} of the {name} is {list(mask.shape)} but its image is {list(image.shape[:2])}.",
                "Give a mask as large as its image, one number for each pixel.",
                row=row,
            )
        if classes is not None and mask.size and not 0 <= mask.min() <= mask.max() < len(classes):
            raise FormatError(
                f"Row {row} of the {name} holds numbers from {mask.min()} to {mask.max()}, but "
                f"{len(classes)} classes are named.",
                "Name every class, or leave classes out when the numbers stand for single objects.",
                row=row,
            )
    return found


def _colours(classes: Sequence[str]) -> list[str]:
    """A colour for each class; two classes are light and dark, so that colours are left for the errors."""
    if len(classes) == 2:
        return [_EMPTY, GREY]
    if len(classes) > len(COLOURS) + 1:  # more than the safe ones: shades that differ in brightness
        return [mpl.colors.to_hex(c) for c in mpl.colormaps["viridis"](np.linspace(0, 1, len(classes)))]
    free = iter(COLOURS)
    return [_EMPTY if name == "background" else next(free, VERMILION) for name in classes]


def _coloured(mask: NDArray[np.int64], classes: Sequence[str] | None) -> NDArray[np.float64]:
    if classes is not None:
        return np.array([to_rgb(colour) for colour in _colours(classes)])[mask]
    palette = np.array([to_rgb(colour) for colour in COLOURS])
    return np.where(mask[..., None] > 0, palette[(mask - 1) % len(palette)], to_rgb(_EMPTY))


def _counts(masks: list[NDArray[np.int64]], classes: Sequence[str] | None) -> list[str]:
    """Number of objects under each mask of single objects; nothing under class masks."""
    if classes is not None:
        return [""] * len(masks)
    return [f"{len(np.unique(mask[mask > 0]))} objects" for mask in masks]


def _shares(masks: list[NDArray[np.int64]], classes: Sequence[str] | None) -> str:
    """How much of the pictured truth each class covers, in words."""
    if classes is None:
        return ""
    counts = np.bincount(np.concatenate([mask.reshape(-1) for mask in masks]), minlength=len(classes))
    shares = counts / max(1, counts.sum())
    return "Truth: " + ", ".join(f"{name} {share:.1%}" for name, share in zip(classes, shares, strict=True))


def _errors(
    images: list[np.ndarray],
    masks: list[NDArray[np.int64]],
    guesses: list[NDArray[np.int64]],
    classes: Sequence[str] | None,
) -> tuple[list[NDArray[np.float64]], list[str], dict[str, str]]:
    """The images pale, with wrong pixels or objects in colour; words for each; what the colours mean."""
    maps, words = [], []
    two = classes is not None and len(classes) == 2
    for image, mask, guess in zip(images, masks, guesses, strict=True):
        pale = 1 - 0.25 * (1 - _visible(image).mean(axis=-1, keepdims=True)) * np.ones(3)
        if classes is None:
            missed, invented = _unmatched(mask, guess)
            lost, added = np.isin(mask, missed), np.isin(guess, invented)
            pale[lost], pale[added], pale[lost & added] = to_rgb(ORANGE), to_rgb(BLUE), to_rgb(PURPLE)
            words.append(f"{len(missed)} missed, {len(invented)} invented")
        else:
            wrong = mask != guess
            pale[wrong] = to_rgb(VERMILION)
            if two:
                pale[wrong & (mask == 1)], pale[wrong & (guess == 1)] = to_rgb(ORANGE), to_rgb(BLUE)
            words.append(f"{wrong.mean():.1%} wrong")
        maps.append(pale)
    if classes is None:
        return maps, words, {"missed": ORANGE, "invented": BLUE, "both: merged, split": PURPLE}
    if two:
        return maps, words, {f"{classes[1]} missed": ORANGE, f"{classes[1]} added": BLUE}
    return maps, words, {"wrong": VERMILION}


def _unmatched(mask: NDArray[np.int64], guess: NDArray[np.int64]) -> tuple[NDArray, NDArray]:
    """Numbers of the true and of the predicted objects without a partner."""
    partner = object_overlaps(mask, guess) > 0.5
    true, predicted = np.unique(mask[mask > 0]), np.unique(guess[guess > 0])
    return true[~partner.any(axis=1)], predicted[~partner.any(axis=0)]


def _rgb(image: np.ndarray) -> NDArray[np.float64]:
    """[H, W, 3] from 0 to 1; whole numbers run from 0 to 255."""
    scaled = image / 255 if np.issubdtype(image.dtype, np.integer) else image.astype(np.float64)
    return scaled if scaled.ndim == 3 else np.repeat(scaled[..., None], 3, axis=2)


def _visible(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same picture, or a brighter one where hardly a pixel reaches half of the range."""
    top = max(float(np.percentile(image, 99.8)), 1 / _BRIGHTER)
    return image if top >= _DARK else np.clip(image / top, 0, 1)
