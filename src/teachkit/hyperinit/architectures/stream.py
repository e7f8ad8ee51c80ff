"""An endless, repeatable stream of random architectures, from which some can be held out for the exam."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.hyperinit.architectures.cells import Cells
from teachkit.hyperinit.architectures.design import SCALES, Architecture
from teachkit.hyperinit.architectures.design import parse as parse_with
from teachkit.hyperinit.architectures.families import (
    Basic,
    Bottleneck,
    Dense,
    MobileV1,
    MobileV2,
    SqueezeExcite,
    Vgg,
)

FAMILIES: dict[str, type[Architecture]] = {
    kind.family: kind for kind in (Vgg, Basic, Bottleneck, MobileV1, MobileV2, Dense, SqueezeExcite, Cells)
}
ATTEMPTS = 1000  # draws for one place in the stream before giving up


def parse(config: str) -> Architecture:
    """The architecture that a line such as ``basic(widths=8-16, depths=1-1, ...)`` describes.

    Raises:
        UnknownNameError: for a family or a setting nobody knows.
        SettingsError: for a line of another form.
    """
    return parse_with(config, FAMILIES)


def references() -> dict[str, Architecture]:
    """Small networks for the exam, never drawn by default: a hyper-network has to predict them unseen.

    "resnet18" has four stages; networks of the small scale have at most three.
    """
    return {
        "resnet8": Basic((16, 32, 64), (1, 1, 1), 3, 3, 1, "none"),
        "resnet14": Basic((16, 32, 64), (2, 2, 2), 3, 3, 1, "none"),
        "resnet18": Basic((16, 32, 64, 128), (2, 2, 2, 2), 3, 3, 1, "none"),
        "vgg6": Vgg((16, 32, 64), (1, 2, 2), 3, "max", 0),
        "mobilenet2": MobileV2((16, 24, 32), (1, 2, 2), 3, 3, 2, "none", 4),
    }


@dataclass(frozen=True)
class Stream:
    """Random architectures in an order that never changes.

    Architecture `index` follows from (seed, worker, index) alone, so that a run can go on where it stopped.
    Workers never draw the same architecture: each configuration belongs to one of them.

    >>> stream = Stream(families=("vgg", "basic"), seed=1)
    >>> stream[5] == stream[5]
    True

    Attributes:
        families: names from `FAMILIES`; a name given twice is drawn twice as often.
        seed: another seed, another stream.
        worker: which of `workers` streams this is.
        held_out: architectures that are never drawn, as configurations or architectures; the name of a
            family holds out all of it. By default the `references`.
        scale: "small" for pictures of 28 pixels on a laptop, "large" for a GPU.
        size: None for an endless stream. A number makes it a collection of so many architectures that is
            walked through again and again; then their graphs can be kept.
    """

    families: tuple[str, ...] = tuple(FAMILIES)
    seed: int = 0
    worker: int = 0
    workers: int = 1
    held_out: Collection[str | Architecture] = tuple(references().values())
    scale: Literal["small", "large"] = "small"
    size: int | None = None

    def __post_init__(self) -> None:
        for name in self.families:
            if name not in FAMILIES:
                raise UnknownNameError(f"No family '{name}'.", nearest(name, FAMILIES, "families"), name=name)
        for item in self.held_out:
            if isinstance(item, str) and item not in FAMILIES:
                parse(item)
        if self.scale not in SCALES:
            raise UnknownNameError(f"No scale '{self.scale}'.", nearest(self.scale, SCALES, "scales"))
        if not 0 <= self.worker < self.workers or self.seed < 0 or (self.size is not None and self.size < 1):
            raise SettingsError(
                f"worker is {self.worker} of {self.workers}, seed is {self.seed}, size is {self.size}.",
                "Number workers from 0, and give a seed of 0 or more and a size of 1 or more.",
            )
        if not self._drawn:
            raise SettingsError(
                f"All families of the stream are held out: {', '.join(self.families)}.",
                "Leave at least one family to draw from.",
            )

    @property
    def _drawn(self) -> tuple[str, ...]:
        return tuple(name for name in self.families if name not in self.held_out)

    def shard(self, worker: int, workers: int) -> "Stream":
        """The part of one of several processes that draw at the same time."""
        return replace(self, worker=worker, workers=workers)

    def __getitem__(self, index: int) -> Architecture:
        """Architecture number `index`, from 0.

        Raises:
            SettingsError: when nearly everything is held out.
        """
        place = index if self.size is None else index % self.size
        drawn, scale = self._drawn, SCALES[self.scale]
        forbidden = self._forbidden()
        rng = np.random.default_rng([self.seed, self.worker, place])
        for _ in range(ATTEMPTS):
            found = FAMILIES[drawn[int(rng.integers(len(drawn)))]].draw(rng, scale)
            if found.config not in forbidden and _owner(found.config, self.workers) == self.worker:
                return found
        raise SettingsError(
            f"{ATTEMPTS} draws gave only architectures that are held out or belong to other workers.",
            "Hold out fewer configurations, or use fewer workers.",
        )

    def __iter__(self) -> Iterator[Architecture]:
        """All architectures from the first one; without an end, unless the stream has a size."""
        index = 0
        while self.size is None or index < self.size:
            yield self[index]
            index += 1

    def _forbidden(self) -> frozenset[str]:
        """Configurations that are never drawn, in canonical form."""
        return frozenset(
            str(parse(item) if isinstance(item, str) else item)
            for item in self.held_out
            if item not in FAMILIES
        )


def _owner(config: str, workers: int) -> int:
    """The worker that a configuration belongs to."""
    return int.from_bytes(hashlib.sha256(config.encode()).digest()[:8]) % workers
