"""What every interactive figure shares: controls where a reader can move them, and always a still picture."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from teachkit.plots.picture import Picture, is_headless


class Explorer(ABC):
    """Controls in a live notebook, and a still picture everywhere: controls never hold a result alone.

    Attributes:
        picture: the still twin; each subclass draws its own.
    """

    picture: Picture

    @abstractmethod
    def widget(self) -> Any:
        """The controls as one ipywidget that a keyboard reaches."""

    @property
    def alt(self) -> str:
        """What the still picture shows, in words and numbers."""
        return self.picture.alt

    @property
    def figure(self) -> Figure:
        """The matplotlib figure of the still picture."""
        return self.picture.figure

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the still picture to `path`, whole or not at all, and return the path."""
        return self.picture.save(path)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if not is_headless():
            display(self.widget())
        display(self.picture)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.alt!r})"
