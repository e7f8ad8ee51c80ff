"""Which exchange is in force: a bucket when one is named, else nbgrader's own folder."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbgrader.exchange import ExchangeFactory
from nbgrader.exchange import default as folder
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

VERBS = {
    "fetch_assignment": "FetchAssignment",
    "fetch_feedback": "FetchFeedback",
    "release_assignment": "ReleaseAssignment",
    "release_feedback": "ReleaseFeedback",
    "list": "List",
    "submit": "Submit",
    "collect": "Collect",
}


def course_settings(root: Path) -> Config:
    """The settings of this course, as nbgrader reads them now."""
    return PyFileConfigLoader("nbgrader_config.py", path=str(root / "quizzes")).load_config()


def test_without_a_bucket_nbgraders_own_folder_is_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEACHKIT_EXCHANGE", raising=False)
    factory = ExchangeFactory(config=course_settings(root))
    for setting, verb in VERBS.items():
        assert getattr(factory, setting) is getattr(folder, f"Exchange{verb}")


def test_with_a_bucket_every_verb_is_ours_and_made_without_asking_anybody(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_: Any) -> None:
        raise AssertionError("the server was asked")

    monkeypatch.setenv("TEACHKIT_EXCHANGE", "gs://no-such-bucket/term")
    monkeypatch.setattr("teachkit.course.exchange.base.open_store", nobody)
    config = course_settings(root)
    factory = ExchangeFactory(config=config)
    for verb in VERBS.values():
        made = getattr(factory, verb)(config=config)
        assert sys.modules[type(made).__module__].__package__ == "teachkit.course.exchange"
        assert made.assignment_dir == "."
        assert made.url == "gs://no-such-bucket/term"


@pytest.mark.parametrize("address", ["my-bucket/term", "s3://my-bucket", "gs://", "/shared/exchange"])
def test_an_address_that_is_none_is_told_in_one_sentence(
    address: str, person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = person("ada")
    monkeypatch.setenv("TEACHKIT_EXCHANGE", address)
    done = ada.nbgrader("list")
    assert done.code == 1
    assert f"'{address}'" in done.log
    assert "Traceback" not in done.log
