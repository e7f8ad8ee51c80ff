"""A short moving picture that stops by itself, and the same frames side by side."""

import base64
import html
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from teachkit.errors import FormatError
from teachkit.extras import need
from teachkit.paths import atomic
from teachkit.plots.picture import Picture
from teachkit.plots.pictures import images

EDGE = 240  # pixels on the screen
BAND = 30  # height of the line of text under the image
REPEATS = 1  # after the first run
# What moves for more than five seconds must have a pause button (WCAG 2.2.2); a GIF has none, so it ends.
LONGEST = 5.0


class Animation:
    """A GIF on disk and its still twin.

    In print, and for readers who have asked their system for less motion, the twin is shown instead.

    Attributes:
        path: the GIF.
        picture: some of the frames side by side.
        alt: what the frames show.
    """

    def __init__(self, path: Path, picture: Picture) -> None:
        self.path = path
        self.picture = picture
        self.alt = picture.alt

    @cached_property
    def html(self) -> str:
        """One ``<picture>``: the GIF, or the still frames."""
        moving = base64.b64encode(self.path.read_bytes()).decode()
        still = base64.b64encode(self.picture.png).decode()
        return (
            '<picture><source media="print, (prefers-reduced-motion: reduce)" '
            f'srcset="data:image/png;base64,{still}">'
            f'<img alt="{html.escape(self.alt)}" style="max-width:100%;height:auto;background:white" '
            f'src="data:image/gif;base64,{moving}"></picture>'
        )

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        display(HTML(self.html))
        display(self.picture)

    def __repr__(self) -> str:
        return f"Animation({self.alt!r})"


def animate(
    frames: Sequence[np.ndarray] | np.ndarray,
    titles: Sequence[str],
    path: str | os.PathLike[str],
    *,
    title: str = "",
    seconds: float = 2.4,
    stills: int = 6,
    scale_note: str = "no physical scale known",
) -> Animation:
    """Write frames as a GIF, whole or not at all, and return it with its still twin.

    Args:
        frames: uint8 pictures [F, H, W] or [F, H, W, 3], all of one size; enlarged without smoothing.
        titles: what each frame says under its picture.
        path: the GIF to write.
        title: of the still twin; name the data set.
        seconds: one run through all frames; there are two runs, and never more than five seconds in all.
        stills: frames in the twin.

    Raises:
        FormatError: no frame, or another number of titles.
    """
    if not len(frames) or len(titles) != len(frames):
        raise FormatError(
            f"{len(frames)} frames and {len(titles)} titles.",
            "Give at least one frame, and a title for each.",
        )
    imageio = need("imageio.v3", "lessons")
    drawn = np.stack([_frame(np.asarray(frame), text) for frame, text in zip(frames, titles, strict=True)])
    duration = 1000 * min(seconds, LONGEST / (1 + REPEATS)) / len(drawn)
    target = Path(path)
    with atomic(target) as temporary:
        imageio.imwrite(temporary, drawn, extension=".gif", duration=duration, loop=REPEATS)
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(stills, len(frames))).round().astype(int))
    twin = images(
        [np.asarray(frames[index]) for index in chosen],
        [titles[index] for index in chosen],
        suptitle=title,
        scale_note=scale_note,
    )
    return Animation(target, twin)


def _frame(picture: np.ndarray, text: str) -> np.ndarray:
    """The picture as large squares, uint8 [H, W, 3], and a line of text under it."""
    colour = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    factor = max(1, round(EDGE / max(colour.shape[:2])))
    large = colour.repeat(factor, axis=0).repeat(factor, axis=1)
    page = Image.new("RGB", (large.shape[1], large.shape[0] + BAND), "white")
    page.paste(Image.fromarray(large))
    place = (large.shape[1] / 2, large.shape[0] + BAND / 2)
    ImageDraw.Draw(page).text(place, text, fill="black", anchor="mm", font=ImageFont.load_default(size=18))
    return np.asarray(page)
