"""The hyper-initializer that comes with the package: its settings, and how to train it again.

``make hyperinit`` runs this file. It writes the numbers in half precision (`trained.pt`) and a page about
them (`trained.md`) beside itself. Pictures are those of PneumoniaMNIST, which may be shared with attribution.

A job on GPUs names a folder, and may change the recipe:
``python -m teachkit.cloud.launch -m teachkit.hyperinit.shipping --out FOLDER --steps 100000``.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch

from teachkit import data
from teachkit.data.splits import Info
from teachkit.errors import SettingsError
from teachkit.hyperinit.architectures import Stream, references
from teachkit.hyperinit.files import SHIPPED
from teachkit.hyperinit.initializer import HyperInitializer
from teachkit.hyperinit.pictures import on_device
from teachkit.hyperinit.pretext import pretext_named
from teachkit.hyperinit.scoring import pretext_scores
from teachkit.paths import atomic
from teachkit.training.device import first_process
from teachkit.training.job import said_once

FREE = ("CC BY 4.0", "CC0", "No known copyright restrictions")  # licences under which numbers are shipped
SHOWN = 64  # validation pictures for the table of the page
PAGE = """# {file}: a trained hyper-initializer

**For teaching, not for clinical use.**

`HyperInitializer.load().initialize(network)` gives `network` these first weights.

- Learned from: {title}, training pictures without labels ({count}, {edge} × {edge} pixels), {licence}.
- Citation: {citation}.
- Licence of the numbers: that of the pictures, {licence}. Numbers are kept in half precision.
- Made by: `make hyperinit`. The steps follow from the seed; another machine rounds differently.

{settings}

What networks can do with predicted numbers and no training, on {shown} validation pictures. An untrained
hyper-initializer leads to a loss of {guess:.2f}; a guess is right with a share of {chance:.3f}. Nothing was
learned from these architectures.

{scores}

Known limits: it learned from pictures of one kind and one size. More than {channels} channels are copies.
For networks of other kinds than the families above nothing is promised: measure before you trust it.
Measurements on data sets and networks stand in `docs/results.md`.
"""


@dataclass(frozen=True)
class Recipe:
    """The settings of a pre-training run, in the words of `HyperInitializer.pretrain` and `Stream`."""

    data: str = "pneumoniamnist"
    pretext: str = "simclr"
    families: tuple[str, ...] = ("vgg", "basic", "bottleneck", "mobile1", "mobile2", "dense", "squeeze")
    architectures: int = 4000
    steps: int = 12_000
    nets: int = 2
    images_per_net: int = 96
    lr: float = 2e-3
    seed: int = 0


RECIPE = Recipe()


def train(recipe: Recipe, checkpoint: Path | None = None, device: str = "auto") -> HyperInitializer:
    """A hyper-initializer from training pictures; the run goes on where `checkpoint` exists.

    Raises:
        SettingsError: for pictures that may not be redistributed.
    """
    _refuse_closed(data.load(recipe.data, "train").info)
    initializer = HyperInitializer(seed=recipe.seed)
    initializer.pretrain(
        data.load(recipe.data, "train"),
        steps=recipe.steps,
        pretext=recipe.pretext,
        stream=Stream(families=recipe.families, seed=recipe.seed, size=recipe.architectures),
        nets=recipe.nets,
        images_per_net=recipe.images_per_net,
        lr=recipe.lr,
        seed=recipe.seed,
        val=data.load(recipe.data, "val"),
        every=max(recipe.steps // 40, 50),
        checkpoint=checkpoint,
        device=device,
    )
    return initializer.to("cpu")


def ship(initializer: HyperInitializer, recipe: Recipe, folder: Path) -> Path:
    """Write `initializer`, which was trained by `recipe`, and the page about it into `folder`.

    Raises:
        SettingsError: for pictures that may not be redistributed, and for another number of steps.
    """
    train_split, val = (data.load(recipe.data, name) for name in ("train", "val"))
    info = train_split.info
    _refuse_closed(info)
    if initializer.trained_steps != recipe.steps:
        raise SettingsError(
            f"This one was trained for {initializer.trained_steps} steps, the recipe says {recipe.steps}.",
            "Train it by the recipe.",
            steps=initializer.trained_steps,
        )
    initializer.about = {
        **{name: list(v) if isinstance(v, tuple) else v for name, v in asdict(recipe).items()},
        "task": str(pretext_named(recipe.pretext)),
        "title": info.title,
        "licence": info.licence,
        "citation": info.citation,
    }
    pictures = on_device(train_split, torch.device("cpu"))
    path = initializer.save(folder / SHIPPED, half=True)
    shipped = HyperInitializer.load(path)  # the numbers as they were rounded
    task = pretext_named(recipe.pretext)
    scores = pretext_scores(shipped, references(), val, task, limit=SHOWN)
    count = min(SHOWN, len(val)) * task.views
    untrained = HyperInitializer(seed=recipe.seed)
    untrained.grow_head(task.outputs)
    before = pretext_scores(untrained, references(), val, task, limit=SHOWN)
    page = PAGE.format(
        file=SHIPPED,
        title=info.title,
        count=len(pictures),
        edge=pictures.shape[-1],
        licence=info.licence,
        citation=info.citation,
        settings=_table(("setting", "value"), initializer.about.items()),
        shown=min(SHOWN, len(val)),
        guess=sum(row["loss"] for row in before.values()) / len(before),
        chance=task.chance(count),
        scores=_table(
            ("network", "loss", "accuracy"),
            [(name, f"{row['loss']:.2f}", f"{row['accuracy']:.3f}") for name, row in scores.items()],
        ),
        channels=initializer.settings["max_channels"],
    )
    with atomic(path.with_suffix(".md")) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _refuse_closed(info: Info) -> None:
    if info.licence not in FREE:
        raise SettingsError(
            f"{info.title} is under '{info.licence}'.",
            f"Ship numbers that were learned from pictures under one of {FREE}.",
            licence=info.licence,
        )


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """Rows as a table in Markdown; lists are joined by commas."""
    lines = [
        " | ".join(", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in row) for row in rows
    ]
    return "\n".join(f"| {line} |" for line in (" | ".join(head), " | ".join("---" for _ in head), *lines))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train by `RECIPE`, or as told, and write the files; a stopped run goes on when called again."""
    parser = argparse.ArgumentParser(prog="python -m teachkit.hyperinit.shipping", description=main.__doc__)
    parser.add_argument("--out", type=Path, help="folder of files and checkpoint; default: the package")
    parser.add_argument("--device", default="auto")
    for one in fields(Recipe):
        several = isinstance(one.default, tuple)
        kind = str if several else type(one.default)
        parser.add_argument(
            f"--{one.name.replace('_', '-')}", type=kind, nargs="+" if several else None, default=one.default
        )
    asked = vars(parser.parse_args(arguments))
    out, device = asked.pop("out"), asked.pop("device")
    recipe = Recipe(**asked | {"families": tuple(asked["families"])})
    checkpoint = (out or Path("build/hyperinit")) / "training.pt"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    with said_once():
        initializer = train(recipe, checkpoint, device)
        if first_process():
            path = ship(initializer, recipe, out or Path(__file__).parent)
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {path.with_suffix('.md').name} beside it")


if __name__ == "__main__":
    main()
