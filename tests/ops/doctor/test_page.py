"""The page: words line up, commands stay whole, and remedies stand below what was found."""

from teachkit.course.condition import Check
from teachkit.ops.doctor.page import page_lines

COMMAND = "/a/very/long/path/that/does/not/fit/into/the/narrow/line/bin/python"


def test_further_lines_begin_below_the_first_word() -> None:
    ((state, text),) = page_lines([Check("idle shutdown", "note", "one two three", f"Type {COMMAND}")], 36)
    assert state == "note"
    assert text.splitlines() == [
        "note     idle shutdown  one two",
        "                        three",
        "                       → Type",
        f"                         {COMMAND}",
    ]


def test_a_wide_terminal_does_not_make_long_lines() -> None:
    ((_, text),) = page_lines([Check("data", "ok", "word " * 60)], 400)
    assert max(map(len, text.splitlines())) <= 110
