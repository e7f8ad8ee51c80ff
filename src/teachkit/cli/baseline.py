"""`teachkit big baseline`: networks trained on one set each, and their prediction files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from teachkit.errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd

NONE = "none"


def baseline(
    arch: Annotated[
        str,
        typer.Option(
            help="all, or some of vgg16, alexnet, resnet18, densenet121, efficientnet_b4, vit, clip, eva02, "
            "dino, sam; or any model of timm or torchvision. Separate names by commas."
        ),
    ],
    scheme: Annotated[str, typer.Option(help="Some of end-to-end, linear, knn.")],
    datasets: Annotated[
        str, typer.Option(help="big for its twelve sets, or names from `teachkit data list`.")
    ],
    weights: Annotated[
        str,
        typer.Option(
            help="imagenet for the registered ones; a file; or none: an untrained body, which is no baseline."
        ),
    ] = "imagenet",
    size: Annotated[int, typer.Option(help="Edge length of the pictures in pixels.")] = 28,
    canvas: Annotated[
        int | None,
        typer.Option(help="Edge of the square they are put into; default: 224 for the ten, else none (0)."),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Whole numbers; default: the three published ones.")] = "",
    epochs: Annotated[int, typer.Option(help="Passes at most.")] = 100,
    jobs: Annotated[int, typer.Option(help="Cells at the same time on this machine.")] = 1,
    cluster: Annotated[
        str | None,
        typer.Option(help="Address of a dask scheduler (tcp://HOST:8786), whose workers share the cells."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    out: Annotated[
        Path, typer.Option(help="Folder of predictions and results; what is there is not made again.")
    ] = Path("baselines"),
) -> None:
    """Train a network on each set alone, and write files that `teachkit big score` takes."""
    from teachkit import big, mmpt

    sets = [
        name for one in _listed(datasets) for name in (big.find_suite(one).names if one == "big" else [one])
    ]
    grid = mmpt.Baselines(
        _listed(arch),
        _listed(scheme),
        sets,
        out,
        seeds=_numbers(seeds) if seeds else mmpt.SEEDS,
        size=size,
        weights=None if weights == NONE else weights,
        canvas=canvas,
        regime=mmpt.Regime(epochs=epochs),
    )
    found = grid.run(jobs, cluster, device)
    console = Console()
    for title, table in found.tables.items():
        console.print(_table(title, table))
    for path in found.files:
        console.print(str(path), highlight=False, soft_wrap=True)
    for name, why in found.failed.items():
        typer.echo(f"{name}: {why}", err=True)
    if found.failed:
        raise typer.Exit(1)


def _listed(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _numbers(words: str) -> list[int]:
    if not all(word.isdigit() for word in _listed(words)):
        raise SettingsError(f"--seeds {words} are no whole numbers.", "Write --seeds 0,1,2.", seeds=words)
    return [int(word) for word in _listed(words)]


def _table(title: str, scores: "pd.DataFrame") -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("architecture", "scheme", "set"):
        table.add_column(name, overflow="fold")
    names = list(dict.fromkeys(scores.columns.get_level_values(0)))
    for name in names:
        table.add_column(name, justify="right")
    for (_, row), key in zip(scores.iterrows(), scores.index.to_frame(index=False).to_numpy(), strict=True):
        architecture, _, scheme, of = map(str, key)
        table.add_row(architecture, scheme, of, *(_value(row[one]) for one in names))
    return table


def _value(limits: "pd.Series[float]") -> str:
    mean, low, high = limits
    if mean != mean:
        return ""
    return f"{mean:.4f}" if low != low else f"{mean:.3f} [{low:.3f}, {high:.3f}]"
