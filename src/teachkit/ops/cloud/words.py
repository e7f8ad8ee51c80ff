"""The command of a container: written by a plan, read in the container and from the request of a job."""

import argparse
from collections.abc import Iterable, Sequence

ENTRY = ("python", "-m", "teachkit.ops.cloud.entry")


def for_lessons(lessons: Iterable[str], size: str, seed: int) -> tuple[str, ...]:
    """The end of a command that runs lessons."""
    return "--size", size, "--seed", str(seed), *lessons


def for_program(program: Iterable[str]) -> tuple[str, ...]:
    """The end of a command that runs a module with its arguments."""
    return "--program", *program


def command(output: str, accelerator: str, work: tuple[str, ...], earlier: str = "") -> tuple[str, ...]:
    """The whole command; `earlier` is the folder of a run to go on from."""
    before = ("--earlier", earlier) if earlier else ()
    return *ENTRY, *before, "--output", output, "--accelerator", accelerator, *work


def parser() -> argparse.ArgumentParser:
    """Reads what stands after `ENTRY`."""
    found = argparse.ArgumentParser(prog="python -m teachkit.ops.cloud.entry")
    found.add_argument("lessons", nargs="*")
    found.add_argument("--output", required=True, help="folder of this run in a bucket")
    found.add_argument("--earlier", default="", help="folder of an earlier run to go on from")
    found.add_argument("--size", default="full")
    found.add_argument("--seed", type=int, default=0)
    found.add_argument("--accelerator", default="none", help="the GPU that must be there")
    found.add_argument(
        "--program", nargs=argparse.REMAINDER, default=[], help="a module and its arguments, not lessons"
    )
    return found


def read(whole: Sequence[str]) -> argparse.Namespace:
    """What a whole command says."""
    return parser().parse_args(list(whole)[len(ENTRY) :])
