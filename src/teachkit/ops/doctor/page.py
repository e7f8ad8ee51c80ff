"""The doctor's page for a terminal."""

import textwrap
from collections.abc import Iterable, Iterator
from shutil import get_terminal_size

from teachkit.course.condition import Check, State

WIDEST = 110
INDENT = 24


def page_lines(checks: Iterable[Check], width: int | None = None) -> Iterator[tuple[State, str]]:
    """(state, text) for each check; a text has as many lines as it needs, its remedy on lines of its own."""
    room = min(width or get_terminal_size().columns, WIDEST)
    for check in checks:
        said = _wrapped(check.found, f"{check.state:<8} {check.name:<{INDENT - 10}}", room)
        if check.remedy:
            said += "\n" + _wrapped(check.remedy, f"{'→':>{INDENT}}", room)
        yield check.state, said


def plain_page(checks: Iterable[Check]) -> str:
    """The whole page without colours, with its conclusion."""
    checks = list(checks)
    return "\n".join([*(text for _, text in page_lines(checks, WIDEST)), conclusion(checks)]) + "\n"


def conclusion(checks: Iterable[Check]) -> str:
    """How many problems and notes there are, in one line."""
    states = [check.state for check in checks]
    problems, notes = states.count("problem"), states.count("note")
    if not problems and not notes:
        return "All well."
    return f"{_count(problems, 'problem')}, {_count(notes, 'note')}; everything else is well."


def _wrapped(text: str, first: str, width: int) -> str:
    """`text` after `first`, its further lines below its own first one; commands and paths stay whole."""
    first += " "
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
