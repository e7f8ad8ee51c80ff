"""What all architectures have in common: a family, settings that can be written down, and `build`."""

import re
from abc import ABC, abstractmethod
from collections import OrderedDict
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar, get_args, get_type_hints

import numpy as np
import torch
from torch import nn

from teachkit.errors import SettingsError, UnknownNameError, nearest

CONFIG = re.compile(r"(\w+)\((.*)\)")
T = TypeVar("T")


@dataclass(frozen=True)
class Scale:
    """How large drawn networks may become.

    Attributes:
        widths: channels of the first stage to choose from; each further stage has twice as many.
        widest: no layer of the main path gets more channels than this.
        stages: fewest and most stages; between two stages the map is halved.
        depth: most blocks a stage; `blocks` is the most in all.
        full: largest width at the full resolution of the input; twice that once the map is halved, and so on.
    """

    widths: tuple[int, ...]
    widest: int
    stages: tuple[int, int]
    depth: int
    blocks: int
    full: int

    def doubling(self, width: int, stages: int) -> tuple[int, ...]:
        """Channels of each stage: twice as many as in the stage before, up to `widest`."""
        return tuple(min(width * 2**stage, self.widest) for stage in range(stages))


SCALES = {
    "small": Scale((8, 12, 16, 24, 32), 64, (1, 3), 3, 5, 12),
    "large": Scale((16, 24, 32, 48, 64), 256, (2, 4), 4, 10, 32),
}


def pick(rng: np.random.Generator, options: tuple[T, ...]) -> T:
    """One of the options, each as likely as the others; name an option twice to make it likelier."""
    return options[int(rng.integers(len(options)))]


@dataclass(frozen=True)
class Architecture(ABC):
    """A way to build a network, without its numbers. Equal settings are the same architecture.

    A family is a subclass: its fields are the settings, whole numbers, lists of them, or words.
    """

    family: ClassVar[str]

    def __post_init__(self) -> None:
        for item in fields(self):
            self._check(item.name, getattr(self, item.name))
        widths, depths = (len(getattr(self, name, ())) for name in ("widths", "depths"))
        if hasattr(self, "widths") and widths != depths:
            raise SettingsError(
                f"A {self.family} network has {widths} widths and {depths} depths.",
                "Give one of each for every stage.",
            )

    def _check(self, name: str, value: int | str | tuple[int, ...]) -> None:
        if isinstance(value, str):
            return
        numbers = value if isinstance(value, tuple) else (value,)
        lowest = 0 if name == "hidden" else 1
        even = name in ("kernel", "stem") and any(number % 2 == 0 for number in numbers)
        if even or not numbers or min(numbers) < lowest or (name == "stride" and value not in (1, 2)):
            raise SettingsError(
                f"The {name} of a {self.family} network is {_written(value)!r}.",
                "Give odd kernels, a stride of 1 or 2, and 1 or more of all else.",
                name=name,
                value=value,
            )

    @property
    def config(self) -> str:
        """Family and settings on one line, from which `parse` makes the same architecture again."""
        settings = [f"{item.name}={_written(getattr(self, item.name))}" for item in fields(self)]
        return f"{self.family}({', '.join(settings)})"

    def __str__(self) -> str:
        return self.config

    @classmethod
    @abstractmethod
    def draw(cls, rng: np.random.Generator, scale: Scale) -> "Architecture":
        """A random member of the family."""

    @abstractmethod
    def features(self, channels: int) -> tuple[nn.Module, int]:
        """The layers from a picture [B, channels, H, W] to a map, and the channels of that map."""

    def head(self, width: int, classes: int) -> nn.Module:
        """The layers from averaged features [B, width] to logits; its last layer is linear."""
        return nn.Linear(width, classes)

    def build(
        self,
        channels: int,
        classes: int,
        *,
        device: str | torch.device = "cpu",
        running_statistics: bool = False,
    ) -> nn.Module:
        """A network for pictures [B, channels, H, W] of any size.

        Args:
            channels: 1 for grey pictures, 3 for colour.
            classes: outputs of the head.
            device: "meta" gives a network of shapes without numbers, which costs next to nothing.
            running_statistics: whether BatchNorm keeps averages for evaluation. Without them it always uses
                those of the batch, as networks with predicted numbers must: they have no history.
        """
        with torch.device(device):
            body, width = self.features(channels)
            layers = OrderedDict(
                body=body, average=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), head=self.head(width, classes)
            )
            network = nn.Sequential(layers)
        return network if running_statistics else without_running_statistics(network)


def without_running_statistics(network: nn.Module) -> nn.Module:
    """The same network, whose BatchNorm uses the statistics of each batch in training and evaluation."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.track_running_stats = False
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                part.register_buffer(name, None)
    return network


def parse(config: str, families: dict[str, type[Architecture]]) -> Architecture:
    """The architecture that a line such as ``vgg(width=8, depths=1-2, ...)`` describes.

    Raises:
        UnknownNameError: for a family or a setting nobody knows.
        SettingsError: for a line of another form, or when a setting is missing.
    """
    if not (found := CONFIG.fullmatch(config.strip())):
        raise SettingsError(
            f"'{config}' describes no architecture.",
            "Write family(setting=value, ...), as Architecture.config does.",
        )
    name, inside = found.groups()
    if name not in families:
        raise UnknownNameError(f"No family '{name}'.", nearest(name, families, "families"), name=name)
    kinds = get_type_hints(families[name])
    wanted = [item.name for item in fields(families[name])]
    given: dict[str, Any] = {}
    for part in filter(None, inside.split(", ")):
        key, _, value = part.partition("=")
        if key not in wanted:
            raise UnknownNameError(f"No setting '{key}' in '{config}'.", nearest(key, wanted, "settings"))
        given[key] = _read(value, kinds[key], config)
    if missing := [key for key in wanted if key not in given]:
        raise SettingsError(f"'{config}' says nothing about {', '.join(missing)}.", "Give every setting.")
    return families[name](**given)


def _written(value: int | str | tuple[int, ...]) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _read(text: str, kind: Any, config: str) -> int | str | tuple[int, ...]:
    if kind is str:
        return text
    try:
        return tuple(int(part) for part in text.split("-")) if get_args(kind) else int(text)
    except ValueError as error:
        raise SettingsError(f"'{text}' in '{config}' is no whole number.", "Write 3, or 1-2-3.") from error
