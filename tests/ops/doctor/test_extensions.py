"""nbgrader's extensions are looked for where the server runs, with the user's switches before all others."""

import json
import sys
from pathlib import Path

import pytest

from teachkit.ops.doctor import extensions
from teachkit.ops.doctor.extensions import extensions_check

ON = {
    "nbgrader.server_extensions.assignment_list": True,
    "nbgrader.server_extensions.validate_assignment": True,
}


@pytest.fixture
def server(tmp_path: Path, bare_jupyter: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with nbgrader and its extensions, from which the server runs."""
    prefix = tmp_path / "server"
    for file in ("lib/python3.12/site-packages/nbgrader/__init__.py", extensions.LAB):
        (prefix / file).parent.mkdir(parents=True)
        (prefix / file).touch()
    switch(prefix / "etc" / "jupyter" / "jupyter_server_config.d" / "nbgrader.json", ON)
    monkeypatch.setattr(extensions, "server_environments", lambda: [prefix])
    return prefix


def switch(file: Path, extensions: dict[str, bool]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"ServerApp": {"jpserver_extensions": extensions}}))


def test_the_environment_of_these_tests_has_them(bare_jupyter: Path) -> None:
    found = extensions_check()
    assert found.state == "ok"
    assert found.details["servers"] == [sys.prefix]


def test_a_server_with_everything_is_well(server: Path) -> None:
    assert extensions_check().state == "ok"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("lib/python3.12/site-packages/nbgrader/__init__.py", "lacks the package nbgrader."),
        (extensions.LAB, "lacks nbgrader's buttons and tabs."),
        (
            "etc/jupyter/jupyter_server_config.d/nbgrader.json",
            "lacks the extension assignment_list, the extension validate_assignment.",
        ),
    ],
    ids=range(3),
)
def test_what_is_lacking_is_named_with_where_to_install_it(server: Path, missing: str, said: str) -> None:
    (server / missing).unlink()
    found = extensions_check()
    assert found.state == "note"
    assert said in found.found
    assert f"{server}/bin/python -m pip install nbgrader" in found.remedy
    assert "nbgrader list" in found.remedy


def test_what_the_user_switched_off_is_off(server: Path, bare_jupyter: Path) -> None:
    own = bare_jupyter / "CONFIG_DIR" / "jupyter_server_config.json"
    switch(own, {"nbgrader.server_extensions.assignment_list": False})
    assert extensions_check().found.endswith("lacks the extension assignment_list.")


def test_a_damaged_file_of_settings_is_passed_over(server: Path, bare_jupyter: Path) -> None:
    (bare_jupyter / "CONFIG_DIR" / "jupyter_server_config.json").write_text("{")
    assert extensions_check().state == "ok"
