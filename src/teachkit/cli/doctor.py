"""``teachkit doctor``: is this machine ready, and what to do where it is not."""

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

import typer

COLOURS = {"ok": "green", "note": "yellow", "problem": "red"}


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print the checks for programs.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write a zip file for whoever helps you; names and keys are removed.")
    ] = None,
    explain: Annotated[
        str | None, typer.Option(help="Say what a message of the cloud means; - reads it from the input.")
    ] = None,
) -> None:
    """Check this machine: Python, packages, GPU, data, buckets, Jupyter, sandbox. Exit code 1: a problem."""
    if explain is not None:
        _explain(sys.stdin.read() if explain == "-" else explain)
        return
    from teachkit.ops import doctor as room
    from teachkit.ops.doctor.page import conclusion, page_lines

    checks = room.examine()
    found = room.summary(checks)
    if json:
        typer.echo(json_module.dumps(found, indent=1, default=str))
    else:
        for state, text in page_lines(checks):
            head, rest = text[: len(state)], text[len(state) :]
            typer.echo(typer.style(head, fg=COLOURS[state]) + rest)
        typer.echo(conclusion(checks))
    if report is not None:
        listing = room.write_report(report, checks)
        typer.echo(f"{report} holds:\n" + "\n".join(f"  {line}" for line in listing), err=json)
        typer.echo("Look through it, then send it to your instructor.", err=json)
    if not found["ok"]:
        raise typer.Exit(1)


def _explain(text: str) -> None:
    from teachkit.cloud.explain import explain

    told = explain(text)
    typer.echo(told.what)
    if told.metric:
        typer.echo(f"Quota: {told.metric}")
    typer.echo(f"→ {told.remedy}")
