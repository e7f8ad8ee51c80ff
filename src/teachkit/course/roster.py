"""The roster: which account belongs to which student, and who has more time for what.

A CSV file with the columns ``student`` (the id that nbgrader uses), ``principal`` (the account that may write
to the student's folder), and if you like ``name`` and ``extensions``. It is about people, so it stays out of
version control.

An extension is ``ASSIGNMENT=+48h``, ``ASSIGNMENT=+2d`` or ``ASSIGNMENT=2026-12-01T12:00``; several are
separated by ";". The assignment ``*`` stands for all. A moment without a zone is in UTC, as nbgrader's are.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from teachkit.course.exchange.names import check_student
from teachkit.errors import ExchangeRefusedError, FormatError
from teachkit.paths import atomic

COLUMNS = ("student", "principal", "name", "extensions")
ACCOUNT = re.compile(r"[^@\s:]+@[^@\s:]+\.[^@\s:.]+")
LENGTH = re.compile(r"\+(\d+)(m|h|d|w)")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
ALL = "*"
# Headings of the lists that Canvas and Moodle export, the best one first.
HEADINGS = {
    "student": ("sis login id", "username", "id number", "sis user id", "student", "id"),
    "principal": ("principal", "email address", "email", "e-mail", "sis login id"),
    "name": ("name", "student name", "full name", "student"),
}


@dataclass(frozen=True)
class Extension:
    """More time: either a length, or a moment in UTC."""

    length: timedelta = timedelta()
    until: datetime | None = None

    def beyond(self, due: datetime) -> timedelta:
        """How much later than `due` (UTC, without a zone) it ends; never earlier."""
        if self.until is not None:
            return max(self.until - due, timedelta())
        return self.length


@dataclass(frozen=True)
class Entry:
    """One student."""

    student: str
    principal: str
    name: str = ""
    extensions: Mapping[str, Extension] = field(default_factory=dict)
    written: str = ""  # the extensions as they stand in the file


@dataclass(frozen=True)
class Roster:
    """All students of a course."""

    entries: tuple[Entry, ...] = ()

    def __contains__(self, student: str) -> bool:
        return any(entry.student == student for entry in self.entries)

    def extension(self, student: str, assignment: str, due: datetime | None) -> timedelta:
        """How much more time `student` has for `assignment`, which is due at `due`."""
        if due is None:
            return timedelta()
        for entry in self.entries:
            if entry.student == student:
                chosen = entry.extensions.get(assignment) or entry.extensions.get(ALL)
                return chosen.beyond(due) if chosen else timedelta()
        return timedelta()

    def merged(self, newer: "Roster") -> "Roster":
        """The students of `newer`, with the extensions that they have here."""
        known = {entry.student: entry for entry in self.entries}
        return Roster(
            tuple(
                replace(
                    entry, extensions=known[entry.student].extensions, written=known[entry.student].written
                )
                if entry.student in known and not entry.written
                else entry
                for entry in newer.entries
            )
        )


def read_roster(path: Path) -> Roster:
    """The roster in `path`.

    Raises:
        FormatError: `faults` lists every fault with its line.
    """
    rows = _rows(path)
    if rows and not {"student", "principal"} <= set(rows[0]):
        raise FormatError(
            f"{path} has no columns 'student' and 'principal'.", "Make it with: teachkit course roster import"
        )
    return _roster(rows, path)


def import_roster(path: Path, columns: Mapping[str, str] | None = None) -> Roster:
    """A roster from a list that a learning platform exported.

    Args:
        path: CSV with a heading, as Canvas and Moodle write it.
        columns: headings for ``student``, ``principal`` and ``name`` where ours would not be found.

    Raises:
        FormatError: a column is missing, or a row has a fault.
    """
    rows = _rows(path)
    there = {heading.strip().lower(): heading for heading in (rows[0] if rows else {})}
    chosen: dict[str, str] = {}
    for column, known in HEADINGS.items():
        wanted = (columns or {}).get(column)
        found = [there[heading] for heading in ([wanted.lower()] if wanted else known) if heading in there]
        if found:
            chosen[column] = found[0]
        elif wanted or column != "name":
            raise FormatError(
                f"{path} has no column for '{column}'; its columns are {', '.join(there.values())}.",
                f"Name it with --{column}.",
            )
    return _roster([{ours: row[theirs] or "" for ours, theirs in chosen.items()} for row in rows], path)


def write_roster(roster: Roster, path: Path) -> None:
    """Write `roster` so that `read_roster` reads it back."""
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for entry in roster.entries:
            writer.writerow((entry.student, entry.principal, entry.name, entry.written))


def parse_extensions(text: str) -> dict[str, Extension]:
    """assignment → extension, of "ps1=+2d; ps2=2026-12-01T12:00".

    Raises:
        FormatError: a part is neither.
    """
    found: dict[str, Extension] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        assignment, _, value = (piece.strip() for piece in part.partition("="))
        length = LENGTH.fullmatch(value)
        if not assignment or not (length or value[:1].isdigit()):
            raise _bad_extension(part)
        if length:
            try:
                found[assignment] = Extension(timedelta(**{UNITS[length[2]]: int(length[1])}))
            except OverflowError as error:
                raise _bad_extension(part) from error
            continue
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise _bad_extension(part) from error
        found[assignment] = Extension(
            until=moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        )
    return found


def _bad_extension(part: str) -> FormatError:
    return FormatError(f"'{part}' is no extension.", "Write ASSIGNMENT=+48h or ASSIGNMENT=2026-12-01T12:00.")


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        # Spreadsheets put a byte order mark before the first heading.
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(
            f"{path} cannot be read as a table: {error}.", "Export it as CSV in UTF-8."
        ) from error


def _roster(rows: Iterable[Mapping[str, str]], path: Path) -> Roster:
    entries: list[Entry] = []
    faults: list[str] = []
    for number, row in enumerate(rows, start=2):
        try:
            entries.append(_entry(row))
        except (ExchangeRefusedError, FormatError) as error:
            faults.append(f"line {number}: {error}")
    for what in ("student", "principal"):
        counts = Counter(getattr(entry, what).lower() for entry in entries)
        faults += [f"the {what} '{value}' stands there {n} times." for value, n in counts.items() if n > 1]
    if faults:
        raise FormatError(
            f"{path} has {len(faults)} faults: {' '.join(faults[:5])}",
            "Mend them and check again.",
            faults=faults,
        )
    return Roster(tuple(sorted(entries, key=lambda entry: entry.student)))


def _entry(row: Mapping[str, str]) -> Entry:
    student = check_student((row.get("student") or "").strip())
    principal = (row.get("principal") or "").strip()
    if not ACCOUNT.fullmatch(principal):
        raise FormatError(
            f"'{principal}' is no account.", "Write an e-mail address, also of a service account."
        )
    written = (row.get("extensions") or "").strip()
    return Entry(student, principal, (row.get("name") or "").strip(), parse_extensions(written), written)
