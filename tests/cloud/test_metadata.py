"""A machine of the cloud is asked once; every other machine asks nobody."""

from collections.abc import Callable
from pathlib import Path

import pytest

from teachkit.cloud import metadata
from teachkit.errors import FetchError


def test_a_machine_elsewhere_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(metadata.HOST_VARIABLE, raising=False)
    monkeypatch.setattr(metadata, "PRODUCT", tmp_path / "absent")
    monkeypatch.setattr(metadata, "build_opener", lambda *_: pytest.fail("somebody was asked"))
    assert metadata.instance() is None
    (tmp_path / "absent").write_text("ThinkPad X1\n")
    assert metadata.instance() is None


def test_the_firmware_tells_a_machine_of_the_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(metadata.HOST_VARIABLE, raising=False)
    monkeypatch.setattr(metadata, "PRODUCT", tmp_path / "product_name")
    (tmp_path / "product_name").write_text("Google Compute Engine\n")
    assert metadata.on_google()


def test_an_instance_of_workbench_is_read(metadata_server: Callable[..., None]) -> None:
    metadata_server(attributes={"proxy-mode": "mail", "idle-timeout-seconds": "3600"})
    found = metadata.instance()
    assert found is not None
    assert (found.name, found.machine, found.zone) == ("ada", "n1-standard-4", "us-central1-a")
    assert found.account == "ada@p.iam.gserviceaccount.com"
    assert (found.workbench, found.idle_s, found.spot) == (True, 3600, False)


@pytest.mark.parametrize(("said", "meant"), [({}, None), ({"idle-timeout-seconds": "soon"}, None)])
def test_idle_seconds_that_are_not_said_are_none(
    metadata_server: Callable[..., None], said: dict[str, str], meant: None
) -> None:
    metadata_server(attributes=said)
    found = metadata.instance()
    assert found is not None
    assert found.idle_s is meant
    assert not found.workbench


def test_a_spot_machine_is_told(metadata_server: Callable[..., None]) -> None:
    metadata_server(scheduling={"preemptible": "TRUE"})
    found = metadata.instance()
    assert found is not None
    assert found.spot


@pytest.mark.parametrize("answer", ["", "{", "[]", '{"attributes": 3}', '{"serviceAccounts": null}'])
def test_an_answer_without_sense_is_one_sentence(metadata_server: Callable[..., None], answer: str) -> None:
    metadata_server(answer=answer)
    with pytest.raises(FetchError, match="gives no answer"):
        metadata.instance()


def test_a_proxy_is_not_asked(metadata_server: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    metadata_server()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert metadata.instance() is not None
