"""`BucketStore`: small objects in Cloud Storage, written create-only, each failure one sentence.

Repeats of a failing request end after `PATIENCE_S` seconds, because nbgrader's server waits for us. An
upload is repeated by the client library, and the reply to the first try may be what was lost. The repeat is
then refused, because the object exists. Every object therefore carries a random `write` token: when the
object that is in the way has our token, the write was ours and has succeeded.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from teachkit.cloud.bucket import parse_url
from teachkit.cloud.store import Stored, md5_of
from teachkit.errors import AlreadyStoredError, StorageError, StorageRefusedError
from teachkit.extras import need

PATIENCE_S = 15.0  # for one request and all its repeats
TIMEOUT_S = 10.0  # for a single try
TOKEN = "write"


class BucketStore:
    """Objects below one ``gs://bucket/prefix``. Nothing is contacted before the first question."""

    def __init__(self, url: str) -> None:
        self.bucket, prefix = parse_url(url)
        self.prefix = f"{prefix}/" if prefix else ""
        self.url = f"gs://{self.bucket}/{prefix}".rstrip("/")

    def create(self, name: str, content: bytes, metadata: Mapping[str, str] | None = None) -> Stored:
        token = secrets.token_hex(16)
        try:
            return self._write(name, content, {**(metadata or {}), TOKEN: token}, if_generation_match=0)
        except StorageError as error:
            # Replacing needs a permission that students lack, so "it is there" can be said as "refused" too,
            # and when no reply came at all the object may have arrived all the same.
            found = self._stat_or_none(name)
            if found is None:
                raise
            if found.metadata.get(TOKEN) == token and found.md5 == md5_of(content):
                return found
            raise AlreadyStoredError(
                f"'{name}' is in {self.url} already.", "Choose another name.", name=name
            ) from error

    def replace(self, name: str, content: bytes, metadata: Mapping[str, str] | None = None) -> Stored:
        return self._write(name, content, {**(metadata or {}), TOKEN: secrets.token_hex(16)})

    def read(self, name: str) -> bytes:
        with self._explained(name):
            return bytes(self._blob(name).download_as_bytes(**self._patience))

    def stat(self, name: str) -> Stored | None:
        with self._explained(name):
            blob = self._handle.get_blob(self.prefix + name, **self._patience)
        return None if blob is None else self._stored(blob)

    def list(self, prefix: str) -> list[Stored]:
        with self._explained(prefix):
            blobs = list(self._client.list_blobs(self.bucket, prefix=self.prefix + prefix, **self._patience))
        # Consoles create empty objects with a trailing slash to stand for folders.
        return sorted(
            (self._stored(blob) for blob in blobs if not blob.name.endswith("/")),
            key=lambda stored: stored.name,
        )

    def delete(self, name: str) -> None:
        if self.stat(name) is None:
            return
        from google.api_core.exceptions import NotFound

        with self._explained(name):
            try:
                self._blob(name).delete(**self._patience)
            except NotFound:  # a repeat after a lost reply finds its own work done
                return

    def _write(self, name: str, content: bytes, metadata: Mapping[str, str], **condition: int) -> Stored:
        blob = self._blob(name)
        blob.metadata = dict(metadata)
        with self._explained(name):
            blob.upload_from_string(
                content, content_type="application/octet-stream", **condition, **self._patience
            )
        return self._stored(blob)

    def _stat_or_none(self, name: str) -> Stored | None:
        try:
            return self.stat(name)
        except StorageError:
            return None

    def _blob(self, name: str) -> Any:
        return self._handle.blob(self.prefix + name)

    def _stored(self, blob: Any) -> Stored:
        return Stored(
            name=blob.name.removeprefix(self.prefix),
            size=blob.size,
            md5=blob.md5_hash,
            created=blob.time_created,
            generation=blob.generation,
            metadata=blob.metadata or {},
        )

    @property
    def _patience(self) -> dict[str, Any]:
        from google.cloud.storage.retry import DEFAULT_RETRY

        return {"timeout": TIMEOUT_S, "retry": DEFAULT_RETRY.with_timeout(PATIENCE_S).with_delay(initial=0.5)}

    @cached_property
    def _handle(self) -> Any:
        return self._client.bucket(self.bucket)

    @cached_property
    def _client(self) -> Any:
        from google.cloud import storage

        # The project only matters for creating buckets and billing, which neither reading nor writing needs.
        return storage.Client(project="teachkit")

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        """Turn what the cloud libraries raise into one sentence and a remedy."""
        need("google.cloud.storage", "cloud")
        import requests
        from google.api_core import exceptions as api
        from google.auth import exceptions as auth
        from google.cloud.storage.exceptions import DataCorruption

        about = {"url": self.url, "name": name}
        try:
            yield
        except api.NotFound as error:
            raise StorageError(
                f"{self.url} holds no '{name}', or there is no bucket '{self.bucket}'.",
                "Check the address and the spelling.",
                **about,
            ) from error
        except api.PreconditionFailed as error:
            raise AlreadyStoredError(
                f"'{name}' is in {self.url} already.", "Choose another name.", **about
            ) from error
        except api.Forbidden as error:
            raise StorageRefusedError(
                f"Your account may not do this with '{name}' in {self.url}.",
                "Check under which name you work; if it is right, ask your instructor for access.",
                **about,
            ) from error
        except (
            api.Unauthorized,
            auth.DefaultCredentialsError,
            auth.InvalidOperation,
            auth.RefreshError,
        ) as error:
            raise StorageRefusedError(
                f"There is no valid sign-in for {self.url} on this machine.",
                "Sign in with: gcloud auth application-default login",
                **about,
            ) from error
        except DataCorruption as error:
            raise StorageError(f"'{name}' was damaged on the way.", "Try again.", **about) from error
        except api.TooManyRequests as error:
            raise StorageError(
                f"{self.url} is busy: too many requests.", "Wait a minute and try again.", **about
            ) from error
        except (
            api.RetryError,
            api.ServerError,
            auth.TransportError,
            requests.RequestException,
            ConnectionError,
        ) as error:
            if _status(getattr(error, "cause", None)) == 429:
                raise StorageError(
                    f"{self.url} is busy: too many requests.", "Wait a minute and try again.", **about
                ) from error
            raise StorageError(
                f"No answer from {self.url} within {PATIENCE_S:.0f} seconds.",
                "Check the network and try again.",
                **about,
            ) from error
        except api.GoogleAPICallError as error:
            raise StorageError(
                f"{self.url} answered '{error.message}'.",
                "Try again; if it stays, tell your instructor.",
                **about,
            ) from error


def _status(cause: Any) -> int | None:
    """The HTTP status that the repeats of a request ended with; uploads wrap it in another way than reads."""
    code = getattr(cause, "code", None) or getattr(getattr(cause, "response", None), "status_code", None)
    return None if code is None else int(code)
