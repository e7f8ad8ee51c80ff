"""Trained networks on disk, checked when they are read: a damaged or foreign file is refused by name."""

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from teachkit.errors import FormatError
from teachkit.paths import atomic


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: stands in the file.
        version: of what the file holds.
        whole: what it is, in messages.
        short: the same, in a few words.
    """

    name: str
    version: int
    whole: str
    short: str

    def write(self, path: Path, state: Mapping[str, Any]) -> Path:
        """Save `state` under this name and version, whole or not at all."""
        with atomic(path) as temporary:
            torch.save({"format": self.name, "version": self.version, **state}, temporary)
        return path

    def read(self, path: Path) -> dict[str, Any]:
        """What was saved at `path` under this name and version.

        Raises:
            FormatError: when there is no such file, it is damaged or something else, or of another version.
        """
        if not path.is_file():
            raise FormatError(
                f"There is no file '{path}'.", f"Save a {self.short} there first.", path=str(path)
            )
        try:
            with zipfile.ZipFile(path) as archive:  # what torch writes, with a checksum for each tensor
                changed = archive.testzip()
            state = {} if changed else torch.load(path, map_location="cpu", weights_only=True)
        except (
            pickle.UnpicklingError,
            zipfile.BadZipFile,
            RuntimeError,
            EOFError,
            OSError,
            KeyError,
        ) as error:
            raise self.refused(path, f"it cannot be read: {type(error).__name__}") from error
        if changed:
            raise self.refused(path, f"its part '{changed}' has changed")
        if not isinstance(state, dict) or state.get("format") != self.name:
            raise self.refused(path, "it is something else")
        if state.get("version") != self.version:
            raise FormatError(
                f"'{path}' has version {state.get('version')} of the format; "
                f"this program reads {self.version}.",
                "Train again, or use the teachkit that wrote the file.",
                path=str(path),
                version=state.get("version"),
            )
        return cast(dict[str, Any], state)

    def refused(self, path: Path, why: str) -> FormatError:
        """The error for a file that is not whole."""
        return FormatError(
            f"'{path}' is not a whole {self.whole} ({why}).",
            "Copy the file again, or train a new one.",
            path=str(path),
            why=why,
        )
