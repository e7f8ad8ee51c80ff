"""The command `teachkit`: lists the groups; a group's room is imported only when it is called."""

import sys
from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from teachkit import __version__
from teachkit.cli import course
from teachkit.cli.doctor import doctor
from teachkit.errors import TeachkitError

GROUPS = {
    "big": "Check and score prediction files of the BIG benchmark; train baselines.",
    "cloud": "Run lessons on a machine of the cloud, and bring the results back.",
    "course": "Publish, set up, grade and evaluate a class.",
    "data": "List, get, verify, import and audit data sets.",
    "lesson": "Put a lesson back, or take corrections of the course.",
    "quiz": "Check quizzes and self-checks.",
    "site": "Run the leaderboard, its workers and its challenges.",
}

app = typer.Typer(
    name="teachkit",
    help="Run, check and grade a course on deep learning for biomedical images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(course.run)
app.command()(course.report)
app.command()(course.check)
app.command()(doctor)


class LazyGroup(TyperGroup):
    """A group that shows its one line of help without importing the module that holds its commands."""

    def __init__(self, name: str, help_line: str) -> None:
        super().__init__(name=name, help=help_line, no_args_is_help=True)

    @cached_property
    def loaded(self) -> TyperGroup:
        """The group of the module ``teachkit.cli.NAME``."""
        return typer.main.get_group(import_module(f"teachkit.cli.{self.name}").app)

    def list_commands(self, ctx: Any) -> list[str]:
        return self.loaded.list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return self.loaded.get_command(ctx, cmd_name)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"teachkit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Run, check and grade a course on deep learning for biomedical images."""


def command() -> TyperGroup:
    """The whole command tree."""
    tree = typer.main.get_group(app)
    for name, line in GROUPS.items():
        tree.add_command(LazyGroup(name, line))
    return tree


def main() -> None:
    """Entry point: errors that a reader can mend end in one sentence, not in a traceback."""
    try:
        command()()
    except TeachkitError as error:
        typer.secho(f"teachkit: {error}", fg="red", err=True)
        sys.exit(2)
