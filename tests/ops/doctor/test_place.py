"""Where the machine stands, and whether an instance of Workbench stops by itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from teachkit.cloud import metadata
from teachkit.ops.doctor.buckets import account_check
from teachkit.ops.doctor.place import idle_check, place_check

WORKBENCH = {"proxy-mode": "mail", "enable-guest-attributes": "TRUE"}


def test_elsewhere_there_is_nothing_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(metadata.HOST_VARIABLE, raising=False)
    monkeypatch.setattr(metadata, "PRODUCT", tmp_path / "none")
    assert (place_check().state, place_check().details["kind"]) == ("ok", "elsewhere")
    assert (idle_check().state, idle_check().remedy) == ("ok", "")


@pytest.mark.parametrize(
    ("attributes", "job", "kind"),
    [(WORKBENCH, "", "workbench"), ({}, '{"cluster": {}}', "job"), ({}, "", "machine")],
    ids=range(3),
)
def test_the_kinds_of_machines_are_told_apart(
    metadata_server: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    attributes: dict[str, str],
    job: str,
    kind: str,
) -> None:
    metadata_server(attributes=attributes)
    monkeypatch.setenv("CLUSTER_SPEC", job)
    check = place_check()
    assert check.details["kind"] == kind
    assert "n1-standard-4 in us-central1-a" in check.found
    assert (idle_check().details != {}) == (kind == "workbench")


@pytest.mark.parametrize(
    ("attributes", "state", "said"),
    [
        ({**WORKBENCH, "idle-timeout-seconds": "3600"}, "ok", "stops after 60 minutes"),
        ({**WORKBENCH, "idle-timeout-seconds": "0"}, "problem", "does not stop when idle"),
        (WORKBENCH, "note", "does not say"),
        ({"proxy-mode": "mail", "idle-timeout-seconds": "3600"}, "note", "enable-guest-attributes is not on"),
    ],
    ids=range(4),
)
def test_idle_shutdown_is_set_or_the_command_is_given(
    metadata_server: Callable[..., None], attributes: dict[str, str], state: str, said: str
) -> None:
    metadata_server(attributes=attributes)
    check = idle_check()
    assert check.state == state
    assert said in check.found
    command = (
        "gcloud workbench instances update ada --location=us-central1-a --metadata=idle-timeout-seconds="
    )
    assert (command in check.remedy) == (state != "ok")


def test_a_hidden_metadata_server_is_a_note_and_the_account_is_read_all_the_same(
    metadata_server: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    metadata_server(answer="{")
    for check in (place_check(), idle_check()):
        assert check.state == "note"
        assert "gives no answer" in check.found
    assert account_check().details["kind"] == "nobody"
