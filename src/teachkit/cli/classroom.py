"""``teachkit course``: the bucket of a class, and the list of who is in it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from teachkit.cli import challenges, gradebook
from teachkit.cli.bundle import publish
from teachkit.cli.handins import autograde
from teachkit.cli.instances import instances
from teachkit.cli.offline import offline

app = typer.Typer(help="Publish, set up, grade and evaluate a class.", no_args_is_help=True)
roster = typer.Typer(help="Bring in and check the list of students.", no_args_is_help=True)
app.add_typer(roster, name="roster")
app.command()(publish)
app.command()(offline)
app.command()(instances)
app.command()(autograde)
gradebook.add_to(app)
challenges.add_to(app)

RosterFile = Annotated[Path, typer.Option("--roster", help="The roster of the course.")]


@app.command()
def setup(
    exchange: Annotated[
        str, typer.Argument(help="Where the work of the class is to lie: gs://BUCKET/PREFIX.")
    ],
    course: Annotated[str, typer.Option(help="The course's id, as in nbgrader_config.py.")] = "teachkit",
    path: RosterFile = Path("roster.csv"),
    grader: Annotated[
        list[str] | None, typer.Option(help="Account of an instructor or a grading machine; may be repeated.")
    ] = None,
    location: Annotated[str, typer.Option(help="Where the bucket is to lie, such as europe-west3.")] = "",
    out: Annotated[Path, typer.Option(help="Where to write the rule for old work.")] = Path("lifecycle.json"),
    apply: Annotated[bool, typer.Option("--apply", help="Do it instead of printing it.")] = False,
) -> None:
    """Print the commands that make the bucket, the folders and the permissions of a class, or run them."""
    from teachkit.cloud.bucket import parse_url
    from teachkit.course import access
    from teachkit.course.roster import read_roster
    from teachkit.paths import atomic

    prefix = parse_url(exchange)[1]
    given = access.grants(course, read_roster(path), grader or (), prefix)
    made = access.commands(exchange, given, str(out), location=location)
    rule = json.dumps(access.lifecycle(prefix), indent=2)
    if not apply:
        typer.echo(f"# {out} is to hold:\n" + "\n".join(f"#   {line}" for line in rule.splitlines()))
        typer.echo(access.script(made))
        typer.secho(f"Nothing is done yet: {len(made)} commands. Do it with --apply.", err=True)
        return
    with atomic(out) as temporary:
        temporary.write_text(rule + "\n", encoding="utf-8")
    access.apply(made, typer.echo)
    typer.echo(f"{exchange} is ready.")


@roster.command("import")
def import_(
    table: Annotated[Path, typer.Argument(help="A list as Canvas or Moodle exports it, in CSV.")],
    path: RosterFile = Path("roster.csv"),
    student: Annotated[str, typer.Option(help="Heading of the column with the student's id.")] = "",
    principal: Annotated[str, typer.Option(help="Heading of the column with the account.")] = "",
    name: Annotated[str, typer.Option(help="Heading of the column with the name.")] = "",
) -> None:
    """Make a roster from a platform's list; extensions of students who are known stay."""
    from teachkit.course.roster import import_roster, read_roster, write_roster

    columns = {"student": student, "principal": principal, "name": name}
    newer = import_roster(table, {column: heading for column, heading in columns.items() if heading})
    older = read_roster(path) if path.exists() else None
    merged = older.merged(newer) if older else newer
    write_roster(merged, path)
    gone = [entry.student for entry in older.entries if entry.student not in merged] if older else []
    typer.echo(f"{path}: {len(merged.entries)} students.")
    if gone:
        typer.echo(f"No longer on the list: {', '.join(gone)}.")


@roster.command()
def check(path: Annotated[Path, typer.Argument(help="The roster.")] = Path("roster.csv")) -> None:
    """Check a roster; every fault is told with its line."""
    from teachkit.course.roster import read_roster

    found = read_roster(path)
    more = sum(bool(entry.extensions) for entry in found.entries)
    typer.echo(f"{path} is in order: {len(found.entries)} students, {more} with more time.")
