"""``teachkit course make-hidden | standings``: challenges that cannot be looked up, and who stands where."""

from pathlib import Path
from typing import Annotated

import typer


def make_hidden(
    name: Annotated[str, typer.Argument(help="A set that data.load answers; best one of your own.")],
    secret: Annotated[Path, typer.Option(help="File with a secret key of at least 16 characters.")],
    out: Annotated[Path, typer.Option(help="Gets the folders class and instructor.")] = Path("hidden"),
    called: Annotated[str, typer.Option("--as", help="Name of the new set; default: NAME_hidden.")] = "",
    size: Annotated[int, typer.Option(help="Edge length in pixels.")] = 28,
    val_share: Annotated[float, typer.Option(help="Share of the pictures in val.")] = 0.15,
    test_share: Annotated[float, typer.Option(help="Share of the pictures in test.")] = 0.3,
) -> None:
    """Divide a set by a secret key into one for the class and labels for the instructor alone."""
    from teachkit.course.assessment import hidden

    key = hidden.read_key(secret)
    made = hidden.make_hidden(name, key, out, called=called, shares=(val_share, test_share), size=size)
    typer.echo(", ".join(f"{count} in {part}" for part, count in made.counts.items()))
    typer.echo(f"Give the class {made.folder}; they call data.register_folder and data.load('{made.name}').")
    typer.echo(f"Keep {made.truth} and the key to yourself.")


def standings(
    rules: Annotated[Path, typer.Argument(help="The rules of the challenge, a TOML file.")],
    submitted: Annotated[Path, typer.Option(help="nbgrader's folder of hand-ins.")] = Path("submitted"),
    out: Annotated[Path | None, typer.Option(help="Write the table here as CSV, too.")] = None,
) -> None:
    """Score what a class handed in to a challenge: budgets, bands, points, one table."""
    from teachkit.course.assessment.standings import read_rules, standings
    from teachkit.paths import atomic

    read = read_rules(rules)
    table = standings(read, submitted)
    typer.echo(f"{read.assignment}: {read.score}, {read.trust}")
    typer.echo(table.drop(columns="trust").to_string(index=False, na_rep="", float_format="%.3f"))
    if out is not None:
        with atomic(out) as temporary:
            temporary.write_text(table.to_csv(index=False), encoding="utf-8")


def add_to(app: typer.Typer) -> None:
    """Make them commands of `app`."""
    app.command("make-hidden")(make_hidden)
    app.command()(standings)
