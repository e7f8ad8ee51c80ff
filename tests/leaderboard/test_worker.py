"""No entry is lost and none counts twice, whatever happens to a worker."""

import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection

import numpy as np
import pytest
from django.utils import timezone

from teachkit.errors import SettingsError
from teachkit.leaderboard import running
from teachkit.leaderboard.challenges.opening import keep_labels
from teachkit.leaderboard.submissions import models, queue, upkeep
from teachkit.leaderboard.submissions.models import Job, Result, Score, Submission
from teachkit.leaderboard.submissions.probes import SILENT_SECONDS, answer_probes
from teachkit.leaderboard.submissions.worker import Worker

pytestmark = pytest.mark.django_db
FOUND = {
    "parts": {
        "public": {
            "sets": {"breast": {"auc": 0.5, "kappa": None}},
            "mean": {"auc": 0.5, "balacc": 0.5, "kappa": 0.5},
            "rankable": True,
            "intervals": {},
            "missing": [],
            "undefined": [],
            "bootstrap": 0,
        }
    }
}


@pytest.fixture
def clock(monkeypatch):
    """`clock(minutes=3)` lets time pass for the site."""
    started = timezone.now()
    ahead = [timedelta()]
    monkeypatch.setattr(models, "now", lambda: started + ahead[0])

    def move(**by):
        ahead[0] += timedelta(**by)

    return move


def test_of_two_workers_one_gets_the_job(waiting):
    assert queue.claim("one") is not None
    assert queue.claim("two") is None


def test_two_workers_that_saw_the_same_job_do_not_both_get_it(waiting, monkeypatch):
    """The second one read the row before the first one took it."""
    seen = list(Job.objects.all())
    assert queue.claim("one") is not None
    real = Job.objects.filter

    class Stale:
        def order_by(self, *_):
            return seen

    calls = []

    def first_call_is_stale(*arguments, **named):
        calls.append(named)
        return Stale() if len(calls) == 1 else real(*arguments, **named)

    monkeypatch.setattr(Job.objects, "filter", first_call_is_stale)
    assert queue.claim("two") is None
    assert len(calls) == 2


def test_a_job_of_a_dead_worker_is_taken_over_when_its_lease_is_over(waiting, clock):
    first = queue.claim("dies")
    clock(seconds=10)
    assert queue.claim("waits") is None
    clock(seconds=25)
    second = queue.claim("takes over")
    assert second.pk == first.pk
    assert not queue.renew(first)
    assert not queue.finish(first, FOUND)
    assert Result.objects.count() == 0
    assert queue.finish(second, FOUND)
    assert not queue.finish(second, FOUND)
    assert Result.objects.count() == 1


def test_a_worker_that_renews_keeps_its_job(waiting, clock):
    job = queue.claim("slow")
    for _ in range(5):
        clock(seconds=20)
        assert queue.renew(job)
        assert queue.claim("other") is None
    assert queue.finish(job, FOUND)


def test_a_job_that_kills_every_worker_fails_and_gives_the_slot_back(waiting, clock):
    for _ in range(3):
        assert queue.claim("dies") is not None
        clock(minutes=1)
    assert queue.claim("fourth") is None
    waiting.refresh_from_db()
    assert (waiting.state, waiting.counts) == ("failed", False)
    assert Job.objects.get().state == "failed"


def test_a_clock_that_is_set_back_blocks_no_job(waiting, clock):
    queue.claim("dies")
    clock(days=-2)
    assert queue.claim("other") is not None


def test_undefined_scores_get_no_row_and_no_place(waiting):
    queue.finish(queue.claim("one"), FOUND)
    assert Score.objects.filter(place="breast", metric="auc").exists()
    assert not Score.objects.filter(metric="kappa", place="breast").exists()


def test_scoring_again_with_other_labels_keeps_the_old_scores_as_history(
    waiting, challenge, score_here, client
):
    score_here()
    old = Score.objects.get(place="mean", metric="auc").value
    assert upkeep.rescore(challenge) == 0
    with np.load(challenge.labels_path) as archive:
        flipped = {**archive, "breast": 1 - archive["breast"]}
    keep_labels(challenge, flipped)
    assert upkeep.rescore(challenge) == 1
    assert upkeep.rescore(challenge) == 0
    assert score_here() == 1
    assert Result.objects.count() == 2
    new = Score.objects.get(place="mean", metric="auc", current=True).value
    assert new != old
    rows = client.get("/challenges/toy/board/?format=json").json()["rows"]
    assert [row["value"] for row in rows] == [new]


