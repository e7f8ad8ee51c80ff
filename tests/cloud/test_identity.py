"""Who asks the cloud is read from the places where the client library looks, in its order."""

import json
from pathlib import Path

import pytest

from teachkit.cloud.identity import identity
from teachkit.cloud.metadata import Instance

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
