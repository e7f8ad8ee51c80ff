"""The command line: every command is one call into a room."""

from teachkit.cli.main import main

__all__ = ["main"]