def test_a_repeated_scoring_that_fails_leaves_the_scores_before_it(waiting, challenge, score_here, clock):
    score_here()
    Job.objects.create(submission=waiting, scorer="newer")
    for _ in range(3):
        queue.give_up(queue.claim("one"), "broken")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.counts) == ("scored", True)
    assert waiting.result is not None


def test_labels_are_readable_by_their_owner_only(challenge):
    assert challenge.labels_path.stat().st_mode & 0o777 == 0o400
    assert challenge.labels_path.parent.stat().st_mode & 0o077 == 0


def test_a_worker_does_not_start_while_other_accounts_can_read_the_labels(challenge):
    challenge.labels_path.chmod(0o440)
    with pytest.raises(SettingsError, match=challenge.labels) as told:
        Worker().run()
    assert "chmod 400" in str(told.value)
    with pytest.raises(SettingsError, match=challenge.labels):
        running.serve("127.0.0.1", 1, 1)


def test_what_the_privacy_page_promises_to_forget_is_forgotten(challenge, member_of, site):
    from teachkit.leaderboard.people.models import User

    now = timezone.now()
    User.objects.create_user("never@example.org", "x", joined=now - timedelta(days=31))
    member_of("Owls")
    (site / "uploads").mkdir()
    stray = site / "uploads" / "stray"
    stray.write_bytes(b"")
    os.utime(stray, (0, 0))
    found = upkeep.forget(now)
    assert (found["accounts"], found["files"]) == (1, 1)
    assert User.objects.count() == 1


def test_a_worker_tells_those_who_watch_it_whether_it_lives(free_port, monkeypatch):
    seen = [time.monotonic()]
    server = answer_probes("127.0.0.1", free_port, lambda: seen[0])

    def status():
        with closing(HTTPConnection("127.0.0.1", free_port, timeout=10)) as asked:
            asked.request("GET", "/")
            return asked.getresponse().status

    try:
        assert status() == 200
        seen[0] -= SILENT_SECONDS
        assert status() == 503
    finally:
        server.shutdown()
        server.server_close()


def test_a_worker_gives_signs_of_life_while_it_scores(waiting):
    worker = Worker()
    worker.seen = before = 0.0
    job = queue.claim(worker.name)
    assert worker.beat(job)
    assert worker.seen > before
    queue.finish(job, FOUND)
    assert not worker.beat(job)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["claimed", "scoring", "writing", "done"])
def test_kill_minus_nine_at_each_state_of_a_job_loses_nothing(
    waiting, challenge, environment, clock, site, held_back, state
):
    """A real worker in a process of its own is killed; another one finishes what is left to do."""

    def wait_until(reached):
        end = time.monotonic() + 120
        while not reached():
            assert time.monotonic() < end, Job.objects.get().state
            time.sleep(0.01)

    command = [sys.executable, "-m", "teachkit.cli", "site", "worker"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: Job.objects.get().state != "waiting")
        if state == "scoring":
            wait_until(lambda: list((site / "work").glob("*/stderr")))
        if state == "writing":
            with held_back(Submission):
                wait_until(lambda: list((site / "work").glob("*/result.json")) or waiting.table_path.exists())
                process.kill()
        if state == "done":
            wait_until(lambda: Job.objects.get().state == "done")
        process.kill()
    job = Job.objects.get()
    assert job.state == ("done" if state == "done" else "running")
    assert Result.objects.count() == (1 if state == "done" else 0)
    clock(minutes=5)
    assert Worker().once() == (state != "done")
    assert not Worker().once()
    waiting.refresh_from_db()
    assert waiting.state == "scored"
    assert Result.objects.count() == 1
    assert Score.objects.filter(place="mean", metric="auc").count() == 1
    assert Submission.objects.counted(waiting.team, challenge).count() == 1
    for left_over in (site / "work").glob("*"):
        os.utime(left_over, (0, 0))
    upkeep.forget(timezone.now())
    assert list((site / "work").iterdir()) == []
