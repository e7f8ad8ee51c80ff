"""``teachkit course publish``: the students' copy of the course."""

from pathlib import Path
from typing import Annotated

import typer


def publish(
    target: Annotated[Path, typer.Argument(help="A new folder, or that of an earlier publication.")],
    assignment: Annotated[
        list[str] | None,
        typer.Option(help="A quiz to release, such as 01_classification; may be repeated. All if none."),
    ] = None,
    message: Annotated[str, typer.Option(help="What changed, for the students.")] = "",
) -> None:
    """Write what students receive: lessons, package, self-checks, released quizzes; searched for leaks."""
    from teachkit.ops.bundle import publish as write
    from teachkit.paths import course_root

    done = write(course_root(), target, assignment or (), message)
    if not done.commit:
        typer.echo(f"{done.folder}: nothing has changed.")
        return
    typer.echo(f"{done.folder}: {', '.join(done.assignments)}, commit {done.commit[:8]}.")
    typer.echo(f"No line of a solution or hidden test is in it. Share it with: git -C {done.folder} push")
