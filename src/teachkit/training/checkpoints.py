"""Checkpoints: saved whole or not at all, and only read by the run they belong to.

Beside weights, optimiser, schedule and history a checkpoint holds the settings. Data order and random numbers
need no state: both restart at every epoch from (seed, epoch), see `seeds`.
"""

import pickle
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from teachkit.errors import TrainingError
from teachkit.paths import atomic
from teachkit.training.naming import Settings, differences


def save(path: Path, state: dict[str, Any]) -> None:
    """Write `state` so that `path` is at any time the previous checkpoint or this one."""
    with atomic(path) as temporary:
        torch.save(state, temporary)


def found(path: Path | None, settings: Settings, fabric: Fabric) -> dict[str, Any] | None:
    """The state saved at `path`, for all processes of a run; None where a run begins.

    The first process reads it, as it wrote it: other machines need not see the file, and cannot disagree.

    Raises:
        TrainingError: as `restore`.
    """
    state = None
    if path is not None and fabric.is_global_zero and path.exists():
        state = restore(path, settings)
    if path is not None and fabric.world_size > 1:
        state = fabric.broadcast(state)
    return state


def restore(path: Path, settings: Settings) -> dict[str, Any]:
    """The state saved at `path`, provided that run had the same settings.

    Raises:
        TrainingError: when the file is not a checkpoint, or belongs to other settings, which it names.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        theirs = state["settings"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"'{path}' is not a checkpoint that can be read ({type(error).__name__}).",
            "Delete it, or give another checkpoint path.",
            path=str(path),
        ) from error
    if changed := differences(theirs, settings):
        listed = "; ".join(f"{name} was {old!r} and is now {new!r}" for name, (old, new) in changed.items())
        raise TrainingError(
            f"The checkpoint '{path}' belongs to other settings: {listed}.",
            "Use the old settings to go on with it, or give another checkpoint path to start anew.",
            path=str(path),
            changed=changed,
        )
    return state
