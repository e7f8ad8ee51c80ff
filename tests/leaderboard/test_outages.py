"""Full disks and databases that go away: no entry is lost, none counts twice, and people are told why."""

import subprocess
import sys
import time

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from teachkit.leaderboard.people.models import Token
from teachkit.leaderboard.submissions import queue
from teachkit.leaderboard.submissions.models import Job, Result, Score, Submission
from teachkit.leaderboard.submissions.worker import Worker

pytestmark = pytest.mark.django_db


def test_a_full_disk_refuses_the_file_and_uses_no_slot(challenge, member_of, hand_in, file_of, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("teachkit.leaderboard.submissions.receiving.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        hand_in(member_of("Owls"), challenge, file_of())
    assert Submission.objects.count() == 0
    assert list((challenge.labels_path.parents[1] / "uploads").iterdir()) == []


def test_a_full_disk_is_told_as_such_to_people_and_programs(
    challenge, member_of, file_of, as_user, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("teachkit.leaderboard.submissions.receiving.os.fsync", full)
    owl = member_of("Owls")
    person = as_user(owl)
    person.raise_request_exception = False
    told = {"model_name": "net", "size": 28}
    with file_of().open("rb") as stream:
        answer = person.post("/challenges/toy/submit/", {**told, "file": stream})
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "The disk of this site is full." in answer.content.decode()
    program = Client(
        raise_request_exception=False, headers={"authorization": f"Bearer {Token.issue(owl, 'x')}"}
    )
    with file_of().open("rb") as stream:
        answer = program.post("/api/challenges/toy/submissions/", {**told, "file": stream})
    assert answer.status_code == 503
    assert "full" in answer.json()["error"]
    assert Submission.objects.count() == 0


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_told_as_such_and_other_errors_are_not(
    challenge, client, monkeypatch, error
):
    def away(*_, **__):
        raise error("server closed the connection")

    client.raise_request_exception = False
    monkeypatch.setattr("teachkit.leaderboard.pages.views.board", away)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "database of this site is away" in answer.content.decode()
    error = KeyError
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Our fault" in answer.content.decode()


def test_a_worker_whose_disk_is_full_gives_the_slot_back_after_three_times(waiting, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("teachkit.leaderboard.submissions.worker.score_confined", full)
    worker = Worker()
    assert [worker.once() for _ in range(4)] == [True, True, True, False]
    waiting.refresh_from_db()
    assert (waiting.state, waiting.counts, waiting.trouble) == ("failed", False, "OSError while scoring.")


def test_a_job_that_ends_while_the_database_is_away_is_written_when_it_is_back(waiting, monkeypatch):
    """It comes back after two tries; in between a sign of life is no reason to end the work."""
    real, tries = queue.finish, []

    def finish(job, found):
        tries.append(job)
        if len(tries) < 3:
            raise OperationalError("server closed the connection")
        return real(job, found)

    def away(_):
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(queue, "finish", finish)
    monkeypatch.setattr(queue, "renew", away)
    monkeypatch.setattr("teachkit.leaderboard.submissions.worker.REST_SECONDS", 0.0)
    monkeypatch.setattr("teachkit.leaderboard.submissions.worker.close_old_connections", lambda: None)
    worker = Worker()
    monkeypatch.setattr(
        "teachkit.leaderboard.submissions.worker.score_confined",
        lambda _, beat: beat() and {"faults": [["p.csv", 1, "", "", "no rows"]]},
    )
    assert worker.once()
    assert len(tries) == 3
    assert (Job.objects.get().state, Job.objects.get().attempts) == ("done", 1)


def test_a_worker_that_is_told_to_stop_does_not_wait_for_the_database():
    def away():
        raise OperationalError("away")

    worker = Worker()
    worker.stop()
    with pytest.raises(OperationalError):
        worker.write(away)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_workers_and_a_database_that_starts_again_score_each_entry_once(
    challenge, member_of, hand_in, file_of, environment, restart_database
):
    owl = member_of("Owls")
    for seed in range(6):
        hand_in(owl, challenge, file_of(f"{seed}.csv", seed=seed))
    command = [sys.executable, "-m", "teachkit.cli", "site", "worker"]
    workers = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for _ in range(2)]

    def wait_until(reached):
        end = time.monotonic() + 120
        while not reached():
            assert time.monotonic() < end, list(Job.objects.values())
            time.sleep(0.05)

    try:
        wait_until(lambda: Job.objects.filter(state="running").count() == 2)
        restart_database()
        wait_until(lambda: not Job.objects.exclude(state="done").exists())
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait(60)
    assert set(Submission.objects.values_list("state", flat=True)) == {"scored"}
    assert Result.objects.count() == 6
    assert Score.objects.filter(place="mean", metric="auc").count() == 6
    assert len(set(Job.objects.values_list("worker", flat=True))) == 2
    assert Submission.objects.counted(owl.team, challenge).count() == 6
