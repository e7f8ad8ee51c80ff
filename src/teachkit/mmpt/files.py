"""A network of several domains on disk: written whole or not at all, and checked when it is read."""

import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import nn

from teachkit.errors import FormatError, SettingsError
from teachkit.mmpt.backbones import make_backbone
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.history import History
from teachkit.mmpt.network import DomainNet
from teachkit.paths import atomic

if TYPE_CHECKING:
    from teachkit.mmpt.model import MMPT

FORMAT, VERSION = "teachkit mm-PT", 1

Kind = TypeVar("Kind", bound="MMPT")


def save(model: "MMPT", path: Path) -> Path:
    """Write network, domains, settings and history."""
    state = {
        "format": FORMAT,
        "version": VERSION,
        "settings": model.settings,
        "domains": [domain.to_dict() for domain in model.domains],
        "history": model.history.to_dict(),
        "numbers": {name: value.detach().cpu() for name, value in model.net.state_dict().items()},
    }
    with atomic(path) as temporary:
        torch.save(state, temporary)
    return path


def load(kind: "type[Kind]", path: Path, backbone: nn.Module | None) -> "Kind":
    """What was saved at `path`."""
    state = _read(path)
    settings: dict[str, Any] = state["settings"]
    which = str(settings["backbone"]) if settings["from_name"] else backbone
    if which is None:
        raise SettingsError(
            f"'{path}' was trained around a module of its own, a {settings['backbone']}.",
            "Give one like it: MMPT.load(path, backbone=module).",
            path=str(path),
        )
    try:
        domains = tuple(Domain(**told | {"classes": tuple(told["classes"])}) for told in state["domains"])
        body = make_backbone(which, grey=settings["channels"] == 1, size=settings["edge"])
        net = DomainNet(
            body, domains, norm=settings["norm"], ordinal=settings["ordinal"], canvas=settings["canvas"]
        )
        net.load_state_dict(state["numbers"])
        history = History(**state["history"])
    except (KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise _refused(path, " ".join(str(error).split()[:30])) from error
    return kind(net.eval(), domains, history, settings)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FormatError(f"There is no file '{path}'.", "Save a network there first.", path=str(path))
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
    return cast(dict[str, Any], state)


def _refused(path: Path, why: str) -> FormatError:
    return FormatError(
        f"'{path}' is not a whole network of several domains ({why}).",
        "Copy the file again, or train a new one.",
        path=str(path),
        why=why,
    )
