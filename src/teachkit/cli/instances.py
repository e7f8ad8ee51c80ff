"""``teachkit course instances``: one Workbench instance for each student of the roster."""

from pathlib import Path
from typing import Annotated

import typer

from teachkit.cloud import names


def instances(
    action: Annotated[str, typer.Argument(help="create, start, stop or delete.")],
    course: Annotated[str, typer.Option(help="gs://BUCKET/PREFIX of `course publish --to`.")],
    path: Annotated[Path, typer.Option("--roster", help="The roster of the course.")] = Path("roster.csv"),
    student: Annotated[
        list[str] | None, typer.Option(help="Only this student; may be repeated. All if none.")
    ] = None,
    account: Annotated[str, typer.Option(help="Service account in whose name the instances work.")] = "",
    zone: Annotated[str, typer.Option(help="Where the instances are.")] = names.ZONE,
    accelerator: Annotated[str, typer.Option(help="t4, l4, a100 or none.")] = "none",
    machine: Annotated[str, typer.Option(help="Type of machine; one that fits when none is given.")] = "",
    exchange: Annotated[str, typer.Option(help="gs://BUCKET/PREFIX for handing in.")] = "",
    data: Annotated[str, typer.Option(help="gs://BUCKET/PREFIX of the data sets.")] = "",
    term: Annotated[str, typer.Option(help="Term, when questions have numbers of their own.")] = "",
    idle: Annotated[int, typer.Option(help="Idle minutes after which an instance stops by itself.")] = 60,
    apply: Annotated[bool, typer.Option("--apply", help="Do it instead of printing it.")] = False,
) -> None:
    """Print the commands that create, start, stop or delete a class's instances, or run them."""
    from teachkit.course import access
    from teachkit.course.roster import read_roster
    from teachkit.ops.instances import Machine, commands, quota

    wanted = Machine(course, account, zone, accelerator, machine, exchange, data, term, idle)
    made = commands(action, read_roster(path), wanted, student or ())
    if action in ("create", "start"):
        price = wanted.price
        typer.secho(f"{len(made)} instances: {len(made) * price.usd:.2f} $ an hour; each {price}.", err=True)
        typer.secho(f"Disks are paid for until you delete them. {quota(wanted, len(made))}".strip(), err=True)
    if not apply:
        typer.echo(access.script(made))
        typer.secho(f"Nothing is done yet: {len(made)} commands. Do it with --apply.", err=True)
        return
    access.apply(made, typer.echo)
