"""The definition of a right prediction file: line by line, and every fault is noted with its place.

`quick` reads the same files by whole columns and says either "right" or "not certain". Then this module
decides, so what it says is what holds.
"""

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teachkit.big.faults import Faults, shortened
from teachkit.big.layouts import LONGEST_LINE, Layout
from teachkit.big.suites import Member, Suite
from teachkit.big.unpacking import Text
from teachkit.errors import nearest

SUM_TOLERANCE = 1e-3  # half precision and three decimals stay inside
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
NOT_A_NUMBER = {"nan", "na", "n/a", "null", "none", "#n/a"}
INFINITE = {"inf", "infinity"}
Tables = dict[str, NDArray[np.float64]]


@dataclass
class Row:
    """One line, cut into fields.

    Attributes:
        ending: what to add to a complaint when the file stops inside this line.
    """

    line: int
    name: str
    id: str
    probabilities: list[str]
    ending: str


class Gathered:
    """The rows of one set so far: `values` float64 [rows, classes], and the line each id stands in."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.values = np.full((member.rows, len(member.classes)), np.nan)
        self.line_of_id = np.zeros(member.rows, dtype=np.int64)
        self.last_line = 0


class CarefulReader:
    """Reads one text; what is wrong goes to `faults`, what is right is gathered by set."""

    def __init__(self, text: Text, layout: Layout, suite: Suite, faults: Faults) -> None:
        self.text = text
        self.layout = layout
        self.suite = suite
        self.faults = faults
        self.sets: dict[str, Gathered] = {}

    def read(self) -> Tables:
        """All sets of the text, rows in the order of ids; complete only when there were no faults."""
        for row in self._rows():
            self._take(row)
        if not self.sets and not self.faults:
            self._fault(1, "", "", "there is no line of predictions")
        for gathered in self.sets.values():
            if not self.text.cut:
                self._look_for_gaps(gathered)
        return {name: gathered.values for name, gathered in self.sets.items()}

    def _rows(self) -> Iterator[Row]:
        """Every line that has the right number of fields."""
        data = self.text.data.rstrip()  # only at the end of the file may lines be empty
        ended = len(data) < len(self.text.data)
        for line, raw in enumerate(io.BytesIO(data), start=1):
            if line == 1 and self.layout.header:
                continue
            if not raw.strip():
                self._fault(line, "", "", "an empty line between the others")
                continue
            fields = self._fields(line, raw)
            if fields is None:
                continue
            # A last line that lacks its end and is wrong as well was probably cut.
            whole = ended or raw.endswith(b"\n")
            ending = "" if whole else "; the file ends here and may be cut off"
            if self.layout.member:
                fields = [self.layout.member.name, *fields]
            if len(fields) < 3:
                self._fault(line, "", ",".join(fields), f"the line ends before its probabilities{ending}")
                continue
            name, id_, *probabilities = fields
            yield Row(line, name, id_, probabilities, ending)

    def _fields(self, line: int, raw: bytes) -> list[str] | None:
        """The fields of a line without spaces around them; None after a fault."""
        if len(raw) > LONGEST_LINE:
            self._fault(line, "", "", f"the line is longer than {LONGEST_LINE:,} bytes")
            return None
        try:
            words = raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            column = self._column(raw[: error.start].count(b","))
            self._fault(line, column, f"\\x{raw[error.start]:02x}", "this is not UTF-8 text")
            return None
        if '"' not in words:
            return [field.strip() for field in words.split(",")]
        try:
            return [field.strip() for field in next(csv.reader([words], strict=True))]
        except csv.Error:
            self._fault(line, "", words, "quotation marks do not match")
            return None

    def _take(self, row: Row) -> None:
        """Check one row and keep its numbers."""
        if row.name not in self.suite:
            known = nearest(row.name, self.suite.names, "sets")
            self._fault(row.line, "dataset", row.name, f"suite '{self.suite.name}' has no such set. {known}")
            return
        if row.name not in self.sets:
            self.sets[row.name] = Gathered(self.suite[row.name])
        gathered = self.sets[row.name]
        gathered.last_line = row.line
        place = self._place(row, gathered)
        numbers = self._numbers(row, gathered.member)
        if place is not None and numbers is not None:
            gathered.values[place] = numbers

    def _place(self, row: Row, gathered: Gathered) -> int | None:
        """The id of a row, not met before; None after a fault."""
        rows = gathered.member.rows
        allowed = f"the ids of {gathered.member.name} are 0 to {rows - 1:,}"
        # R writes 100000 as 1e+05 and pandas, after a gap, 5 as 5.0: both are whole numbers.
        number = float(row.id) if NUMBER.fullmatch(row.id) else math.nan
        if not number.is_integer() and not math.isinf(number):
            reason = "is not a whole number" if row.id else "the id is missing"
            self._fault(row.line, "id", row.id, f"{reason}; {allowed}{row.ending}")
            return None
        if not 0 <= number < rows:
            self._fault(row.line, "id", row.id, f"out of range; {allowed}")
            return None
        place = int(number)
        if first := int(gathered.line_of_id[place]):
            self._fault(row.line, "id", row.id, f"{row.name} has this id in line {first:,} already")
            return None
        gathered.line_of_id[place] = row.line
        return place

    def _numbers(self, row: Row, member: Member) -> list[float] | None:
        """The probabilities of a row, one for each class; None after a fault."""
        wanted = 1 if self.layout.alone else len(member.classes)
        given, beyond = row.probabilities[:wanted], row.probabilities[wanted:]
        before = len(self.faults.found)
        if len(given) < wanted:
            count = f"{len(given)} of {wanted} probabilities of {member.name}{row.ending}"
            self._fault(row.line, f"p{len(given)}", "", f"the line ends after {count}")
        for index, value in enumerate(beyond, start=wanted):
            if value or index >= self.layout.probabilities:
                hint = "; is the decimal mark a comma?" if value.isdecimal() else ""
                reason = f"{member.name} has {wanted} probabilities, so nothing may stand here{hint}"
                self._fault(row.line, f"p{index}", value, reason)
                return None  # one misplaced comma shifts everything
        for index, value in enumerate(given):
            if reason := complaint(value):
                self._fault(row.line, f"p{index}", value, reason + row.ending)
        if len(self.faults.found) > before:
            return None
        numbers = [float(value) for value in given]
        if self.layout.alone:
            return [1 - numbers[0], numbers[0]]
        total = math.fsum(numbers)
        if member.single_label and abs(total - 1) > SUM_TOLERANCE:
            reason = f"the probabilities of a row sum to one (± {SUM_TOLERANCE}){row.ending}"
            self._fault(row.line, f"p0 to p{wanted - 1}", f"sum {total:.6g}", reason)
            return None
        return numbers

    def _look_for_gaps(self, gathered: Gathered) -> None:
        absent = np.flatnonzero(gathered.line_of_id == 0)
        if len(absent):
            count = f"{len(absent):,} of {gathered.member.rows:,} ids of {gathered.member.name} have no line"
            self._fault(gathered.last_line, "id", ranges(absent), count)

    def _column(self, place: int) -> str:
        columns = self.layout.columns
        return columns[place] if place < len(columns) else ""

    def _fault(self, line: int, column: str, value: str, message: str) -> None:
        self.faults.add(self.text.label, line, column, value, message)


def complaint(value: str) -> str:
    """Why `value` is no probability; "" when it is one."""
    if NUMBER.fullmatch(value):
        number = float(value)
        if math.isinf(number):
            return "too large for a number"
        if number < 0:
            return "a probability is not negative"
        return "a probability is not above one" if number > 1 else ""
    bare = value.lower().lstrip("+-")
    if not value:
        return "a probability is missing"
    if bare in NOT_A_NUMBER:
        return "not a number; every probability must be given"
    if bare in INFINITE:
        return "infinite; a probability is between 0 and 1"
    if NUMBER.fullmatch(value.replace(",", ".")):
        return "has a decimal comma; write a point"
    return "is not a number"


def ranges(numbers: NDArray[np.int64]) -> str:
    """Rising numbers in few letters: "3, 5-9"; what is too long to show ends in an ellipsis."""
    breaks = np.flatnonzero(np.diff(numbers) > 1) + 1
    parts = [
        f"{part[0]}" if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in np.split(numbers, breaks)[:20]
    ]
    return shortened(", ".join(parts) + (", …" if len(breaks) >= 20 else ""))
