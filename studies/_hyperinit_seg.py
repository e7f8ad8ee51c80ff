"""Study 07, segmentation: the encoder of a U-Net gets first numbers, its decoder stays random.

Nuclei (BBBC038), crops of 64 pixels. The hyper-initializer sees crops of the training pictures alone.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
import torch
from _grid import Grid
from _hyperinit_arms import FAMILIES, INPUTS, LR, NETS
from _hyperinit_training import WEIGHTS, pictures, task, untrained
from torch import nn

from teachkit import metrics, training
from teachkit.data.splits import Split
from teachkit.hyperinit import HyperInitializer, Stream, recompute_statistics
from teachkit.hyperinit.starting import shuffle
from teachkit.training.seeds import reseed, seeded
from teachkit.vision import UNet

DATA = "nuclei"
STARTS = ("kaiming", "untrained", "trained", "shuffled")
PICTURES = (8, 48)  # labelled ones
DRAWS = tuple(range(4))
RATES = (1e-3, 3e-3)
CROP, CROPS = 64, 32  # edge in pixels, and crops of each labelled picture
ASKED = 8  # crops of each validation and test picture
STEPS = 96
FAMILY, PRETRAINING_STEPS = "three", 250
SHOWN, SMALL = 20, 32  # crops of each training picture for pre-training, and their edge
BATCHNORM = 64  # crops without labels for its statistics


@dataclass(frozen=True)
class Cell:
    """A U-Net from one start, trained on so many labelled pictures."""

    start: str
    pictures: int
    draw: int
    pretext: str | None

    @property
    def name(self) -> str:
        return f"seg_{self.start}_{self.pictures}_{self.draw}"

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides its result."""
        settings = {
            **asdict(self), "data": DATA, "rates": RATES, "crop": CROP, "crops": CROPS, "steps": STEPS,
            "batch": 16, "optimizer": "adamw, cosine", "unet": "depth 3, base width 16, BatchNorm",
        }  # fmt: skip
        if self.pretext is not None:
            settings |= {"families": FAMILIES[FAMILY], "pretraining_steps": PRETRAINING_STEPS, "edge": SMALL}
        return settings


def seg_cells(pretext: str) -> Iterator[Cell]:
    """Few pictures first; then draw by draw."""
    for count, draw, start in product(PICTURES, DRAWS, STARTS):
        yield Cell(start, count, draw, pretext if start in ("trained", "shuffled") else None)


def run_seg(grid: Grid, chosen: Mapping[str, Any]) -> None:
    """With the task that validation chose on another set."""
    cells = seg_cells(chosen["pretext"])
    grid.run_all((cell.name, cell.settings, partial(run_cell, cell, grid)) for cell in cells)


def run_cell(cell: Cell, grid: Grid) -> dict[str, Any]:
    """Dice of nuclei on crops of test pictures, and on those of validation pictures, at each rate."""
    torch.set_num_threads(1)
    rows = np.random.default_rng([cell.draw, 0]).permutation(48)[: cell.pictures]
    whole = pictures(DATA, "train")
    train = whole[np.sort(rows)].semantic().crops(CROP, per_image=CROPS, seed=cell.draw)
    unlabelled = whole.crops(CROP, per_image=2, seed=cell.draw).sample(BATCHNORM, seed=cell.draw)
    start = begin(cell, grid, train.channels)
    values: dict[str, Any] = {"by_rate": {}, "dice": {}}
    for rate in RATES:
        network = deepcopy(start)
        training.fit(
            network,
            train,
            steps=STEPS,
            batch_size=16,
            lr=rate,
            seed=cell.draw,
            optimizer="adamw",
            schedule="cosine",
            device="cpu",
        )
        recompute_statistics(network, unlabelled)
        values["by_rate"][f"{rate:g}"] = nucleus_dice(network, asked("val"))
        values["dice"][f"{rate:g}"] = nucleus_dice(network, asked("test"))
    return values


def begin(cell: Cell, grid: Grid, channels: int) -> UNet:
    """A U-Net whose decoder follows from the draw alone."""
    with seeded(cell.draw):
        reseed(cell.draw, 1)
        network = UNet(channels, 2, depth=3, base_width=16, norm="batch")
        reseed(cell.draw, 2)
        for part in network.encoder.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                if part.bias is not None:
                    nn.init.zeros_(part.bias)
    if cell.start == "untrained":
        untrained(cell.draw).initialize(network)
    if cell.start in ("trained", "shuffled"):
        pretrained(grid, cell.pretext or "").initialize(network)
    if cell.start == "shuffled":
        shuffle(network.encoder.parameters(), cell.draw)
    return network


def pretrained(grid: Grid, pretext: str) -> HyperInitializer:
    """A hyper-initializer for small crops of training pictures: from its file, or trained now."""
    path = WEIGHTS / f"seg_{pretext}_{FAMILY}_{PRETRAINING_STEPS}_{SMALL}px.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        initializer = HyperInitializer(seed=0)
        initializer.pretrain(
            pictures(DATA, "train").crops(SMALL, per_image=SHOWN, seed=0),
            steps=PRETRAINING_STEPS,
            nets=NETS,
            images_per_net=INPUTS[pretext],
            pretext=task(pretext),
            stream=Stream(families=FAMILIES[FAMILY], seed=0, size=1_000),
            unseen={},
            device="cpu",
            lr=LR,
        )
        initializer.save(path)
    return HyperInitializer.load(path)


@lru_cache
def asked(part: str) -> Split:
    """Crops of validation or test pictures, the same for all."""
    return pictures(DATA, part).semantic().crops(CROP, per_image=ASKED, seed=0)


def nucleus_dice(network: UNet, split: Split) -> float:
    """Dice of the pixels of nuclei, all crops together."""
    guess = training.predict(network, split, device="cpu").argmax(1)
    return round(float(metrics.dice(np.asarray(split.masks), guess, 2)[1]), 5)
