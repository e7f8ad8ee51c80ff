"""What a run is asked to do: settings by name, presets, learning rates, and how much each domain counts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.mmpt.heads import ORDINAL
from teachkit.mmpt.normalisation import NORMS
from teachkit.mmpt.sampling import KINDS, Sampler
from teachkit.training.naming import Settings, describe
from teachkit.training.plan import OPTIMIZERS

WEIGHTS = ("rows", "domains", "thesis", "samples")
CHOICES: dict[str, tuple[str, ...]] = {
    "norm": NORMS,
    "sampling": KINDS,
    "optimizer": OPTIMIZERS,
    "schedule": ("constant", "cosine", "epochs"),
    "head_schedule": ("shared", "own"),
    "ordinal": ORDINAL,
    "select": ("auc", "loss", "last"),
    "idle_heads": ("left", "zeroed"),
}


@dataclass(frozen=True)
class Recipe:
    """All numbers and choices of `pretrain`, in its words; the defaults are the preset "native"."""

    norm: str = "recalibrated"
    sampling: str = "homogeneous"
    alpha: float | None = None
    epochs: int | None = None
    steps: int | None = None
    batch_size: int = 64
    optimizer: str = "adamw"
    lr: float = 1e-3
    head_lr: float | None = None
    weight_decay: float = 0.01
    schedule: str = "cosine"
    head_schedule: str = "shared"
    clip: float = 0.0
    domain_weights: str | Mapping[str, float] = "rows"
    ordinal: str = "cumulative"
    select: str = "auc"
    patience: int = 0
    canvas: int = 0
    idle_heads: str = "left"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if (value := getattr(self, name)) not in allowed:
                raise UnknownNameError(
                    f"No {name} '{value}'.", nearest(str(value), allowed, "values"), setting=name, name=value
                )
        if isinstance(self.domain_weights, str) and self.domain_weights not in WEIGHTS:
            raise UnknownNameError(
                f"No domain_weights '{self.domain_weights}'.",
                nearest(self.domain_weights, WEIGHTS, "values"),
                name=self.domain_weights,
            )
        if (self.epochs is None) == (self.steps is None):
            raise SettingsError(
                f"epochs is {self.epochs} and steps is {self.steps}.", "Give exactly one of the two."
            )
        lowest = {
            "epochs": 1, "steps": 1, "batch_size": 2, "patience": 0, "canvas": 0, "seed": 0, "clip": 0,
            "weight_decay": 0,
        }  # fmt: skip
        for name, least in lowest.items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise SettingsError(f"{name} is {value}.", f"Give {least} or more.", name=name, value=value)
        for name in ("lr", "head_lr"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise SettingsError(f"{name} is {value}.", "Give a positive rate.", name=name, value=value)
        if self.sampling == "sequential" and self.steps is not None:
            raise SettingsError(
                "One domain after another has no common number of steps.",
                "Give epochs: passes over each domain.",
            )

    @classmethod
    def named(cls, preset: str, given: Mapping[str, Any]) -> Self:
        """The settings of a preset, changed by those of `given` that are not None.

        Raises:
            UnknownNameError: for another preset.
            SettingsError: for settings that make no sense.
        """
        if preset not in PRESETS:
            raise UnknownNameError(f"No preset '{preset}'.", nearest(preset, PRESETS, "presets"), name=preset)
        own = {name: value for name, value in given.items() if value is not None}
        told = dict(PRESETS[preset])
        if "steps" in own and "epochs" not in own:
            told.pop("epochs", None)
        return cls(**told | own)

    def settings(self) -> Settings:
        """All that decides the result."""
        return {field.name: describe(getattr(self, field.name)) for field in fields(self)}

    def sampler(self, counts: Sequence[int], world: int) -> Sampler:
        """What draws the batches."""
        return Sampler(
            tuple(counts), self.sampling, self.batch_size, self.seed, self.alpha, self.epochs or 1, world
        )

    def passes(self, sampler: Sampler) -> list[int]:
        """Steps in each pass; the last one may be cut short."""
        if self.steps is None:
            return [sampler.length(number) for number in range(sampler.passes)]
        whole, rest = divmod(self.steps, sampler.length(0))
        return [sampler.length(0)] * whole + ([rest] if rest else [])

    def factor(self, progress: float, number: int) -> float:
        """What the learning rate is multiplied by.

        Args:
            progress: share of the steps done, 0 to below 1.
            number: of the pass, from 0.
        """
        if self.schedule == "constant":
            return 1.0
        if self.schedule == "epochs":
            # timm's schedule as the thesis steps it: with the number of the pass that is over, so that the
            # first two passes have the same rate.
            progress = min(max(number - 1, 0) / (self.epochs or 100), 1.0)
        return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


# The thesis: table 3 and section 3.3. Its code steps timm's cosine schedule once a pass over 100 passes.
PRESETS: dict[str, dict[str, Any]] = {
    "native": {},
    "thesis": {
        "norm": "shared",
        "sampling": "homogeneous",
        "epochs": 100,
        "batch_size": 64,
        "optimizer": "adamw",
        "lr": 1e-4,
        "schedule": "epochs",
        "ordinal": "cross-entropy",
        "select": "loss",
        "patience": 10,
        "canvas": 224,
        "seed": 9930641,
    },
}


def weights_of_domains(
    which: str | Mapping[str, float], names: Sequence[str], counts: Sequence[int], batches: Sequence[int]
) -> NDArray[np.float64]:
    """How much a row of each domain counts in the loss: [D].

    ============  ========================================================================================
    "rows"        1: every picture counts alike
    "domains"     1; in a batch of several domains their mean losses count alike, however many rows each has
    "samples"     rows of the smallest domain / rows of this one: every domain counts alike in a pass
    "thesis"      the same with batches instead of rows
    a mapping     name to weight; others count 1
    ============  ========================================================================================

    Raises:
        UnknownNameError: for a name that is no domain.
        SettingsError: for a weight that is not positive.
    """
    if isinstance(which, Mapping):
        for name, value in which.items():
            if name not in names:
                raise UnknownNameError(f"No domain '{name}'.", nearest(name, names, "domains"), name=name)
            if not 0 < value < math.inf:
                raise SettingsError(
                    f"The weight of '{name}' is {value}.", "Give a positive number.", value=value
                )
        return np.array([float(which.get(name, 1.0)) for name in names])
    if which in ("thesis", "samples"):
        sizes = np.asarray(batches if which == "thesis" else counts, dtype=float)
        return sizes.min() / sizes
    return np.ones(len(names))
