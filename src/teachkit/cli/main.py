"""The command `teachkit`: lists the groups; a group's room is imported only when it is called."""

import sys

import typer

from teachkit import __version__
from teachkit.errors import TeachkitError

app = typer.Typer(
    name="teachkit",
    help="Run, check and grade a course on deep learning for biomedical images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"teachkit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Run, check and grade a course on deep learning for biomedical images."""


def main() -> None:
    """Entry point: errors that a reader can mend end in one sentence, not in a traceback."""
    try:
        app()
    except TeachkitError as error:
        typer.secho(f"teachkit: {error}", fg="red", err=True)
        sys.exit(2)
