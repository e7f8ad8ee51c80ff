"""Who asks the cloud is read from the places where the client library looks, in its order."""

import base64
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from teachkit.cloud.identity import Identity, identity, named
from teachkit.cloud.metadata import Instance
from teachkit.errors import StorageRefusedError

HERE = Instance("vm", "n1-standard-4", "zone", account="vm@p.iam.gserviceaccount.com")


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nobody has signed in."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


def key_file(path: Path, content: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_without_any_sign_in_nobody_asks() -> None:
    assert identity().kind == "nobody"
    assert str(identity()) == "anonymously (nobody is signed in)"


def test_a_machine_of_the_cloud_asks_as_its_service_account() -> None:
    assert str(identity(HERE)) == "as the service account vm@p.iam.gserviceaccount.com (of this machine)"


def test_a_saved_sign_in_goes_before_the_machine(tmp_path: Path) -> None:
    key_file(tmp_path / "gcloud" / "application_default_credentials.json", {"type": "authorized_user"})
    assert str(identity(HERE)) == "as a user (the sign-in saved by gcloud)"


def test_a_key_file_goes_before_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key_file(tmp_path / "gcloud" / "application_default_credentials.json", {"type": "authorized_user"})
    key = key_file(tmp_path / "key.json", {"type": "service_account", "client_email": "ci@p.com"})
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    found = identity(HERE)
    assert (found.kind, found.name) == ("service account", "ci@p.com")


@pytest.mark.parametrize("content", ["[]", "{", "{}", '"text"'])
def test_a_key_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "key.json").write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    found = identity(HERE)
    assert (found.kind, found.name) == ("unreadable", str(tmp_path / "key.json"))


def test_the_client_library_looks_in_the_same_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth import _cloud_sdk, environment_vars

    assert _cloud_sdk.get_application_default_credentials_path() == str(
        tmp_path / "gcloud" / "application_default_credentials.json"
    )
    assert environment_vars.CREDENTIALS == "GOOGLE_APPLICATION_CREDENTIALS"


class Service(BaseHTTPRequestHandler):
    """A sign-in service that knows one refresh token."""

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        known = body["refresh_token"] == ["good"]
        claims = base64.urlsafe_b64encode(json.dumps({"email": "ada@uni.org"}).encode()).decode().rstrip("=")
        header = base64.urlsafe_b64encode(b'{"alg": "none"}').decode().rstrip("=")
        said = {"access_token": "t", "expires_in": 9, "id_token": f"{header}.{claims}.AA"}
        answer = json.dumps(said if known else {"error": "invalid_grant"}).encode()
        self.send_response(200 if known else 400)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str], Identity]:
    """`saved("good")` is who asks with a saved sign-in that holds this token."""

    def sign_in(token: str) -> Identity:
        content = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": token}
        key_file(tmp_path / "gcloud" / "application_default_credentials.json", content)
        return identity()

    return sign_in


def test_a_saved_sign_in_that_is_damaged_no_longer_works(tmp_path: Path) -> None:
    key_file(tmp_path / "gcloud" / "application_default_credentials.json", {"type": "authorized_user"})
    with pytest.raises(StorageRefusedError, match="no longer works"):
        named(identity())


@pytest.fixture
def service(serve: Callable[[type[BaseHTTPRequestHandler]], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The sign-in service is one on this machine."""
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", serve(Service))


def test_the_address_of_a_user_is_asked_of_the_sign_in_service(
    service: None, saved: Callable[[str], Identity]
) -> None:
    who = named(saved("good"))
    assert str(who) == "as a user ada@uni.org (the sign-in saved by gcloud)"
    assert named(who) is who


def test_a_sign_in_that_has_ended_is_said(service: None, saved: Callable[[str], Identity]) -> None:
    with pytest.raises(StorageRefusedError, match="The sign-in saved by gcloud no longer works"):
        named(saved("old"))


def test_without_a_network_the_address_stays_unknown(
    saved: Callable[[str], Identity], monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setattr(
        "google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"http://127.0.0.1:{free_port}"
    )
    who = saved("good")
    assert named(who) == who


def test_others_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert named(identity(HERE)) == identity(HERE)
    assert named(identity()) == identity()
