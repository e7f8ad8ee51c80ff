"""`teachkit site`: run the leaderboard, its workers and its challenges."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="site", help="Run the leaderboard, its workers and its challenges.", no_args_is_help=True
)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(help="Processes that score.")] = 1,
) -> None:
    """Start the site on this machine: tables, shipped challenges, web server and workers."""
    from teachkit.leaderboard import running

    running.set_up()
    folder = running.prepare()
    typer.echo(f"The site is at http://{host}:{port}; its files are in {folder}. Stop it with Ctrl-C.")
    raise typer.Exit(running.serve(host, port, workers))


@app.command()
def worker(
    probe_port: Annotated[
        int, typer.Option(help="Answer machines that watch the worker on this port; 0: none.")
    ] = 0,
) -> None:
    """Score what waits, until stopped. Run as many as there are cores."""
    from teachkit.leaderboard import running

    running.set_up()
    from teachkit.leaderboard.submissions.worker import Worker

    scoring = Worker()
    if probe_port:
        from teachkit.leaderboard.submissions.probes import answer_probes

        answer_probes("0.0.0.0", probe_port, lambda: scoring.seen)
    scoring.run()


@app.command()
def create_challenge(
    plan: Annotated[Path, typer.Argument(help="A challenge.toml.")],
) -> None:
    """Open a challenge, or bring an open one up to date."""
    from teachkit.leaderboard import running

    running.set_up()
    running.prepare(shipped=False)
    from teachkit.leaderboard.challenges import opening

    made = opening.create(opening.Plan.read(plan), plan.parent)
    typer.echo(
        f"'{made.title}' is at /challenges/{made.slug}/: {len(made.suite)} sets, {made.suite.rows:,} rows."
    )


@app.command()
def admin(
    email: Annotated[str, typer.Argument(help="Address of the person who is to run the site.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Give an account the rights to verify papers, hide entries and see everything."""
    from teachkit.leaderboard import running

    running.set_up()
    running.prepare(shipped=False)
    from teachkit.leaderboard.people.models import User

    User.objects.create_superuser(email, password)
    typer.echo(f"{email} runs the site now.")


@app.command()
def rescore(slug: Annotated[str, typer.Argument(help="Last part of the challenge's address.")]) -> None:
    """Queue all entries of a challenge that today's scorer has not scored; older scores are kept."""
    from teachkit.leaderboard import running

    running.set_up()
    from teachkit.leaderboard.challenges.opening import find
    from teachkit.leaderboard.submissions import upkeep

    typer.echo(f"{upkeep.rescore(find(slug))} entries are queued.")


@app.command()
def flags(slug: Annotated[str, typer.Argument(help="Last part of the challenge's address.")]) -> None:
    """Look for copies across teams and unlikely scores once more; staff sees them under Moderation."""
    from teachkit.leaderboard import running

    running.set_up()
    from teachkit.leaderboard.challenges.opening import find
    from teachkit.leaderboard.submissions.flags import look_again

    typer.echo(f"{look_again(find(slug))} new flags.")


@app.command()
def labels(
    slug: Annotated[str, typer.Argument(help="Last part of the challenge's address.")],
    file: Annotated[Path, typer.Argument(help="An npz file: one array of true labels a set.")],
) -> None:
    """Give a challenge its true labels, or better ones; then `teachkit site rescore`."""
    from teachkit.leaderboard import running

    running.set_up()
    from teachkit.leaderboard.challenges.opening import find, keep_labels, read_labels

    keep_labels(challenge := find(slug), read_labels(file))
    typer.echo(f"'{challenge.title}' has the labels {challenge.labels_digest}.")


@app.command()
def forget() -> None:
    """Delete what the privacy page says is deleted after a time; run it once a day."""
    from teachkit.leaderboard import running

    running.set_up()
    from django.utils import timezone

    from teachkit.leaderboard.submissions import upkeep

    found = upkeep.forget(timezone.now())
    typer.echo(", ".join(f"{count} {name}" for name, count in found.items()) + " deleted.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The tar file to write; it names people and holds labels.")],
) -> None:
    """Save database, uploads, predictions and labels in one file, while the site runs."""
    from teachkit.leaderboard import running

    running.set_up()
    from teachkit.leaderboard.backup import back_up

    manifest = back_up(file)
    typer.echo(f"{file}: {len(manifest['files'])} files, {file.stat().st_size / 2**20:.1f} MiB.")
    if lost := manifest["missing"]:
        typer.secho(f"Not in it, because the site has lost them: {', '.join(lost)}.", fg="yellow")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="What `teachkit site backup` wrote.")]) -> None:
    """Fill an empty site from a backup; the database may be of another kind."""
    from teachkit.leaderboard import running

    running.set_up()
    running.prepare(shipped=False)
    from teachkit.leaderboard.backup import restore as fill

    manifest = fill(file)
    typer.echo(f"{len(manifest['files'])} files are back. Now start web server and workers.")


@app.command()
def results(
    slug: Annotated[str, typer.Argument(help="Last part of the challenge's address.")],
    rules: Annotated[Path, typer.Argument(help="A TOML file with assignment, score and bands.")],
    out: Annotated[Path, typer.Option(help="The CSV file to write; it names people.")] = Path("results.csv"),
    roster: Annotated[
        Path | None, typer.Option(help="The class: finds the student of each account, and who is in no team.")
    ] = None,
    gradebook: Annotated[
        Path | None, typer.Option(help="nbgrader's gradebook.db: enter the points there; needs --roster.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Image size; default: the first of the suite.")] = None,
) -> None:
    """Write place, score and points of each member of each team, and enter them in the gradebook."""
    from teachkit.course.assessment.standings import read_rules
    from teachkit.course.assessment.teams import UNKNOWN, earned, team_points
    from teachkit.course.roster import read_roster
    from teachkit.leaderboard import running

    if gradebook is not None and roster is None:
        raise typer.BadParameter("--gradebook needs --roster: accounts are no students without it.")
    read = read_rules(rules, on_board=True)
    people = read_roster(roster) if roster else None
    running.set_up()
    from teachkit.leaderboard.board.exports import harmless
    from teachkit.leaderboard.board.results import results as standings
    from teachkit.leaderboard.challenges.opening import find
    from teachkit.leaderboard.submissions import models
    from teachkit.paths import atomic

    challenge, now = find(slug), models.now()
    teams = standings(challenge, read.score, now, size)
    table = team_points(read, teams, people)
    with atomic(out) as temporary:
        text = table.map(harmless).to_csv(index=False, lineterminator="\r\n")
        temporary.write_text(text, encoding="utf-8", newline="")
    typer.echo(f"{out}: {len(table)} people, {len(teams)} teams.")
    if challenge.closes and not challenge.is_over(now):
        typer.secho(f"Open until {challenge.closes:%d %B %Y, %H:%M} UTC: run this again then.", fg="yellow")
    if strangers := sorted(table.loc[table["note"] == UNKNOWN, "account"]):
        typer.secho(f"{UNKNOWN.capitalize()}: {', '.join(strangers)}.", fg="yellow")
    if gradebook is not None:
        from teachkit.course.gradebook.entering import enter

        most = max(points for _, points in read.bands)
        changed = enter(gradebook, read.assignment, earned(table), most, challenge.closes)
        typer.echo(f"{read.assignment} in {gradebook}: the points of {len(changed)} students changed.")
