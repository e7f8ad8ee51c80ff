"""What lateness costs."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets.config import Config

from teachkit.course.late import LatePolicy, penalty


@pytest.mark.parametrize(
    ("late", "share"),
    [
        (timedelta(seconds=1), 0.0),
        (timedelta(minutes=10), 0.0),
        (timedelta(minutes=10, seconds=1), 0.1),
        (timedelta(days=1), 0.1),
        (timedelta(days=1, seconds=1), 0.2),
        (timedelta(days=4, hours=1), 0.5),
        (timedelta(days=100), 0.5),
    ],
)
def test_each_day_begun_costs_a_share_up_to_a_limit(late: timedelta, share: float) -> None:
    assert penalty(20, late) == pytest.approx(20 * share)


@settings(deadline=None)
@given(st.floats(0, 1e6), st.timedeltas(timedelta(), timedelta(days=999)))
def test_nobody_loses_more_than_the_limit_or_gains(score: float, late: timedelta) -> None:
    assert 0 <= penalty(score, late) <= score


def test_the_numbers_come_from_the_settings() -> None:
    settings = Config({"LatePolicy": {"grace_minutes": 0, "per_day": 0.25, "most": 1.0}})
    policy = LatePolicy(config=settings)
    assert policy.late_submission_penalty("ada", 8, 60) == 2
    assert policy.late_submission_penalty("ada", 8, 5 * 86_400) == 8
