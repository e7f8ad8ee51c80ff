"""What is wrong with a prediction file: every fault with its place, gathered before anything is raised."""

from typing import NamedTuple

from teachkit.errors import PredictionFileError

MOST_FAULTS = 1000  # a file that is wrong throughout is not listed line by line for ever
SHOWN = 10
LONGEST_VALUE = 60


class Fault(NamedTuple):
    """One fault and where it stands.

    Attributes:
        file: name of the file; for a member of an archive "archive.zip/member.csv".
        line: counted from 1, the header included; 0 when the file as a whole is meant.
        column: name of the column, or "" when the line as a whole is meant.
        value: what stands there, shortened when long.
        message: what is wrong with it, and what would be right.
    """

    file: str
    line: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        place = [self.file]
        if self.line:
            place.append(f"line {self.line:,}")
        if self.column:
            place.append(f"column {self.column}")
        said = f", found '{self.value}'" if self.value else ""
        return f"{', '.join(place)}{said}: {self.message}"


class TooManyFaults(Exception):
    """Nobody reads further."""


class Faults:
    """The faults of one file, in the order they were found; raises `TooManyFaults` at `MOST_FAULTS`."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.stopped = False

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, file: str, line: int, column: str, value: str, message: str) -> None:
        """Note one fault."""
        self.found.append(Fault(file, line, column, shortened(value), message))
        if len(self.found) >= MOST_FAULTS:
            self.stopped = True
            raise TooManyFaults

    def error(self, file: str) -> PredictionFileError:
        """All of them as one error."""
        count = f"{len(self.found):,}{' or more' if self.stopped else ''}"
        listed = "".join(f"\n  {fault}" for fault in self.found[:SHOWN])
        more = "\n  …" if len(self.found) > SHOWN else ""
        word = "fault" if len(self.found) == 1 else "faults"
        return PredictionFileError(
            f"'{file}' cannot be scored; it has {count} {word}:{listed}{more}\n",
            "Mend them and check again with: teachkit big check FILE",
            faults=self.found,
            file=file,
        )


def shortened(value: str) -> str:
    """A value that fits on a line, without characters that a terminal would obey."""
    shown = value if value.isprintable() else ascii(value)[1:-1]
    return shown if len(shown) <= LONGEST_VALUE else f"{shown[: LONGEST_VALUE - 1]}…"
