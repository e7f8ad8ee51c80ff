"""`teachkit data`: what there is, fetch it, check it, make a set of one's own, look for leaks."""

from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from teachkit import data
from teachkit.data import shelf, sources

app = typer.Typer(name="data", help="List, fetch, check and import data sets.", no_args_is_help=True)


@app.command("list")
def list_sets() -> None:
    """Show every set: what is here, what would be fetched, how large, under which licence."""
    console = Console()
    console.print(f"Source in force: {sources.current().label}", highlight=False, soft_wrap=True)
    rows = data.catalogue()
    table = Table("name", "task", "here", "would be fetched", "licence", box=None, pad_edge=False)
    for entry, group in groupby(rows, key=lambda row: row.entry):
        sizes = list(group)
        here = ", ".join(_size(row) for row in sizes if row.state in ("here", "embedded")) or "–"
        fetched = ", ".join(_size(row) for row in sizes if row.state == "to fetch") or "–"
        licence = entry.licence if entry.commercial else f"{entry.licence} (non-commercial)"
        table.add_row(entry.name, entry.task, here, fetched, licence)
    console.print(table)
    console.print("\nHow labels of the embedded sets are derived:")
    for name, rule in {row.entry.name: row.entry.rule for row in rows if row.state == "embedded"}.items():
        console.print(f"  {name}: {rule}", highlight=False, soft_wrap=True)


@app.command()
def get(
    names: Annotated[list[str], typer.Argument(help="Names of sets.")],
    size: Annotated[int, typer.Option(help="Edge length in pixels.")] = 28,
) -> None:
    """Fetch sets ahead of time and check them."""
    for name in names:
        found = shelf.get(name, size)
        where = f"{found.path} ({found.origin})" if found else "embedded, nothing to fetch"
        typer.echo(f"{name}: {where}")


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Names of sets; all when left out.")] = None,
) -> None:
    """Hash again every file on this machine and compare it with the registry."""
    verdicts = list(shelf.verify(names or ()))
    for verdict in verdicts:
        mark = {True: "ok", False: "DAMAGED", None: "unknown"}[verdict.intact]
        typer.echo(f"{mark:8} {verdict.path}: {verdict.message}")
    known = [verdict for verdict in verdicts if verdict.intact is not None]
    typer.echo(
        f"{sum(bool(verdict.intact) for verdict in known)} of {len(known)} files with a checksum agree."
    )
    if any(verdict.intact is False for verdict in verdicts):
        typer.echo("Fetch a damaged download again with: teachkit data get NAME")
        raise typer.Exit(1)


@app.command("import")
def import_pictures(
    folder: Annotated[Path, typer.Argument(help="Folder of PNG, JPEG, TIFF or DICOM pictures.")],
    table: Annotated[Path | None, typer.Option(help="Csv with columns file, label, perhaps patient.")] = None,
    name: Annotated[str | None, typer.Option(help="What to load it by; default: the folder's name.")] = None,
    size: Annotated[int | None, typer.Option(help="Bring all pictures to this edge length.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Label column; several for multi-label.")] = None,
    positive: Annotated[str | None, typer.Option(help="Name of the clinical positive class.")] = None,
    instances: Annotated[bool, typer.Option(help="Masks number single objects, not classes.")] = False,
    seed: Annotated[int, typer.Option(help="Decides who goes to which split.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; default: in the cache.")] = None,
) -> None:
    """Make a set of one's own: one subfolder per class, a table of labels, or images/ beside masks/."""
    columns = label or ["label"]
    imported = data.import_folder(
        folder,
        table,
        name=name,
        size=size,
        label=columns[0] if len(columns) == 1 else columns,
        positive=positive,
        instances=instances,
        seed=seed,
        out=out,
    )
    typer.echo(str(imported))


@app.command()
def audit(
    name: Annotated[str, typer.Argument(help="Name of a set.")],
    size: Annotated[int, typer.Option(help="Edge length in pixels.")] = 28,
) -> None:
    """Compare the splits of a set: copies, near twins, shared groups, class shares."""
    typer.echo(str(data.audit_splits(name, size)))


def _size(row: data.Row) -> str:
    """One size and its length, for example "64 (≤ 512.0 MiB)"."""
    size = f"{row.size}" if row.size else "yes"
    if row.bytes is None:
        return f"{size} (embedded)" if row.state == "embedded" else size
    return f"{size} ({'≤ ' if row.bound else ''}{_bytes(row.bytes)})"


def _bytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
