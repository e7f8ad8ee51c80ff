"""Handing in by a program: the token, the answers, and `teachkit big submit`."""

import threading

import pytest
from django.test import Client
from typer.testing import CliRunner

from teachkit.cli.big import app
from teachkit.leaderboard import client
from teachkit.leaderboard.people.models import Token
from teachkit.leaderboard.submissions.models import Submission

pytestmark = pytest.mark.django_db


def send(path, token, **more):
    """Post a file with a token."""
    with path.open("rb") as stream:
        told = {"file": stream, "model_name": "net", "size": 28, **more}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Client(enforce_csrf_checks=True).post(
            "/api/challenges/toy/submissions/", told, headers=headers
        )


def test_a_token_hands_in_and_asks(challenge, member_of, file_of, score_here):
    token = Token.issue(member_of("Owls"), "laptop")
    answer = send(file_of(), token)
    assert answer.status_code == 202
    told = answer.json()
    assert "9 more now" in told["left"]
    score_here()
    headers = {"Authorization": f"Bearer {token}"}
    found = Client().get(f"/api/submissions/{told['id']}/", headers=headers).json()
    assert found["state"] == "scored"
    assert 0 < found["mean"]["auc"] <= 1


def test_the_stored_token_is_a_hash_and_a_dropped_one_opens_nothing(challenge, member_of, file_of, as_user):
    owl = member_of("Owls")
    secret = Token.issue(owl, "laptop")
    token = Token.objects.get()
    assert secret not in (token.digest, token.start)
    as_user(owl).post(f"/profile/tokens/{token.pk}/drop/")
    assert send(file_of(), secret).status_code == 401


@pytest.mark.parametrize("token", ["", "tk_wrong", "nonsense with spaces"])
def test_without_a_valid_token_nothing_is_taken(challenge, file_of, token):
    answer = send(file_of(), token)
    assert answer.status_code == 401
    assert "TEACHKIT_TOKEN" in answer.json()["remedy"]
    assert Submission.objects.count() == 0


def test_a_session_alone_hands_in_nothing_by_the_api(challenge, member_of, file_of, as_user):
    with file_of().open("rb") as stream:
        told = {"file": stream, "model_name": "net", "size": 28}
        answer = as_user(member_of("Owls")).post("/api/challenges/toy/submissions/", told)
    assert answer.status_code == 401


def test_a_program_sees_entries_of_its_own_team_only(challenge, member_of, file_of):
    owl, fox = member_of("Owls"), member_of("Foxes")
    number = send(file_of(), Token.issue(owl, "a")).json()["id"]
    headers = {"Authorization": f"Bearer {Token.issue(fox, 'b')}"}
    assert Client().get(f"/api/submissions/{number}/", headers=headers).status_code == 404


def test_a_javascript_link_is_refused_field_by_field(challenge, member_of, file_of):
    answer = send(file_of(), Token.issue(member_of("Owls"), "a"), link="javascript:alert(1)")
    assert answer.status_code == 400
    assert "link" in answer.json()["fields"]


@pytest.mark.django_db(transaction=True)
def test_the_command_checks_sends_and_waits(
    challenge, member_of, file_of, score_here, live_server, monkeypatch
):
    monkeypatch.setenv("TEACHKIT_TOKEN", Token.issue(member_of("Owls"), "laptop"))
    path = file_of(skill=2)
    options = ["--server", live_server.url, "--challenge", "toy", "--model", "small net"]
    stop = threading.Event()

    def work():
        from django.db import connections

        while not stop.wait(0.2):
            score_here()
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        done = CliRunner().invoke(app, ["submit", str(path), *options])
    finally:
        stop.set()
        worker.join()
    assert done.exit_code == 0, done.output
    entry = Submission.objects.get()
    assert f"/submissions/{entry.pk}/" in done.output
    mean = entry.result.detail["parts"]["public"]["mean"]["auc"]
    assert f"auc {mean:.4f}" in done.output


@pytest.mark.django_db(transaction=True)
def test_a_file_with_faults_is_not_sent(challenge, member_of, file_of, live_server, monkeypatch):
    monkeypatch.setenv("TEACHKIT_TOKEN", Token.issue(member_of("Owls"), "laptop"))
    path = file_of()
    path.write_text(path.read_text().replace("breast,6", "breast,999"))
    options = ["--server", live_server.url, "--challenge", "toy", "--model", "net"]
    done = CliRunner().invoke(app, ["submit", str(path), *options])
    assert "line 8" in done.output
    assert "was not sent" in str(done.exception)
    assert Submission.objects.count() == 0


def test_a_token_does_not_travel_without_encryption(monkeypatch, file_of, challenge):
    monkeypatch.setenv("TEACHKIT_TOKEN", "tk_x")
    options = ["--server", "http://board.example.org", "--model", "net"]
    done = CliRunner().invoke(app, ["submit", str(file_of()), *options])
    assert "https://" in str(done.exception)


@pytest.mark.parametrize(
    ("status", "misses", "waits"), [(503, 60, True), (None, 60, True), (503, 61, False), (404, 1, False)]
)
def test_who_waits_for_a_score_waits_for_a_site_that_is_away(monkeypatch, status, misses, waits):
    told = {} if status is None else {"status": status}
    answers = [client.SubmissionRefusedError("away", "", **told)] * misses + [
        {"state": "scored", "settled": True}
    ]

    def ask(*_):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(client, "REST_SECONDS", 0.0)
    site = client.Site("http://127.0.0.1", "x")
    monkeypatch.setattr(client.Site, "_ask", lambda _, *asked: ask(*asked))
    if waits:
        assert site.wait(1)["state"] == "scored"
    else:
        with pytest.raises(client.SubmissionRefusedError):
            site.wait(1)
