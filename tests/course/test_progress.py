"""Progress: bars in a terminal, plain lines elsewhere."""

import io

import pytest
from rich.console import Console

from teachkit.course import progress
from teachkit.course.progress import RunProgress


def shown(*, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with RunProgress(console) as bars:
        bars.say("Data: here")
        bars.start("01", "01 Classification")
        bars.cell("01", 0, 4)
        bars.cell("01", 3, 4)
        bars.end("01", "01 Classification", "finished, 2.0 s")
        bars.end("02", "02 Skipped", "unchanged, skipped")
    return console.file.getvalue()


def test_a_terminal_gets_a_bar_with_cell_counts() -> None:
    text = shown(terminal=True)
    assert "3/4" in text
    assert "cells" in text
    assert "finished, 2.0 s" in text
    assert "02 Skipped: unchanged, skipped" in text


def test_elsewhere_there_are_plain_lines_without_control_characters() -> None:
    text = shown(terminal=False)
    assert text.splitlines() == [
        "Data: here",
        "01 Classification: started",
        "01 Classification: finished, 2.0 s",
        "02 Skipped: unchanged, skipped",
    ]


def test_a_long_lesson_gives_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_SECONDS", 0.0)
    assert "01: 3 of 4 cells" in shown(terminal=False)
