"""Ten in any 24 hours and a hundred in all, by team; nobody gets one more by being quick."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teachkit.leaderboard.people.models import Membership, Team
from teachkit.leaderboard.submissions import limits
from teachkit.leaderboard.submissions.models import Submission

pytestmark = pytest.mark.django_db


def entry(team, challenge, created, **more):
    """A submission without a file."""
    return Submission.objects.create(
        team=team,
        challenge=challenge,
        created=created,
        size=28,
        track="standard",
        model_name="net",
        file_name="p.csv",
        sha256="0" * 64,
        bytes=1,
        **more,
    )


def test_the_eleventh_in_a_day_is_refused_and_told_when(challenge, member_of, hand_in, file_of):
    owl = member_of("Owls")
    first = timezone.now() - timedelta(hours=23)
    for index in range(10):
        entry(owl.team, challenge, first + timedelta(minutes=index))
    answer = hand_in(owl, challenge, file_of())
    assert answer.status_code == 409
    assert f"{first + timedelta(hours=24):%d %B %Y at %H:%M:%S} UTC" in answer.content.decode()
    assert Submission.objects.count() == 10


def test_a_slot_is_free_again_after_24_hours_and_not_at_midnight(challenge, member_of):
    team = member_of("Owls").team
    first = timezone.now().replace(hour=23, minute=59, second=0, microsecond=0)
    for index in range(10):
        entry(team, challenge, first + timedelta(seconds=index))
    assert limits.room(team, challenge, first + timedelta(minutes=5)).left == 0
    assert limits.room(team, challenge, first + timedelta(hours=23, minutes=59)).left == 0
    assert limits.room(team, challenge, first + timedelta(hours=24, seconds=0.5)).left == 1


def test_the_hundredth_is_the_last(challenge, member_of, hand_in, file_of):
    owl = member_of("Owls")
    for day in range(100):
        entry(owl.team, challenge, timezone.now() - timedelta(days=day + 2))
    answer = hand_in(owl, challenge, file_of())
    assert "All submissions of your team are used." in answer.content.decode()
    assert limits.room(owl.team, challenge, timezone.now()).next_slot is None


def test_a_second_member_has_no_second_limit(challenge, member_of, hand_in, file_of):
    owl = member_of("Owls")
    other = member_of("Owls", "second@example.org")
    assert Membership.objects.filter(team=owl.team).count() == 2
    for _ in range(10):
        entry(owl.team, challenge, timezone.now())
    assert hand_in(other, challenge, file_of()).status_code == 409


def test_another_challenge_has_a_limit_of_its_own(challenge, member_of):
    from teachkit.leaderboard.challenges.models import Challenge

    team = member_of("Owls").team
    second = Challenge.objects.create(slug="second", title="Second", suite_text=challenge.suite_text)
    entry(team, challenge, timezone.now())
    assert limits.room(team, second, timezone.now()).left == 10


def test_times_ahead_of_a_clock_that_was_set_back_still_count(challenge, member_of):
    team = member_of("Owls").team
    now = timezone.now()
    for _ in range(10):
        entry(team, challenge, now + timedelta(days=3))
    assert limits.room(team, challenge, now).left == 0


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=st.lists(st.floats(0, 60), max_size=25), given_back=st.sets(st.integers(0, 24)))
def test_what_is_left_equals_a_count_by_hand_and_the_next_slot_is_truly_free(challenge, hours, given_back):
    now = timezone.now()
    team = Team.objects.create(name=f"team {Team.objects.count()}")
    times = []
    for index, ago in enumerate(hours):
        created = now - timedelta(hours=ago)
        entry(team, challenge, created, counts=index not in given_back)
        if index not in given_back:
            times.append(created)
    found = limits.room(team, challenge, now)
    assert found.left == max(0, 10 - sum(time > now - timedelta(hours=24) for time in times))
    if found.next_slot:
        just_before = found.next_slot - timedelta(seconds=1)
        assert limits.room(team, challenge, just_before).left == 0
        assert limits.room(team, challenge, found.next_slot).left >= 1
    Submission.objects.filter(team=team).delete()


@pytest.mark.django_db(transaction=True)
def test_forty_at_once_at_limit_ten_accept_exactly_ten(challenge, member_of, as_user):
    owl = member_of("Owls")
    start = Barrier(40)
    clients = [as_user(owl) for _ in range(40)]

    def send(number: int) -> int:
        import io

        stream = io.BytesIO(f"dataset,id,p0\nbreast,{number},1\n".encode())
        stream.name = "p.csv"
        try:
            start.wait(60)
            told = {"file": stream, "model_name": "net", "size": 28}
            return clients[number].post("/challenges/toy/submit/", told).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(send, range(40)))
    assert sorted(answers) == [302] * 10 + [409] * 30
    assert Submission.objects.count() == 10
