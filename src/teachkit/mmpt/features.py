"""What a body says of every picture of a split, computed once and kept on disk."""

import json
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray

from teachkit.data import fetch
from teachkit.data.splits import Split
from teachkit.errors import TeachkitWarning
from teachkit.extras import need
from teachkit.mmpt.answering import features
from teachkit.mmpt.backbones import make_backbone
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.network import DomainNet
from teachkit.mmpt.weights import weights_file
from teachkit.paths import atomic, cache_dir
from teachkit.training.batches import Batches
from teachkit.training.device import open_fabric
from teachkit.training.naming import Settings, describe, digest
from teachkit.training.seeds import seeded

KIND = "sha256"


@dataclass(frozen=True)
class Body:
    """A body whose numbers are not trained any further.

    Attributes:
        model: its name, as `backbones.make_backbone` takes it.
        weights: None for random numbers, "imagenet", or a file.
        canvas: edge of the square that pictures are put into after normalisation; 0 takes them as they come.
        seed: of random numbers; without meaning where there are weights.
    """

    model: str
    weights: str | None = None
    canvas: int = 0
    seed: int = 0

    def features(
        self, split: Split, *, folder: Path | None = None, device: str = "auto"
    ) -> NDArray[np.float32]:
        """Features of every row, [N, F], in evaluation mode: BatchNorm uses the averages it came with.

        They are read back where they were computed before. Two processes may ask at once: one waits.

        Args:
            split: pictures of a set with classes.
            folder: of the files; None means ``features`` in the cache (see `paths.cache_dir`).
            device: as for `training.fit`.

        Raises:
            SettingsError, DataError: for weights that are not there or do not fit.
        """
        settings = self._settings(split, device)
        stem = (folder or cache_dir() / "features") / f"{self.model}-{digest(settings)}"
        stem.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(_beside(stem, ".lock")):
            found = _read(stem)
            if found is None:
                found = self._computed(split, device)
                _write(stem, found, settings)
        return found

    def _settings(self, split: Split, device: str) -> Settings:
        """All that decides the numbers."""
        path = weights_file(self.model, self.weights)
        fabric = open_fabric(device, distributed=False)
        return {
            "model": self.model,
            "weights": f"seed {self.seed}" if path is None else fetch.known_digest(path, f"{KIND}:"),
            "canvas": self.canvas,
            "split": describe(split),
            "precision": str(fabric._precision.precision),
            "device": fabric.device.type,
            "torch": torch.__version__,
            "timm": str(need("timm", "lessons").__version__),
        }

    def _computed(self, split: Split, device: str) -> NDArray[np.float32]:
        fabric = open_fabric(device, distributed=False)
        edge = self.canvas or split.size or 0
        with seeded(self.seed):
            body = make_backbone(self.model, grey=split.channels == 1, size=edge, weights=self.weights)
            net = DomainNet(body, [Domain.of(split.info.name, split)], norm="shared", canvas=self.canvas)
            net.to(fabric.device)
            return features(net, fabric, Batches.of(split, fabric.device), 0, "everyone")


def _write(stem: Path, found: NDArray[np.float32], settings: Settings) -> None:
    """The numbers first: the JSON file says that they are all there."""
    numbers = _beside(stem, ".npy")
    with atomic(numbers) as temporary:
        np.save(temporary, found)
    record = {"settings": settings, "shape": list(found.shape), KIND: fetch.digest(numbers, KIND)}
    with atomic(_beside(stem, ".json")) as temporary:
        temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")


def _read(stem: Path) -> NDArray[np.float32] | None:
    """The features kept at `stem`; None when they are not there, or are no longer what was written."""
    numbers, told = _beside(stem, ".npy"), _beside(stem, ".json")
    if not told.exists():  # never computed, or stopped before its end
        return None
    with suppress(OSError, ValueError, KeyError, TypeError):  # all are damage, which is said below
        expected = json.loads(told.read_text(encoding="utf-8"))[KIND]
        if fetch.known_digest(numbers, expected) == expected:
            found: NDArray[np.float32] = np.load(numbers, allow_pickle=False)
            return found
    warnings.warn(f"{numbers} is damaged; its features are computed again.", TeachkitWarning, stacklevel=4)
    return None


def _beside(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)
