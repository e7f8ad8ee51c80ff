"""Objects in a bucket, against a real storage server, a faulty line, and the twin in memory."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from teachkit.cloud import BucketStore, MemoryStore, Store, bucket_store
from teachkit.cloud.store import md5_of
from teachkit.errors import AlreadyStoredError, StorageError, StorageRefusedError

Between = Callable[[Callable[[str, str, bytes], object]], str]


@pytest.fixture(scope="module")
def address(storage_server: str) -> Iterator[str]:
    """A bucket of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", storage_server)
        made = storage.Client(project="test", credentials=AnonymousCredentials()).create_bucket(
            f"store-{os.urandom(4).hex()}"
        )
        yield f"gs://{made.name}/below/this"
        made.delete(force=True)


@pytest.fixture(params=["bucket", "memory"])
def store(request: pytest.FixtureRequest, address: str, storage_server: str, monkeypatch: Any) -> Store:
    """A fresh store of either kind."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    return MemoryStore() if request.param == "memory" else BucketStore(f"{address}/{os.urandom(4).hex()}")


@pytest.fixture
def faulty(
    between: Between, address: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[str, str, bytes], object]], BucketStore]:
    """`faulty(fault)`: a store behind a line with that fault, and little patience."""
    monkeypatch.setattr(bucket_store, "PATIENCE_S", 1.5)

    def start(fault: Callable[[str, str, bytes], object]) -> BucketStore:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", between(fault))
        return BucketStore(f"{address}/{os.urandom(4).hex()}")

    return start


def test_what_is_written_is_read_listed_and_removed(store: Store) -> None:
    before = datetime.now(UTC)
    made = store.create("b/ä +*.txt", b"two", {"note": "x"})
    store.create("a.txt", b"one")
    assert store.read("b/ä +*.txt") == b"two"
    assert (made.name, made.size, made.md5) == ("b/ä +*.txt", 3, md5_of(b"two"))
    assert abs(made.created - before) < timedelta(minutes=1)
    assert made.metadata["note"] == "x"
    assert [one.name for one in store.list("")] == ["a.txt", "b/ä +*.txt"]
    assert [one.md5 for one in store.list("b/")] == [made.md5]
    store.delete("a.txt")
    store.delete("a.txt")
    assert store.stat("a.txt") is None
    with pytest.raises(StorageError, match=r"holds no 'a\.txt'"):
        store.read("a.txt")


def test_an_object_is_never_created_twice_but_can_be_replaced(store: Store) -> None:
    first = store.create("a.txt", b"one")
    with pytest.raises(AlreadyStoredError, match=r"'a\.txt' is in .* already"):
        store.create("a.txt", b"one")
    second = store.replace("a.txt", b"two")
    assert store.read("a.txt") == b"two"
    assert second.generation != first.generation


def first_upload(what: object) -> Callable[[str, str, bytes], object]:
    """A fault that strikes the first upload only."""
    struck: list[str] = []

    def fault(method: str, path: str, body: bytes) -> object:
        if path.startswith("/upload") and not struck:
            struck.append(path)
            return what
        return None

    return fault


@pytest.mark.parametrize("what", ["lost", "cut", 503, 429])
def test_a_repeat_after_a_lost_reply_or_a_cut_line_succeeds(what: object, faulty: Any) -> None:
    store = faulty(first_upload(what))
    made = store.create("a.txt", b"one")
    assert made.md5 == md5_of(b"one")
    assert made.created.tzinfo is not None
    assert [one.generation for one in store.list("")] == [made.generation]


def test_a_reply_that_is_lost_every_time_is_no_failure_either(faulty: Any) -> None:
    store = faulty(lambda _, path, __: "lost" if path.startswith("/upload") else None)
    assert store.create("a.txt", b"one").size == 3


def test_after_a_refusal_nothing_is_there(faulty: Any) -> None:
    store = faulty(lambda _, path, __: 403 if path.startswith("/upload") else None)
    with pytest.raises(StorageRefusedError, match=r"may not do this with 'a\.txt'"):
        store.create("a.txt", b"one")
    assert store.list("") == []


@pytest.mark.parametrize(
    ("status", "error", "complaint"),
    [
        (401, StorageRefusedError, "no valid sign-in .* gcloud auth"),
        (403, StorageRefusedError, "Your account may not do this"),
        (404, StorageError, "or there is no bucket"),
        (412, AlreadyStoredError, "already"),
        (429, StorageError, "too many requests. Wait a minute"),
        (503, StorageError, "No answer from gs://.* within .* seconds"),
        ("cut", StorageError, "No answer from gs://"),
    ],
)
def test_each_refusal_is_one_sentence_in_bounded_time(
    status: object, error: type[Exception], complaint: str, faulty: Any
) -> None:
    store = faulty(lambda *_: status)
    begun = datetime.now(UTC)
    with pytest.raises(error, match=complaint):
        store.replace("a.txt", b"one")
    assert datetime.now(UTC) - begun < timedelta(seconds=15)
