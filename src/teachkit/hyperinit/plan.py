"""What a pre-training run is asked to do, checked before anything starts."""

import math
from dataclasses import asdict, dataclass

import numpy as np
import torch

from teachkit.errors import SettingsError


@dataclass(frozen=True)
class Plan:
    """The numbers of `pretrain`, in its words.

    Attributes:
        views: inputs that the task makes of one picture.
    """

    steps: int
    nets: int
    images_per_net: int
    views: int
    lr: float
    warmup: float
    clip: float
    seed: int
    every: int

    def __post_init__(self) -> None:
        lowest = {"steps": 1, "nets": 1, "images_per_net": 2 * self.views, "every": 1, "seed": 0}
        for name, least in lowest.items():
            if (value := getattr(self, name)) < least:
                raise SettingsError(f"{name} is {value}.", f"Give {least} or more.", name=name, value=value)
        if not (self.lr > 0 and self.clip > 0 and 0 <= self.warmup < 1):
            raise SettingsError(
                f"lr is {self.lr}, clip is {self.clip}, warmup is {self.warmup}.",
                "Give a positive lr and clip, and a warmup from 0 to below 1.",
            )

    def settings(self) -> dict[str, object]:
        """All that decides the result: how often the unseen networks are asked does not."""
        return {name: value for name, value in asdict(self).items() if name != "every"}

    def rate(self, step: int) -> float:
        """Learning rate of step 0, 1, ...: up in a straight line, then down to nearly 0 along a cosine."""
        rising = max(round(self.steps * self.warmup), 1)
        if step < rising:
            return self.lr * (step + 1) / rising
        return self.lr * 0.5 * (1 + math.cos(math.pi * (step + 1 - rising) / (self.steps + 1 - rising)))

    def rows(self, step: int, slot: int, pictures: int) -> np.ndarray:
        """The pictures that network number `slot` of a step gets, out of so many; none twice."""
        count = min(self.images_per_net // self.views, pictures)
        return np.random.default_rng([self.seed, step, slot]).choice(pictures, count, replace=False)

    def generator(self, step: int, slot: int, device: torch.device) -> torch.Generator:
        """Where the draws of the task come from, for one network in one step."""
        words = np.random.SeedSequence([self.seed, step, slot, 1]).generate_state(1, np.uint64)
        return torch.Generator(device).manual_seed(int(words[0]) >> 1)
