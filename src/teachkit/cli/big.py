"""`teachkit big`: check and score prediction files of the BIG benchmark, or of a suite of your own."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from teachkit import big
from teachkit.big.scoring import MEAN
from teachkit.cli.baseline import baseline
from teachkit.cli.faults import faults_listed
from teachkit.cli.submit import submit

app = typer.Typer(name="big", help="Check and score prediction files; train baselines.", no_args_is_help=True)
app.command()(baseline)
app.command()(submit)

HEADINGS = {
    "auc": "AUC",
    "balacc": "BALACC",
    "acc": "ACC",
    "calibration_error": "ECE",
    "kappa_quadratic": "quadratic kappa",
    "mae": "MAE",
    "map": "mAP",
}
File = Annotated[Path, typer.Argument(help="Prediction file: .csv, .csv.gz or .zip.")]
SuiteName = Annotated[
    str, typer.Option(help="big, a manifest, or the name of a manifest NAME.suite.json beside the file.")
]
Size = Annotated[
    int | None,
    typer.Option(help="Edge length of the pictures in pixels.", show_default="the smallest of the suite"),
]


@app.command()
def check(file: File, suite: SuiteName = "big", size: Size = None) -> None:
    """Look for faults in a prediction file; truth is not needed. Every fault is named with its place."""
    held = _read(file, suite, size)
    typer.echo(f"In order: {sum(map(len, held.sets.values())):,} rows of {', '.join(held.sets)}.")
    if held.missing:
        typer.echo(f"No mean and no rank: {', '.join(held.missing)} missing.")


@app.command()
def score(
    file: File,
    suite: SuiteName = "big",
    size: Size = None,
    bootstrap: Annotated[int, typer.Option(help="Draws for 95 % intervals; 0 for none.")] = 0,
    model_b: Annotated[
        Path | None, typer.Option(help="Prediction file of a second model, drawn beside the first.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for scores.json and figures; default: FILE-score.")
    ] = None,
) -> None:
    """Score a prediction file: a table here, scores.json and the figures (PNG, SVG) in a folder."""
    files = [file] if model_b is None else [file, model_b]
    first, *others = [
        big.score(_read(path, suite, size), size=size, suite=suite, bootstrap=bootstrap) for path in files
    ]
    console = Console()
    for one in (first, *others):
        console.print(_table(one))
        console.print(one.sentence + "\n", highlight=False, soft_wrap=True)
    folder = out or file.with_name(f"{file.name.partition('.')[0]}-score")
    written = first.save(folder, *others)
    console.print(f"{len(written)} files in {folder}", highlight=False, soft_wrap=True)


def _read(file: Path, suite: str, size: int | None) -> big.Predictions:
    """The file, or all its faults on standard error."""
    with faults_listed(file, "cannot be scored", "Mend them and check again."):
        return big.read_predictions(file, suite=suite, size=size)


def _table(found: big.BigScore) -> Table:
    table = Table(title=found.file, title_justify="left", box=None, pad_edge=False)
    table.add_column("set", no_wrap=True)
    frame = found.table
    for name in frame.columns:
        table.add_column(HEADINGS.get(name, name), justify="right")
    for where, row in frame.iterrows():
        table.add_row(
            str(where),
            *("" if value != value else f"{value:.4f}" for value in row),
            style="bold" if where == MEAN else None,
        )
    return table
