"""Files go through the bucket with their hashes: changed ones only, whole, and below their folder."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from teachkit.cloud.store import MemoryStore
from teachkit.errors import ChecksumError, FetchError, StorageError
from teachkit.ops.cloud.files import FINISHED, Manifest, download, read_manifest, upload


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of a lesson, and a lock that concerns nobody else."""
    lesson = tmp_path / "out" / "lessons" / "01"
    lesson.mkdir(parents=True)
    (lesson / "results.json").write_text("{}")
    (lesson / "executed.ipynb").write_bytes(bytes(range(256)))
    (lesson.parent / ".01.lock").touch()
    (lesson / ".results.json.abc").mkdir()
    (lesson / ".results.json.abc" / "results.json").write_text("half")
    return tmp_path / "out"


def test_files_arrive_as_they_were_without_locks_and_halves(folder: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    upload(store, Manifest(0, FINISHED, "", "NVIDIA L4", 12.5), folder, {})
    manifest = download(store, 0, tmp_path / "back")
    assert manifest
    assert (manifest.state, manifest.device, manifest.seconds) == (FINISHED, "NVIDIA L4", 12.5)
    back = {str(p.relative_to(tmp_path / "back")): p.read_bytes() for p in (tmp_path / "back").rglob("*.*")}
    assert back == {"lessons/01/results.json": b"{}", "lessons/01/executed.ipynb": bytes(range(256))}


def test_only_what_changed_is_sent_again(folder: Path) -> None:
    store = MemoryStore()
    sent = upload(store, Manifest(0), folder, {})
    (folder / "lessons" / "01" / "results.json").write_text("new")
    upload(store, Manifest(0), folder, sent)
    generations = {name.rpartition("/")[2]: stored.generation for name, stored in store.objects.items()}
    assert generations == {"results.json": 2, "executed.ipynb": 1, "manifest.json": 2}


def test_a_file_that_is_there_with_its_hash_is_not_fetched_again(folder: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    upload(store, Manifest(0), folder, {})
    download(store, 0, tmp_path / "back")
    kept = tmp_path / "back" / "lessons" / "01" / "executed.ipynb"
    before = kept.stat().st_ino
    (tmp_path / "back" / "lessons" / "01" / "results.json").write_text("scribbled over")
    download(store, 0, tmp_path / "back")
    assert kept.stat().st_ino == before
    assert (tmp_path / "back" / "lessons" / "01" / "results.json").read_text() == "{}"


def test_only_the_wanted_part_is_fetched(folder: Path, tmp_path: Path) -> None:
    (folder / "log.txt").write_text("log")
    store = MemoryStore()
    upload(store, Manifest(0), folder, {})
    download(store, 0, tmp_path / "back", only="lessons/")
    assert not (tmp_path / "back" / "log.txt").exists()
    assert (tmp_path / "back" / "lessons" / "01" / "results.json").exists()


def test_what_differs_from_its_hash_never_gets_its_name(folder: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    upload(store, Manifest(0), folder, {})
    store.replace("machine-0/lessons/01/results.json", b"damaged")
    with pytest.raises(ChecksumError, match=r"1 files .* first 'lessons/01/results\.json'"):
        download(store, 0, tmp_path / "back")
    assert not (tmp_path / "back" / "lessons" / "01" / "results.json").exists()
    assert (tmp_path / "back" / "lessons" / "01" / "executed.ipynb").exists()


def test_a_file_that_changes_while_it_is_fetched_is_fetched_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    sent = upload(store, Manifest(0), folder, {})
    real, changed = store.read, []

    def read(name: str) -> bytes:
        if name.endswith("results.json") and not changed:
            changed.append(name)
            (folder / "lessons" / "01" / "results.json").write_text("newer")
            upload(store, Manifest(0, FINISHED), folder, sent)
        return real(name)

    monkeypatch.setattr(store, "read", read)
    manifest = download(store, 0, tmp_path / "back")
    assert manifest
    assert manifest.state == FINISHED
    assert (tmp_path / "back" / "lessons" / "01" / "results.json").read_text() == "newer"


def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    store = MemoryStore()
    sha = hashlib.sha256(b"evil").hexdigest()
    store.create("machine-0/../../outside", b"evil")
    store.create(
        "machine-0/manifest.json", json.dumps({"machine": 0, "files": {"../../outside": sha}}).encode()
    )
    with pytest.raises(FetchError, match=r"unsafe file name: '\.\./\.\./outside'"):
        download(store, 0, tmp_path / "deep" / "back")
    assert not (tmp_path / "outside").exists()


def test_a_machine_that_wrote_nothing_has_no_list(tmp_path: Path) -> None:
    assert read_manifest(MemoryStore(), 0) is None
    assert download(MemoryStore(), 3, tmp_path) is None


@pytest.mark.parametrize(
    "content", [b"not json", b'{"machine": 0, "colour": 1}', b"[]"], ids=["text", "field", "list"]
)
def test_a_list_of_another_program_is_refused(content: bytes) -> None:
    store = MemoryStore()
    store.create("machine-0/manifest.json", content)
    with pytest.raises(StorageError, match=r"'machine-0/manifest\.json' .* is no list of results"):
        read_manifest(store, 0)


def test_the_list_is_written_after_the_files_that_it_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    written: list[str] = []
    real: Any = store.replace
    monkeypatch.setattr(store, "replace", lambda name, *rest: (written.append(name), real(name, *rest))[1])
    upload(store, Manifest(0), folder, {})
    assert written[-1] == "machine-0/manifest.json"
    assert len(written) == 3
