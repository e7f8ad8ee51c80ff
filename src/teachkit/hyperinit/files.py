"""A hyper-initializer on disk: written whole or not at all, and checked when it is read."""

import pickle
import zipfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch

from teachkit.errors import FormatError, SettingsError, TeachkitError
from teachkit.paths import atomic

if TYPE_CHECKING:
    from teachkit.hyperinit.initializer import HyperInitializer

FORMAT, VERSION = "teachkit hyper-initializer", 1
SHIPPED = "trained.pt"

Kind = TypeVar("Kind", bound="HyperInitializer")


def save(initializer: "HyperInitializer", path: Path, half: bool = False) -> Path:
    """Write settings, numbers and steps of training; the name is kept as given.

    Args:
        half: round numbers to half precision, three digits, which halves the file.
    """
    numbers = {name: value.detach().cpu() for name, value in initializer.state_dict().items()}
    if half:
        numbers = {name: value.half() for name, value in numbers.items()}
        if wide := [name for name, value in numbers.items() if not bool(value.isfinite().all())]:
            raise SettingsError(
                f"'{wide[0]}' holds numbers beyond 65,504, the largest of half precision.",
                "Save it with half=False.",
                name=wide[0],
            )
    state = {
        "format": FORMAT,
        "version": VERSION,
        "settings": initializer.settings,
        "trained_steps": initializer.trained_steps,
        "heads": initializer.decoder.heads,
        "about": initializer.about,
        "numbers": numbers,
    }
    with atomic(path) as temporary:
        torch.save(state, temporary)
    return path


def load(kind: "type[Kind]", path: Path | None) -> "Kind":
    """What was saved at `path`, or what comes with the package."""
    if path is not None:
        return _read(kind, path)
    shipped = files("teachkit.hyperinit") / SHIPPED
    if not shipped.is_file():
        raise SettingsError(
            "No trained hyper-initializer comes with this package.",
            "Train one: h = HyperInitializer(); h.pretrain(images, steps=700); h.save(path).",
        )
    with as_file(shipped) as here:
        return _read(kind, here)


def _read(kind: "type[Kind]", path: Path) -> "Kind":
    if not path.is_file():
        raise FormatError(
            f"There is no file '{path}'.", "Save a hyper-initializer there first.", path=str(path)
        )
    try:
        with zipfile.ZipFile(path) as archive:  # what torch writes, with a checksum for each tensor
            changed = archive.testzip()
        state = {} if changed else torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, OSError, KeyError) as error:
        raise _refused(path, f"it cannot be read: {type(error).__name__}") from error
    if changed:
        raise _refused(path, f"its part '{changed}' has changed")
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise _refused(path, "it is something else")
    if state.get("version") != VERSION:
        raise FormatError(
            f"'{path}' has version {state.get('version')} of the format; this program reads {VERSION}.",
            "Train again, or use the teachkit that wrote the file.",
            path=str(path),
            version=state.get("version"),
        )
    try:
        initializer = kind(**state["settings"])
        if state["heads"]:
            initializer.grow_head(state["heads"])
        initializer.load_state_dict(state["numbers"])
        initializer.trained_steps = int(state["trained_steps"])
        initializer.about = dict(state.get("about", {}))  # younger than the format
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, TeachkitError) as error:
        raise _refused(path, " ".join(str(error).split()[:30])) from error
    if broken := [name for name, value in state["numbers"].items() if not bool(value.isfinite().all())]:
        raise _refused(path, f"'{broken[0]}' holds numbers that are not finite")
    return initializer.eval()


def _refused(path: Path, why: str) -> FormatError:
    return FormatError(
        f"'{path}' is not a whole hyper-initializer ({why}).",
        "Copy the file again, or train a new one.",
        path=str(path),
        why=why,
    )
