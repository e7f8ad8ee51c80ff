"""The students' copy in a bucket: one bundle a publication, named by one line with its hash."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from teachkit.cloud.store import MemoryStore, Stored
from teachkit.errors import AlreadyStoredError, FormatError, SettingsError, StorageError
from teachkit.ops.bundle import MARK
from teachkit.ops.git import git
from teachkit.ops.handout import POINTER, SCRIPT, hand_out

URL = "gs://uni/course"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / SCRIPT
    path.write_text("#!/bin/bash\n")
    return path


@pytest.fixture
def commit(tmp_path: Path) -> Callable[[str], Path]:
    """`commit("text")` is a publication with one more commit."""
    folder = tmp_path / "students"
    folder.mkdir()
    (folder / MARK).write_text("")
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=")

    def add(text: str) -> Path:
        (folder / "README.md").write_text(text)
        git(folder, "add", "--all", ".")
        git(folder, "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", text)
        return folder

    return add


def test_the_bundle_that_the_pointer_names_can_be_cloned(
    commit: Callable[[str], Path], script: Path, tmp_path: Path
) -> None:
    store = MemoryStore()
    offer = hand_out(commit("one"), URL, script, store)
    digest, name = store.read(POINTER).decode().split()
    assert (name, len(store.read(name)), True) == (offer.name, offer.size, offer.new)
    assert hashlib.sha256(store.read(name)).hexdigest() == digest
    assert store.read(SCRIPT) == script.read_bytes()
    (tmp_path / "fetched.bundle").write_bytes(store.read(name))
    git(tmp_path / "students", "clone", "--quiet", str(tmp_path / "fetched.bundle"), str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "README.md").read_text() == "one"


def test_sha256sum_accepts_the_pointer(commit: Callable[[str], Path], script: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    offer = hand_out(commit("one"), URL, script, store)
    (tmp_path / offer.name).write_bytes(store.read(offer.name))
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict"],
        cwd=tmp_path,
        input=store.read(POINTER),
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0


def test_a_publication_that_is_there_is_not_sent_again_and_older_ones_stay(
    commit: Callable[[str], Path], script: Path
) -> None:
    store = MemoryStore()
    first = hand_out(commit("one"), URL, script, store)
    folder = commit("two")
    second = hand_out(folder, URL, script, store)
    again = hand_out(folder, URL, script, store)
    assert (second.new, again.new, again.name) == (True, False, second.name)
    assert second.name != first.name
    assert sorted(store.contents) == sorted([first.name, second.name, POINTER, SCRIPT])


def test_an_upload_that_breaks_leaves_the_older_bundle_in_force(
    commit: Callable[[str], Path], script: Path
) -> None:
    class Breaking(MemoryStore):
        broken = False

        def create(self, name: str, content: bytes, metadata: object = None) -> Stored:
            if self.broken:
                raise StorageError("No answer.", "Try again.")
            return super().create(name, content)

    store = Breaking()
    first = hand_out(commit("one"), URL, script, store)
    store.broken = True
    folder = commit("two")
    with pytest.raises(StorageError):
        hand_out(folder, URL, script, store)
    assert store.read(POINTER).decode().split()[1] == first.name
    store.broken = False
    assert hand_out(folder, URL, script, store).new


def test_an_upload_that_broke_before_the_pointer_is_finished_and_foreign_content_is_not(
    commit: Callable[[str], Path], script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = commit("one")
    monkeypatch.setattr("teachkit.ops.handout.pack", lambda _: b"always the same")
    half, foreign = MemoryStore(), MemoryStore()
    name = hand_out(folder, URL, script, MemoryStore()).name
    half.create(name, b"always the same")
    assert hand_out(folder, URL, script, half).name == name
    foreign.create(name, b"something else")
    with pytest.raises(AlreadyStoredError):
        hand_out(folder, URL, script, foreign)
    assert foreign.stat(POINTER) is None


def test_a_folder_that_is_no_publication_is_refused(tmp_path: Path, script: Path) -> None:
    with pytest.raises(SettingsError, match="is no publication"):
        hand_out(tmp_path, URL, script, MemoryStore())


def test_a_spoilt_pointer_is_named(commit: Callable[[str], Path], script: Path) -> None:
    store = MemoryStore()
    store.replace(POINTER, b"nonsense")
    with pytest.raises(FormatError, match=r"course\.sha256"):
        hand_out(commit("one"), URL, script, store)


def test_it_works_over_a_storage_server(
    storage_server: str, commit: Callable[[str], Path], script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    from teachkit.cloud import BucketStore

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    client = storage.Client(project="test", credentials=AnonymousCredentials())
    bucket = client.create_bucket("handout-test")
    try:
        offer = hand_out(commit("one"), "gs://handout-test/term", script)
        assert hand_out(script.parent / "students", "gs://handout-test/term", script).new is False
        assert BucketStore("gs://handout-test/term").read(POINTER).decode().split()[1] == offer.name
    finally:
        bucket.delete(force=True)
