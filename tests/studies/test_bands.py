"""Ranges promised in notebooks/course.toml come from the study, and mean what they say."""

import importlib.util
import sys
import tomllib

import numpy as np
import pytest


@pytest.fixture
def bands(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "studies"))
    spec = importlib.util.spec_from_file_location("_bands", root / "studies" / "_bands.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "_bands", module)
    spec.loader.exec_module(module)
    return module


def test_a_band_is_left_as_often_as_stated(bands):
    rng = np.random.default_rng(0)
    outside = 0
    for _ in range(4000):
        low, high = bands.band(rng.normal(size=20), false_alarm=0.05)
        outside += not low <= rng.normal() <= high
    assert outside / 4000 == pytest.approx(0.05, abs=0.012)


def test_course_file_states_the_bands_of_the_study(bands, root):
    from _grid import Grid

    course = tomllib.loads((root / "notebooks" / "course.toml").read_text())
    stated = {band["name"]: band for lesson in course["lesson"] for band in lesson.get("bands", [])}
    cell = Grid(root / "studies" / "results" / "01").read("bands_frame")
    for name, values in cell["values"].items():
        assert [stated[name]["low"], stated[name]["high"]] == pytest.approx(bands.band(values), abs=6e-4)
        assert stated[name]["seeds"] == len(values)
        assert stated[name]["false_alarm"] == bands.FALSE_ALARM


def test_class_rows_are_those_of_the_course_file(bands, root):
    course = tomllib.loads((root / "notebooks" / "course.toml").read_text())
    settings = next(lesson for lesson in course["lesson"] if lesson["id"] == "01")["settings"]["class"]
    assert {split: settings[f"{split}_images"] for split in ("train", "val", "test")} == bands.CLASS_ROWS
