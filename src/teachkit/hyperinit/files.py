"""A hyper-initializer on disk: written whole or not at all, and checked when it is read."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from teachkit.errors import SettingsError, TeachkitError
from teachkit.training.saved import Format

if TYPE_CHECKING:
    from teachkit.hyperinit.initializer import HyperInitializer

FORMAT = Format("teachkit hyper-initializer", 1, "hyper-initializer", "hyper-initializer")
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
        "settings": initializer.settings,
        "trained_steps": initializer.trained_steps,
        "heads": initializer.decoder.heads,
        "about": initializer.about,
        "numbers": numbers,
    }
    return FORMAT.write(path, state)


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
    state = FORMAT.read(path)
    try:
        initializer = kind(**state["settings"])
        if state["heads"]:
            initializer.grow_head(state["heads"])
        initializer.load_state_dict(state["numbers"])
        initializer.trained_steps = int(state["trained_steps"])
        initializer.about = dict(state.get("about", {}))  # younger than the format
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, TeachkitError) as error:
        raise FORMAT.refused(path, " ".join(str(error).split()[:30])) from error
    if broken := [name for name, value in state["numbers"].items() if not bool(value.isfinite().all())]:
        raise FORMAT.refused(path, f"'{broken[0]}' holds numbers that are not finite")
    return initializer.eval()
