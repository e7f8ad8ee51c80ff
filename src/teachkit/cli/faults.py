"""Faults of a prediction file, told line by line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from teachkit.errors import PredictionFileError


@contextmanager
def faults_listed(file: Path, outcome: str, remedy: str) -> Iterator[None]:
    """Print each fault of `file` on standard error, then end with what did not happen and what to do."""
    try:
        yield
    except PredictionFileError as error:
        for fault in error.faults:
            typer.echo(str(fault), err=True)
        raise PredictionFileError(
            f"'{file.name}' {outcome}; its faults are listed above ({len(error.faults):,}).",
            remedy,
            faults=error.faults,
            file=file.name,
        ) from None
