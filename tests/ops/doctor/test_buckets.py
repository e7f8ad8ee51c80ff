"""Buckets are asked within a limit of time, and the answer says as whom."""

import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from teachkit.cloud.identity import Identity
from teachkit.errors import FetchError, StorageRefusedError
from teachkit.ops.doctor import buckets
from teachkit.ops.doctor.limits import within


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has signed in and no bucket is named."""
    for name in ("TEACHKIT_BUCKET", "TEACHKIT_EXCHANGE", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


@pytest.fixture
def stored(storage_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket ``class`` with two releases and one hand-in."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    client = storage.Client(project="test", credentials=AnonymousCredentials())
    bucket = client.create_bucket("class")
    for name in (
        "a.npz",
        "t/teachkit/outbound/01.tar.gz",
        "t/teachkit/outbound/02.tar.gz",
        "t/teachkit/inbound/x",
    ):
        bucket.blob(name).upload_from_string(b"1")
    yield "gs://class"
    bucket.delete(force=True)


def test_without_a_bucket_nothing_is_asked() -> None:
    (check,) = buckets.bucket_checks(None)
    assert (check.name, check.state) == ("buckets", "ok")
    assert "neither TEACHKIT_BUCKET nor TEACHKIT_EXCHANGE" in check.found


def test_a_bucket_of_data_answers_and_the_asker_is_named(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEACHKIT_BUCKET", stored)
    (check,) = buckets.bucket_checks(None)
    assert check.state == "ok"
    assert "gs://class answers: files: 1, folders: 1; asked anonymously" in check.found


def test_the_exchange_is_asked_only_for_what_students_may_list(
    stored: str, between: Callable, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    asked: list[str] = []
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", between(lambda method, path, body: asked.append(path)))
    monkeypatch.setenv("TEACHKIT_EXCHANGE", f"{stored}/t")
    (check,) = buckets.bucket_checks(root)
    assert (check.name, check.state) == ("exchange", "ok")
    assert "releases of teachkit: 2;" in check.found
    assert asked
    assert all("prefix=t/teachkit/outbound/" in path for path in asked if "/o?" in path)


def test_a_bucket_that_is_not_there_is_a_problem_in_one_sentence(
    storage_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    monkeypatch.setenv("TEACHKIT_BUCKET", "gs://nowhere")
    (check,) = buckets.bucket_checks(None)
    assert (check.state, check.found) == ("problem", "There is no bucket gs://nowhere.")
    assert "TEACHKIT_BUCKET" in check.remedy


def test_an_address_that_is_none_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHKIT_BUCKET", "s3://bucket")
    (check,) = buckets.bucket_checks(None)
    assert check.state == "problem"
    assert "is not the address of a bucket" in check.found


def test_a_server_that_never_answers_is_given_up(
    serve: Callable[[type[BaseHTTPRequestHandler]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(1)

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", serve(Silent))
    monkeypatch.setenv("TEACHKIT_EXCHANGE", "gs://class")
    monkeypatch.setattr(buckets, "PATIENCE_S", 0.2)
    (check,) = buckets.bucket_checks(None)
    assert check.state == "problem"
    assert check.found == "gs://class gives no answer within 0.2 seconds."


def test_an_answer_in_time_is_handed_on_and_so_is_an_error() -> None:
    assert within(5, "it", lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        within(5, "it", lambda: 1 // 0)
    with pytest.raises(FetchError, match=r"It gives no answer within 0\.01 seconds"):
        within(0.01, "It", lambda: time.sleep(0.3))


def test_a_sign_in_that_has_ended_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    user = Identity("user", source="the sign-in saved by gcloud")
    monkeypatch.setattr(buckets, "_who", lambda: user)
    monkeypatch.setattr(buckets, "named", lambda who: replace(who, name="ada@uni.org"))
    assert "as a user ada@uni.org" in buckets.account_check().found

    def refused(who: Identity) -> Identity:
        raise StorageRefusedError("It no longer works.", "Sign in again.")

    monkeypatch.setattr(buckets, "named", refused)
    assert (buckets.account_check().state, buckets.account_check().remedy) == ("problem", "Sign in again.")

    def silent(who: Identity) -> Identity:
        raise FetchError("No answer.")

    monkeypatch.setattr(buckets, "named", silent)
    assert buckets.account_check().found == "The cloud is asked as a user (the sign-in saved by gcloud)."


def test_the_account_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metadata_server: Callable
) -> None:
    assert "Nobody is signed in" in buckets.account_check().found
    metadata_server()
    assert "as the service account ada@p.iam.gserviceaccount.com" in buckets.account_check().found
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "gone.json"))
    check = buckets.account_check()
    assert check.state == "problem"
    assert "gone.json cannot be read" in check.found
