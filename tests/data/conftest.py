"""A made set of eight pictures, a registry that lists it, and a local host that can misbehave."""

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest

from teachkit.data import fetch, registry, sources

REGISTRY = """
[sets.tiny]
title = "Tiny"
task = "binary"
classes = ["healthy", "ill"]
positive = 1
channels = 1
counts = {{ train = 8, val = 8, test = 8 }}
licence = "CC0"
commercial = true
citation = "made for a test"
reader = "npz"
[sets.tiny.files]
28 = {{ path = "tiny.npz", url = "{url}/tiny.npz", hash = "md5:{md5}" }}
64 = {{ path = "tiny_64.npz", url = "{url}/tiny_64.npz", hash = "md5:{md5}" }}

[sets.ihc_patches]
title = "IHC patches"
task = "binary"
classes = ["sparse", "crowded"]
licence = "none"
commercial = true
citation = ""
reader = "embedded"
sizes = [28]

[weights.resnet18]
path = "resnet18.pth"
url = "{url}/resnet18.pth"
hash = "md5:{md5}"
"""


def arrays(**changes: np.ndarray | None) -> dict[str, np.ndarray]:
    """The arrays of a good npz file, with some replaced, or left out when None."""
    made: dict[str, np.ndarray | None] = {}
    for seed, split in enumerate(("train", "val", "test")):
        made[f"{split}_images"] = np.random.default_rng(seed).integers(0, 256, (8, 28, 28), np.uint8)
        made[f"{split}_labels"] = (np.arange(8) % 2).astype(np.uint8)[:, None]
    return {key: value for key, value in {**made, **changes}.items() if value is not None}


@pytest.fixture
def save_npz(tmp_path: Path) -> Callable[..., Path]:
    """`save_npz("name", key=array)` writes a set into the folder "mine"; every change is one keyword."""

    def save(name: str = "mine", **changes: np.ndarray | None) -> Path:
        folder = tmp_path / "mine"
        folder.mkdir(exist_ok=True)
        np.savez(folder / f"{name}.npz", allow_pickle=True, **arrays(**changes))
        return folder / f"{name}.npz"

    return save


@pytest.fixture(scope="session")
def tiny() -> bytes:
    """The bytes of tiny.npz; random pictures do not compress, so they have some length."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays())
    return buffer.getvalue()


@dataclass
class Host:
    """A web server for tests: what it holds, how it misbehaves, and what it was asked."""

    url: str
    files: dict[str, bytes]
    cut: list[int] = field(default_factory=list)  # for each coming answer: stop after so many bytes
    status: int = 200
    ranges: bool = True
    stall: threading.Event | None = None  # with a cut: keep the line open until this is set
    asked: list[tuple[str, str]] = field(default_factory=list)  # (path, Range header or "")


@pytest.fixture
def host(
    tiny: bytes, serve: Callable[[type[BaseHTTPRequestHandler]], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Host]:
    """A host that serves tiny.npz and, as "weights", the same bytes."""
    monkeypatch.setattr(fetch, "CHUNK", 10)  # so that little is lost when a line drops

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            state.asked.append((self.path, wanted))
            content = state.files.get(self.path)
            if state.status != 200 or content is None:
                self.send_error(state.status if state.status != 200 else 404)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.ranges else 0
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            stop = start + state.cut.pop(0) if state.cut else len(content)
            self.wfile.write(content[start:stop])
            if stop < len(content):
                self.wfile.flush()
                if state.stall:
                    state.stall.wait(30)
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    state = Host(serve(Handler), {"/tiny.npz": tiny, "/resnet18.pth": tiny})
    yield state
    if state.stall:
        state.stall.set()


@pytest.fixture
def listed(tiny: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """`listed(url)` puts a registry in force that knows only "tiny", "ihc_patches" and weights at `url`."""

    def put(url: str) -> Path:
        path = tmp_path / "registry.toml"
        path.write_text(REGISTRY.format(url=url, md5=hashlib.md5(tiny).hexdigest()))
        registry._parsed.cache_clear()
        monkeypatch.setattr(registry, "registry_path", lambda: path)
        return path

    return put


@pytest.fixture(autouse=True)
def _nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders registered by one test are unknown to the next."""
    monkeypatch.setattr(sources, "_registered", {})
