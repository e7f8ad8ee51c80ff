"""Weights that somebody else trained, from a file into a model of timm or torchvision: all or none."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from teachkit import data
from teachkit.data import registry
from teachkit.errors import FormatError, SettingsError
from teachkit.extras import need

IMAGENET = "imagenet"


def weights_file(name: str, weights: str | os.PathLike[str] | None) -> Path | None:
    """The file of the weights of `name`.

    Args:
        name: of the model.
        weights: None for random numbers, "imagenet" for what the data source in force holds, or a file.

    Raises:
        SettingsError: when there is no such file; nothing else takes its place.
        UnknownNameError: for "imagenet" and a name whose weights nobody registered.
        DataError: when the source has them and they cannot be brought here.
    """
    if weights is None:
        return None
    if weights != IMAGENET:
        path = Path(weights)
        if not path.is_file():
            raise SettingsError(
                f"Weights of '{name}' are not there: {path}.",
                "Correct the path, or use weights=None.",
                weights=str(weights),
            )
        return path
    found = data.weights_path(name)
    if found is None:
        item = registry.weights(name)
        raise SettingsError(
            f"Weights of '{name}' are not there: the data source in force has no '{item.path}'.",
            f"Fetch {item.url} into the data folder under that name, or use weights=None (--weights none).",
            weights=IMAGENET,
            url=item.url,
        )
    return found


def timm_model(name: str, path: Path | None) -> Any:
    """timm's model of this name without its last layer, filled from `path`.

    Files of other libraries are understood where timm understands them: it renames their parts.

    Raises:
        FormatError: when the file cannot be read, or any number of the model is missing in it.
    """
    timm = need("timm", "lessons")
    if path is None:
        return timm.create_model(name, pretrained=False, num_classes=0, in_chans=3)
    state = _read(path, need("timm.models", "lessons").load_state_dict)
    told = timm.get_pretrained_cfg(name)
    stored = state.get(f"{told.classifier}.weight")
    # The file says how long its last layer is; under other names its length is the usual one, or it has none.
    lengths = (told.num_classes, 0) if stored is None else (len(stored),)
    faults = []
    for outputs in lengths:
        # With the same number of outputs timm asks for every tensor; else it would pass over missing ones.
        overlay = {"state_dict": dict(state), "num_classes": outputs, "label_offset": 0}
        try:
            model = timm.create_model(
                name, pretrained=True, num_classes=outputs, in_chans=3, pretrained_cfg_overlay=overlay
            )
        except (RuntimeError, KeyError, AttributeError) as error:
            faults.append(error)
            continue
        model.pretrained_cfg["state_dict"] = None  # else the model keeps all numbers twice
        model.reset_classifier(0)
        return model
    raise _unfit(path, name, faults[0]) from faults[0]


def torchvision_model(name: str, path: Path | None) -> tuple[nn.Module, int]:
    """torchvision's model of this name without its last layer, filled from `path`, and its features.

    Raises:
        FormatError: as `timm_model`.
    """
    net = need("torchvision.models", "lessons").get_model(name, weights=None)
    last, linear = [(part, m) for part, m in net.named_modules() if isinstance(m, nn.Linear)][-1]
    net.set_submodule(last, nn.Identity())
    if path is not None:
        state = _read(path, _plain)
        kept = {key: value for key, value in state.items() if not key.startswith(f"{last}.")}
        try:
            net.load_state_dict(kept)
        except RuntimeError as error:
            raise _unfit(path, name, error) from error
    return net, linear.in_features


def _plain(path: str) -> dict[str, Tensor]:
    return dict(torch.load(path, map_location="cpu", weights_only=True))


def _read(path: Path, reader: Any) -> Mapping[str, Tensor]:
    """Names to tensors.

    Raises:
        FormatError: when the file holds anything else.
    """
    try:
        state = reader(str(path))
        sound = bool(state) and all(isinstance(value, Tensor) for value in state.values())
    except Exception as error:  # safetensors, pickle and zip each have errors of their own
        if isinstance(error, MemoryError):
            raise
        raise _unreadable(path, type(error).__name__) from error
    if not sound:
        raise _unreadable(path, "it holds no tensors by name")
    return state


def _unreadable(path: Path, why: str) -> FormatError:
    return FormatError(
        f"'{path}' is no file of weights that can be read ({why}).",
        "Fetch it again; it must end in .pth, .bin or .safetensors.",
        path=str(path),
    )


def _unfit(path: Path, name: str, error: Exception) -> FormatError:
    return FormatError(
        f"'{path}' does not fit '{name}': {' '.join(str(error).split()[:25])}.",
        "Use weights of this very model.",
        path=str(path),
    )
