"""The plan of study 07: hyper-initializers by what they were trained on and how, and the names of their cells."""

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
}  # "mobile2" is in none of them: its member of the exam comes from a family nobody drew
PRETEXTS = ("rotation", "simclr")
STEPS = (250, 1_000)
NETS, INPUTS = 2, 48
LR = 2e-3
CURVE_STEPS = (250, 1_000, 4_000, 14_000)
CURVE_INPUTS = 96


@dataclass(frozen=True)
class Recipe:
    """One pre-training of a hyper-initializer: pictures of one set, a task, families of networks, steps."""

    data: str
    pretext: str
    families: str  # a name of FAMILIES
    steps: int
    seed: int
    inputs: int = INPUTS

    @property
    def name(self) -> str:
        inputs = "" if self.inputs == INPUTS else f"_{NETS}x{self.inputs}"
        return f"train_{self.data}_{self.pretext}_{self.families}_{self.steps}{inputs}_{self.seed}"

    @property
    def collection(self) -> int:
        """Architectures in the stream: a long run sees more of them."""
        return 4_000 if self.steps > 3_000 else 1_000

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides its numbers."""
        return {
            "data": self.data, "split": "train", "pretext": self.pretext, "families": FAMILIES[self.families],
            "architectures": self.collection, "steps": self.steps, "nets": NETS, "inputs": self.inputs,
            "lr": LR, "schedule": "cosine", "seed": self.seed,
        }  # fmt: skip


def proof_recipes(seeds: Sequence[int] = SEEDS) -> Iterator[Recipe]:
    """The published task on four kinds of pictures; on the first also with more families."""
    for seed in seeds:
        for data in PROOF:
            yield Recipe(data, "rotation", "three", 1_000, seed)
        yield Recipe(DEVELOPMENT, "rotation", "six", 1_000, seed)


def isolate_recipes(seeds: Sequence[int] = SEEDS) -> Iterator[Recipe]:
    """Task, families and steps, each combination on the development set."""
    for seed, steps, pretext, families in product(seeds, reversed(STEPS), PRETEXTS, FAMILIES):
        yield Recipe(DEVELOPMENT, pretext, families, steps, seed)


def barlow_recipes(seeds: Sequence[int] = SEEDS) -> Iterator[Recipe]:
    """A third task, with three families only."""
    for seed, steps in product(seeds, STEPS):
        yield Recipe(DEVELOPMENT, "barlow", "three", steps, seed)


def curve_recipes() -> Iterator[Recipe]:
    """More and more steps of the task that needs more than layout; one seed."""
    for steps in CURVE_STEPS:
        yield Recipe(DEVELOPMENT, "simclr", "six", steps, 0, CURVE_INPUTS)
