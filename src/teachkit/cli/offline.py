"""``teachkit course offline``: the course for machines without a network."""

from pathlib import Path
from typing import Annotated

import typer


def offline(
    folder: Annotated[
        Path, typer.Argument(help="A new folder, such as that of a memory stick, or an older one.")
    ],
    publication: Annotated[
        Path | None, typer.Option(help="What `course publish` wrote; a new one is made when none is named.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--for", help="linux, macos or windows; may be repeated. Default: linux."),
    ] = None,
    python: Annotated[str, typer.Option(help="Version of Python on these machines: 3.11 or 3.12.")] = "3.12",
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="A data set; may be repeated. Default: those of the lessons that are here and free."
        ),
    ] = None,
) -> None:
    """Write wheels, the students' copy, data and an installer that needs no network; all with hashes."""
    from teachkit.ops.offline import write_stick
    from teachkit.paths import course_root

    stick = write_stick(
        course_root(),
        folder,
        publication=publication,
        kinds=kind or ("linux",),
        python=python,
        data=data or (),
    )
    typer.echo(
        f"{stick.folder}: {stick.size / 2**30:.2f} GiB "
        f"(packages {stick.wheels / 2**20:,.0f} MiB, course {stick.course / 2**20:,.0f} MiB, "
        f"data {stick.data / 2**20:,.0f} MiB: {', '.join(stick.sets) or 'none'})."
    )
    typer.echo(f"On the other machine: python{python} install.py")
