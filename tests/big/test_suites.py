"""Suites are data: the twelve sets of BIG from the registry, and manifests of one's own."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from teachkit import big, data
from teachkit.errors import FormatError, SettingsError, UnknownNameError


def test_big_is_the_twelve_sets_with_the_rows_of_the_registry() -> None:
    suite = big.find_suite("big")
    assert len(suite) == 12
    assert suite.rows == 119_320
    assert suite.columns == 14
    assert suite.sizes == (28, 64, 128, 224)
    assert suite.version == "medmnist 3.0.2"
    tasks = [member.task for member in suite]
    assert {task: tasks.count(task) for task in tasks} == {
        "multi-class": 8,
        "multi-label": 1,
        "binary": 2,
        "ordinal": 1,
    }


def test_the_digest_of_big_changes_only_with_its_version() -> None:
    """Scores of two suites with one digest may stand in one table. Whoever changes a count sees this fail."""
    assert big.find_suite("big").digest == "3ff6229f5c78"


def test_the_digest_depends_on_what_scores_depend_on(suite: big.Suite) -> None:
    first, *others = suite.sets
    assert replace(suite, sets=(replace(first, rows=5), *others)).digest != suite.digest
    assert replace(suite, version="2").digest != suite.digest
    assert replace(suite, sets=(replace(first, title="Other words"), *others)).digest == suite.digest


def test_a_manifest_is_read_back(suite: big.Suite, tmp_path: Path) -> None:
    path = suite.save(tmp_path / "toy.suite.json")
    assert big.Suite.read(path) == suite
    assert big.find_suite(path) == suite
    assert big.find_suite("toy", beside=tmp_path / "predictions.csv") == suite


def test_a_manifest_that_was_changed_is_refused(suite: big.Suite, tmp_path: Path) -> None:
    path = suite.save(tmp_path / "toy.suite.json")
    told = json.loads(path.read_text())
    told["sets"].pop()  # the hard set is gone
    path.write_text(json.dumps(told))
    with pytest.raises(FormatError, match="was changed after it was written"):
        big.Suite.read(path)


@pytest.mark.parametrize("content", ["{", "[]", '{"name": "x"}', '{"sets": [{"rows": 1}]}'])
def test_what_is_no_manifest_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.suite.json").write_text(content)
    with pytest.raises(FormatError, match="is no manifest of a suite"):
        big.find_suite("x", beside=tmp_path / "predictions.csv")


def test_an_unknown_suite_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"no manifest '.*course.suite.json'"):
        big.find_suite("course", beside=tmp_path / "predictions.csv")


def test_a_suite_follows_the_test_splits_it_is_made_of(offline: Path) -> None:
    digits = data.load("digits", "test")
    suite = big.Suite.of("course", [digits[:100]])
    (member,) = suite
    assert (member.name, member.task, member.rows, len(member.classes)) == ("digits", "multi-class", 100, 10)
    assert suite.sizes == (28,)


def test_sets_without_classes_cannot_join(offline: Path) -> None:
    with pytest.raises(SettingsError, match="'wisconsin' is a regression set"):
        big.Suite.of("course", [data.load("wisconsin", "test")])


def test_a_suite_has_each_set_once(suite: big.Suite) -> None:
    with pytest.raises(SettingsError, match="each one once"):
        replace(suite, sets=(*suite.sets, suite.sets[0]))
    with pytest.raises(SettingsError, match="the sets none"):
        replace(suite, sets=())


def test_an_unknown_set_is_answered_with_the_nearest(suite: big.Suite) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'grades'"):
        _ = suite["grade"]


def test_sizes_are_numbers_that_json_takes(suite: big.Suite, tmp_path: Path) -> None:
    images = np.zeros((4, 32, 32), np.uint8)
    split = data.load("digits", "test")[:4].replace(images=images, size=32)
    path = big.Suite.of("mine", [split]).save(tmp_path / "mine.suite.json")
    assert big.Suite.read(path).sizes == (32,)
