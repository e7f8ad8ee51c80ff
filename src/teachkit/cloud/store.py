"""Small objects under a prefix: the few things that an exchange of files needs from a bucket.

`Store` is the protocol; `MemoryStore` keeps everything in a dictionary and behaves like
`teachkit.cloud.bucket_store.BucketStore`, which keeps it in Cloud Storage. One object is written whole or
not at all, and its time is the server's.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from teachkit.errors import AlreadyStoredError, StorageError


@dataclass(frozen=True)
class Stored:
    """What the server says about one object.

    `created` is in UTC and comes from the server's clock. `metadata` was written by the client that made the
    object: it is no evidence of anything.
    """

    name: str
    size: int
    md5: str
    created: datetime
    generation: int = 1
    metadata: Mapping[str, str] = field(default_factory=dict)


class Store(Protocol):
    """Objects by name. Names are relative to the store, with "/" between their parts."""

    url: str

    def create(self, name: str, content: bytes, metadata: Mapping[str, str] | None = None) -> Stored:
        """Write an object that must not be there yet.

        Raises:
            AlreadyStoredError: somebody else has written an object of that name.
            StorageError: nothing was written.
        """

    def replace(self, name: str, content: bytes, metadata: Mapping[str, str] | None = None) -> Stored:
        """Write an object, in place of an older one if there is one."""

    def read(self, name: str) -> bytes:
        """The content of an object.

        Raises:
            StorageError: there is no such object, it may not be read, or it did not arrive whole.
        """

    def stat(self, name: str) -> Stored | None:
        """What the server says about an object, or None when there is none."""

    def list(self, prefix: str) -> list[Stored]:
        """All objects whose names begin with `prefix`, by name."""

    def delete(self, name: str) -> None:
        """Remove an object; it is no error when it is gone already."""


def md5_of(content: bytes) -> str:
    """The checksum of `content` as the server writes it: base64 of MD5. It finds damage, not intent."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


class MemoryStore:
    """The twin of a bucket without network or server, for tests and for trying things out."""

    def __init__(self, url: str = "memory://store") -> None:
        self.url = url
        self.contents: dict[str, bytes] = {}
        self.objects: dict[str, Stored] = {}

    def create(self, name: str, content: bytes, metadata: Mapping[str, str] | None = None) -> Stored:
        if name in self.objects:
            raise AlreadyStoredError(f"'{name}' is in {self.url} already.", "Choose another name.", name=name)
        return self.replace(name, content, metadata)

    def replace(self, name: str, content: bytes, metadata: Mapping[str, str] | None = None) -> Stored:
        older = self.objects.get(name)
        self.contents[name] = bytes(content)
        self.objects[name] = Stored(
            name=name,
            size=len(content),
            md5=md5_of(content),
            created=self.now(),
            generation=older.generation + 1 if older else 1,
            metadata=dict(metadata or {}),
        )
        return self.objects[name]

    def read(self, name: str) -> bytes:
        if name not in self.contents:
            raise StorageError(f"{self.url} holds no '{name}'.", "Ask its owner to put it there.", name=name)
        return self.contents[name]

    def stat(self, name: str) -> Stored | None:
        return self.objects.get(name)

    def list(self, prefix: str) -> list[Stored]:
        return [self.objects[name] for name in sorted(self.objects) if name.startswith(prefix)]

    def delete(self, name: str) -> None:
        self.contents.pop(name, None)
        self.objects.pop(name, None)

    def now(self) -> datetime:
        """The time that an object gets when it is written."""
        return datetime.now(UTC)
