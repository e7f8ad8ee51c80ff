"""`teachkit big submit`: hand a prediction file in to a leaderboard."""

from pathlib import Path
from typing import Annotated

import typer

from teachkit.cli.faults import faults_listed


def submit(
    file: Annotated[Path, typer.Argument(help="Prediction file: .csv, .csv.gz or .zip.")],
    server: Annotated[str, typer.Option(help="Address of the leaderboard.")],
    model: Annotated[str, typer.Option(help="Name of the model, as the board shows it.")],
    challenge: Annotated[str, typer.Option(help="Last part of the challenge's address.")] = "big",
    size: Annotated[
        int | None,
        typer.Option(help="Edge length of the pictures in pixels.", show_default="the smallest of the suite"),
    ] = None,
    description: Annotated[str, typer.Option(help="What others need to train it again.")] = "",
    link: Annotated[str, typer.Option(help="Address of a study.")] = "",
    extra_data: Annotated[str, typer.Option(help="Other data it was trained on.")] = "",
    pre_training: Annotated[str, typer.Option(help="Weights it started from, such as ImageNet.")] = "",
    wait: Annotated[bool, typer.Option(help="Wait for the scores.")] = True,
) -> None:
    """Check a prediction file, hand it in to a leaderboard and wait for its scores.

    The token of your profile is read from TEACHKIT_TOKEN. A file with faults is not sent.
    """
    from teachkit.leaderboard.client import Site

    site = Site.at(server)
    with faults_listed(file, "was not sent", "Mend them; no slot was used."):
        held = site.check(file, challenge, size)
    if held.missing:
        typer.echo(f"No mean and no place: {', '.join(held.missing)} missing.", err=True)
    told = {
        "model_name": model,
        "size": held.suite.picture_size(size),
        "description": description,
        "link": link,
        "extra_data": extra_data,
        "pre_training": pre_training,
    }
    sent = site.submit(file, challenge, told)
    typer.echo(f"Entry {sent['id']}: {sent['page']}\n{sent['left']}")
    if not wait:
        return
    found = site.wait(sent["id"], lambda state: typer.echo(f"State: {state}"))
    if found["mean"] and found["rankable"]:
        typer.echo(", ".join(f"{name} {value:.4f}" for name, value in found["mean"].items()))
    if found["state"] != "scored":
        typer.echo(found["trouble"], err=True)
        raise typer.Exit(1)
