"""A network of several domains on disk: written whole or not at all, and checked when it is read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from torch import nn

from teachkit.errors import SettingsError
from teachkit.mmpt.backbones import make_backbone
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.history import History
from teachkit.mmpt.network import DomainNet
from teachkit.training.saved import Format

if TYPE_CHECKING:
    from teachkit.mmpt.model import MMPT

FORMAT = Format("teachkit mm-PT", 1, "network of several domains", "network")

Kind = TypeVar("Kind", bound="MMPT")


def save(model: "MMPT", path: Path) -> Path:
    """Write network, domains, settings and history."""
    state = {
        "settings": model.settings,
        "domains": [domain.to_dict() for domain in model.domains],
        "history": model.history.to_dict(),
        "numbers": {name: value.detach().cpu() for name, value in model.net.state_dict().items()},
    }
    return FORMAT.write(path, state)


def load(kind: "type[Kind]", path: Path, backbone: nn.Module | None) -> "Kind":
    """What was saved at `path`."""
    state = FORMAT.read(path)
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
        raise FORMAT.refused(path, " ".join(str(error).split()[:30])) from error
    return kind(net.eval(), domains, history, settings)
