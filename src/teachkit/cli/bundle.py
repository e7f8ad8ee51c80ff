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
    to: Annotated[
        str, typer.Option(help="Also gs://BUCKET/PREFIX, from where Workbench instances fetch it.")
    ] = "",
) -> None:
    """Write what students receive: lessons, package, self-checks, released quizzes; searched for leaks."""
    from teachkit.ops.bundle import publish as write
    from teachkit.paths import course_root

    root = course_root()
    done = write(root, target, assignment or (), message)
    if done.commit:
        typer.echo(f"{done.folder}: {', '.join(done.assignments)}, commit {done.commit[:8]}.")
        typer.echo(f"No line of a solution or hidden test is in it. Share it with: git -C {done.folder} push")
    else:
        typer.echo(f"{done.folder}: nothing has changed.")
    if to:
        from teachkit.ops.handout import SCRIPT, hand_out

        offer = hand_out(done.folder, to, root / "deploy" / SCRIPT)
        verb = "is new" if offer.new else "is there already"
        typer.echo(f"{to}/{offer.name} ({offer.size / 2**20:.1f} MiB) {verb}.")
