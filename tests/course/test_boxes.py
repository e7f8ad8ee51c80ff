"""The opening box begins a record, the closing box ends a lesson, and both read without a browser."""

import json
from pathlib import Path

import pytest

from teachkit import course
from teachkit.course import boxes, condition, records
from teachkit.errors import LessonError, SettingsError, UnknownNameError

SETTINGS = """
[lesson.settings.smoke]
images = 64
[lesson.settings.class]
images = 500
[lesson.settings.full]
images = 5000
"""


@pytest.fixture
def here(make_course, monkeypatch: pytest.MonkeyPatch, offline: Path) -> Path:
    """The notebooks folder of a course with one lesson, as working directory."""
    made = make_course(("t1", "good", SETTINGS, 'data = ["pneumoniamnist", "digits"]'))
    monkeypatch.chdir(made.notebooks)
    monkeypatch.setattr(records, "_current", None)
    return made.notebooks


def test_preflight_returns_the_settings_of_the_size_and_the_first_data_at_hand(here: Path) -> None:
    run = course.preflight("t1", size="class", seed=2)
    assert run.settings == {"images": 500}
    assert (run.data, run.size, run.seed, run.out) == ("digits", "class", 2, Path("results/t1"))
    assert json.loads((here / "results/t1/results.json").read_text())["data"] == "digits"


def test_one_parameter_overrides_the_data(here: Path) -> None:
    assert course.preflight("t1", data="ihc_patches").data == "ihc_patches"


def test_a_lesson_on_several_sets_takes_the_first_that_are_at_hand(
    make_course, monkeypatch: pytest.MonkeyPatch, offline: Path
) -> None:
    names = 'data = ["pneumoniamnist", "digits", "retinamnist", "ihc_patches", "wisconsin"]\nsets = 2'
    monkeypatch.chdir(make_course(("t1", "good", SETTINGS, names)).notebooks)
    monkeypatch.setattr(records, "_current", None)
    assert course.preflight("t1").data == "digits, ihc_patches"
    assert course.preflight("t1", data="wisconsin").data == "wisconsin"


def test_the_opening_box_says_what_a_student_must_know(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course.preflight("t1", size="smoke", seed=0, out=here / "out")
    shown = capsys.readouterr().out
    for words in (
        "What is the answer?",
        "see a number",
        "1 of reading",
        "digits: none",
        "cores",
        "If it breaks",
    ):
        assert words in shown


def test_the_closing_box_counts_what_was_recorded(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course.preflight("t1")
    course.record("a", 1)
    course.record("b", 2)
    capsys.readouterr()
    course.closing()
    shown = capsys.readouterr().out
    for words in ("One number is not much.", "three: the last", "Anything else.", "2 values in"):
        assert words in shown


def test_closing_without_a_begun_lesson_is_refused(here: Path) -> None:
    with pytest.raises(LessonError, match=r"course\.preflight"):
        course.closing()


def test_an_unknown_size_or_lesson_is_refused_with_the_nearest(here: Path) -> None:
    with pytest.raises(SettingsError, match="Did you mean 'smoke'"):
        course.preflight("t1", size="smokey")
    with pytest.raises(UnknownNameError, match="No lesson 't7'"):
        course.preflight("t7")


def test_without_a_lesson_only_the_machine_is_shown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course.preflight()
    assert "This machine" in capsys.readouterr().out
    assert not (here / "results").exists()


def test_html_of_a_box_is_escaped_and_named_for_screen_readers() -> None:
    html = boxes.Box("A <b> title", (("Row", "1 < 2"), ("List", ("a", "b & c"))))._repr_html_()
    assert 'aria-label="A &lt;b&gt; title"' in html
    assert "1 &lt; 2" in html
    assert "<li>b &amp; c</li>" in html


def test_what_is_not_well_follows_the_line_about_the_machine(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import psutil

    class Little:
        available, total = 2**30, 2**33

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Little)
    course.preflight()
    shown = capsys.readouterr().out
    assert "1.0 of 8.0 GiB memory free" in shown
    assert "Take care: Less than 2 GiB of memory is free (1.0 of 8.0). Shut down other kernels" in shown


def test_lessons_of_another_version_are_said_in_the_first_cell(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(condition, "__version__", "1")
    course.preflight("t1")
    assert "Take care" not in capsys.readouterr().out
    monkeypatch.setattr(condition, "__version__", "9.9")
    course.preflight("t1")
    assert "but teachkit is 9.9" in capsys.readouterr().out


def test_the_closing_box_says_what_the_lesson_took_and_keeps_it_beside_the_values(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    course.preflight("t1")
    course.record("a", 1)
    monkeypatch.setattr(records, "_begun", records._begun - 83)
    course.closing()
    assert "1 min 23 s since the first cell, at most " in capsys.readouterr().out
    kept = json.loads((here / "results/t1/results.json").read_text())
    assert kept["meter"]["seconds"] >= 83
    assert kept["meter"]["peak_gib"] > 0
    assert kept["values"]["a"]["value"] == 1
