"""The plan of study 07: hyper-initializers by their training, and the names of their cells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

SEEDS = (0, 1, 2)
DEVELOPMENT = "pneumoniamnist"  # settings are chosen on its validation part, and nowhere else
FINAL = ("retinamnist", "breastmnist")
PROOF = (DEVELOPMENT, "digits", "retinamnist", "ihc_patches")
FAMILIES = {
    "basic": ("basic",),
    "three": ("vgg", "basic", "mobile1"),
    "six": ("vgg", "basic", "bottleneck", "mobile1", "dense", "squeeze"),
    "seven": ("vgg", "basic", "bottleneck", "mobile1", "mobile2", "dense", "squeeze"),
}
OUTSIDE = "mobilenet2"  # of the exam networks, the one whose family only "seven" draws
ISOLATED = ("basic", "three", "seven")
INPUTS = {"rotation": 48, "simclr": 96}  # 24 pairs are too few to tell one picture from others
STEPS = (250, 1_000)
NETS = 2
LR = 2e-3
INTENSITY = 0.15  # of the changes of brightness and contrast between two views
CURVE_STEPS = (250, 1_000, 4_000, 12_000)


@dataclass(frozen=True)
class Recipe:
    """One pre-training of a hyper-initializer: pictures of one set, a task, families of networks, steps."""

    data: str
    pretext: str
    families: str  # a name of FAMILIES
    steps: int
    seed: int

    @property
    def name(self) -> str:
        return f"train_{self.data}_{self.pretext}_{self.families}_{self.steps}_{self.seed}"

    @property
    def collection(self) -> int:
        """Architectures in the stream: a long run sees more of them."""
        return 4_000 if self.steps > 3_000 else 1_000

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides its numbers."""
        settings = {
            "data": self.data, "split": "train", "pretext": self.pretext, "families": FAMILIES[self.families],
            "architectures": self.collection, "steps": self.steps, "nets": NETS,
            "inputs": INPUTS[self.pretext], "lr": LR, "schedule": "cosine", "seed": self.seed,
        }  # fmt: skip
        if self.pretext != "rotation":
            settings |= {"intensity": INTENSITY}
        return settings


def proof_recipes(seeds: Sequence[int] = SEEDS) -> Iterator[Recipe]:
    """The published task on four kinds of pictures; on the first also with more families."""
    for seed in seeds:
        for data in PROOF:
            yield Recipe(data, "rotation", "three", 1_000, seed)
        yield Recipe(DEVELOPMENT, "rotation", "six", 1_000, seed)


def isolate_recipes(seeds: Sequence[int] = SEEDS, lengths: Sequence[int] = STEPS) -> Iterator[Recipe]:
    """Task, families and steps, each combination on the development set."""
    for seed, steps, pretext, families in product(seeds, lengths, ("rotation", "simclr"), ISOLATED):
        yield Recipe(DEVELOPMENT, pretext, families, steps, seed)


def curve_recipes() -> Iterator[Recipe]:
    """More and more steps, each with a schedule of its own; one seed."""
    for steps in CURVE_STEPS:
        yield Recipe(DEVELOPMENT, "simclr", "seven", steps, 0)
