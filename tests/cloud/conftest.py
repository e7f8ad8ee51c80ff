"""A real storage server on this machine, and one that refuses everybody."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import storage


@pytest.fixture
def put(
    storage_server: str, isolated: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, bytes], None]]:
    """`put("bucket/name", content)` uploads; the bucket is made on first use and removed after the test."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    client = storage.Client(project="test", credentials=AnonymousCredentials())
    made: dict[str, storage.Bucket] = {}

    def upload(path: str, content: bytes) -> None:
        bucket, _, name = path.partition("/")
        if bucket not in made:
            made[bucket] = client.create_bucket(bucket)
        made[bucket].blob(name).upload_from_string(content)

    yield upload
    for bucket in made.values():
        bucket.delete(force=True)


@pytest.fixture
def refusing(
    serve: Callable[[type[BaseHTTPRequestHandler]], str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], None]:
    """`refusing(403)` puts a server in force that answers every request with that status."""

    def start(status: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"error": {"code": status, "message": "no"}}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep the test output clean."""

        monkeypatch.setenv("STORAGE_EMULATOR_HOST", serve(Handler))

    return start


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nobody has signed in; only anonymous clients can be made."""

    class Client(storage.Client):
        def __init__(self, *args: Any, credentials: Any = None, **options: Any) -> None:
            if credentials is None:
                raise DefaultCredentialsError("none found")
            super().__init__(*args, credentials=credentials, **options)

    monkeypatch.setattr(storage, "Client", Client)
