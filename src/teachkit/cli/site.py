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
def worker() -> None:
    """Score what waits, until stopped. Run as many as there are cores."""
    from teachkit.leaderboard import running

    running.set_up()
    from teachkit.leaderboard.submissions.worker import Worker

    Worker().run()


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
