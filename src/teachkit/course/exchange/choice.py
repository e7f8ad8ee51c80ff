"""Choosing the exchange: a bucket when one is named, else nbgrader's own folder."""

import os
from typing import Any

VARIABLE = "TEACHKIT_EXCHANGE"
VERBS = {
    "fetch_assignment": "ExchangeFetchAssignment",
    "fetch_feedback": "ExchangeFetchFeedback",
    "release_assignment": "ExchangeReleaseAssignment",
    "release_feedback": "ExchangeReleaseFeedback",
    "list": "ExchangeList",
    "collect": "ExchangeCollect",
    "submit": "ExchangeSubmit",
}


def use_bucket(config: Any) -> None:
    """Let nbgrader's settings `config` exchange over the bucket that TEACHKIT_EXCHANGE names, if it does."""
    if not os.environ.get(VARIABLE):
        return
    config.ExchangeFactory.exchange = f"{__package__}.base.Exchange"
    for verb, name in VERBS.items():
        setattr(config.ExchangeFactory, verb, f"{__package__}.{verb}.{name}")
