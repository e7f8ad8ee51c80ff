"""A figure that shows itself once, as one PNG with alternative text."""

import base64
import html
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.figure import Figure

from teachkit.paths import atomic

# Okabe and Ito's palette (2008): every pair stays apart for the common colour-vision deficiencies. Black is
# kept for axes and text, yellow is left out because thin yellow lines vanish on white.
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
)
# Bluish green and vermilion are the pair nearest to red and green; the order keeps them far apart.
COLOURS = (BLUE, ORANGE, PURPLE, SKY, VERMILION, GREEN)
GREY = "#5A5A5A"
MARKERS = ("o", "s", "D", "^", "v", "P")

DOTS_PER_INCH = 150
# Screen pixels per inch of figure: fewer than the dots drawn, so that pictures are sharp on dense screens.
SCREEN_PER_INCH = 88

STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10.5,
    "figure.titlesize": 12.5,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "grid.color": "#DDDDDD",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "image.cmap": "gray",
}

P = ParamSpec("P")


class Picture:
    """A drawn figure and its alternative text.

    Jupyter shows it as exactly one picture. The bundle holds the PNG twice, of which every reader picks one:
    as HTML, because JupyterLab and nbconvert keep the `alt` of an ``<img>`` but drop that of PNG output;
    and as PNG for readers without HTML. The figure never touches pyplot, so no back-end shows it again.

    Attributes:
        figure: the matplotlib figure.
        alt: what the figure shows, in words and numbers.
    """

    def __init__(self, figure: Figure, alt: str) -> None:
        self.figure = figure
        self.alt = " ".join(alt.split())

    @cached_property
    def png(self) -> bytes:
        """The picture as PNG, the same bytes for the same figure."""
        stream = io.BytesIO()
        self.figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
        return stream.getvalue()

    @property
    def width_px(self) -> int:
        """Width on the screen."""
        return round(self.figure.get_figwidth() * SCREEN_PER_INCH)

    @property
    def html(self) -> str:
        """One ``<img>`` that fits narrow screens and stays white on dark pages."""
        source = base64.b64encode(self.png).decode()
        return (
            f'<img alt="{html.escape(self.alt)}" width="{self.width_px}" '
            'style="max-width:100%;height:auto;background:white" '
            f'src="data:image/png;base64,{source}">'
        )

    @property
    def svg(self) -> bytes:
        """The picture as SVG with its alternative text, the same bytes for the same figure."""
        stream = io.BytesIO()
        with _house_style({"svg.hashsalt": "teachkit"}):
            self.figure.savefig(stream, format="svg", metadata={"Date": None, "Description": self.alt})
        return stream.getvalue()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write SVG to a path that ends in .svg, else PNG, whole or not at all, and return the path."""
        target = Path(path)
        with atomic(target) as temporary:
            temporary.write_bytes(self.svg if target.suffix == ".svg" else self.png)
        return target

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, dict[str, str | int]]]:
        bundle = {
            "text/html": self.html,
            "image/png": base64.b64encode(self.png).decode(),
            "text/plain": self.alt,
        }
        return bundle, {"image/png": {"alt": self.alt, "width": self.width_px}}

    def __repr__(self) -> str:
        return f"Picture({self.alt!r})"


def styled(draw: Callable[P, Picture]) -> Callable[P, Picture]:
    """Draw and render under the house style, whatever style the notebook has set."""

    @wraps(draw)
    def with_style(*args: P.args, **kwargs: P.kwargs) -> Picture:
        with _house_style():
            picture = draw(*args, **kwargs)
            _ = picture.png  # rendered here, while the style holds
            return picture

    return with_style


@contextmanager
def _house_style(more: dict[str, Any] | None = None) -> Iterator[None]:
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE | (more or {}))
        yield


def new_figure(width: float, height: float) -> Figure:
    """A figure in inches whose parts make room for each other."""
    return Figure(figsize=(width, height), layout="constrained")


def caption(figure: Figure, text: str) -> None:
    """Small grey words under the figure: n, number of seeds, what the interval is."""
    if text:
        figure.supxlabel(text, fontsize=9.5, color=GREY, x=0.01, ha="left")


def sentences(*parts: str) -> str:
    """Join what is not empty, each part ending in a full stop."""
    return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)


def is_headless() -> bool:
    """Whether nobody can move a slider: ``TEACHKIT_HEADLESS=1``, or no Jupyter kernel around us."""
    if os.environ.get("TEACHKIT_HEADLESS") == "1":
        return True
    try:
        from IPython import get_ipython
    except ModuleNotFoundError:
        return True
    shell = get_ipython()
    return shell is None or not hasattr(shell, "kernel")
