"""Reading buckets, against a real storage server and one that refuses."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.cloud.storage import transfer_manager
from google.cloud.storage.exceptions import DataCorruption

from teachkit.cloud import Bucket, bucket
from teachkit.errors import ChecksumError, FetchError, MissingExtraError, SettingsError, TeachkitError

Put = Callable[[str, bytes], None]


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("gs://course", ("course", "")),
        ("gs://course/", ("course", "")),
        ("gs://course/data/2026/", ("course", "data/2026")),
    ],
)
def test_an_address_has_a_bucket_and_a_prefix(url: str, parts: tuple[str, str]) -> None:
    assert bucket.parse_url(url) == parts


@pytest.mark.parametrize("url", ["course", "gs://", "gs:///data", "s3://course"])
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=f"'{url}' is not the address of a bucket"):
        Bucket(url)


def test_contents_are_files_with_lengths_and_folders(put: Put) -> None:
    put("course/data/a.npz", b"12345")
    put("course/data/skin/training/x.tif", b"1")
    put("course/elsewhere.npz", b"1")
    assert Bucket("gs://course/data").contents == {"a.npz": 5, "skin/": None}
    assert set(Bucket("gs://course").contents) == {"data/", "elsewhere.npz"}


@pytest.mark.parametrize("chunked_from", [10**9, 1000])
def test_small_and_big_files_arrive_whole(
    chunked_from: int, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "CHUNKED_FROM", chunked_from)
    content = bytes(range(256)) * 100
    put("course/data/a.npz", content)
    target = tmp_path / "a.npz"
    target.write_bytes(b"an older and longer file" * 10_000)
    Bucket("gs://course/data").download("a.npz", target)
    assert target.read_bytes() == content


def test_big_files_travel_by_threads_in_chunks(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    real = transfer_manager.download_chunks_concurrently
    monkeypatch.setattr(bucket, "CHUNKED_FROM", 10)
    monkeypatch.setattr(
        transfer_manager,
        "download_chunks_concurrently",
        lambda *args, **options: seen.append(options) or real(*args, **options, chunk_size=1000),
    )
    put("course/a", b"x" * 4500)
    Bucket("gs://course").download("a", tmp_path / "a")
    assert seen[0]["worker_type"] == transfer_manager.THREAD
    assert (tmp_path / "a").read_bytes() == b"x" * 4500


def test_a_folder_arrives_with_its_subfolders_and_goes_on_where_it_stopped(put: Put, tmp_path: Path) -> None:
    for name in ("training/images/a.tif", "training/masks/a.tif", "testing/images/b.tif"):
        put(f"course/skin/{name}", name.encode())
    put("course/skin/", b"")  # what a console makes to stand for a folder
    put("course/skin_other/c.tif", b"not part of it")
    target = tmp_path / "skin"
    (target / "testing" / "images").mkdir(parents=True)
    (target / "testing" / "images" / "b.tif").write_bytes(b"a piece")
    (target / "training" / "masks").mkdir(parents=True)
    kept = target / "training" / "masks" / "a.tif"
    kept.write_bytes(b"training/masks/a.tif")
    before = kept.stat().st_ino
    Bucket("gs://course").download_folder("skin", target)
    files = {str(path.relative_to(target)): path.read_text() for path in target.rglob("*.tif")}
    assert files == {name: name for name in files}
    assert len(files) == 3
    assert kept.stat().st_ino == before


def test_an_error_that_comes_back_as_an_item_is_not_lost(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("course/skin/a.tif", b"1")
    put("course/skin/b.tif", b"1")
    monkeypatch.setattr(transfer_manager, "download_many", lambda *_, **__: [None, api.NotFound("gone")])
    with pytest.raises(FetchError, match="1 of 2 files of 'skin' did not arrive: 404 gone"):
        Bucket("gs://course").download_folder("skin", tmp_path / "skin")


def test_a_name_that_leaves_the_folder_is_refused(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blob:
        name, size = "skin/../../outside", 1

    monkeypatch.setattr(Bucket, "_list", lambda *_, **__: [Blob()])
    with pytest.raises(FetchError, match=r"unsafe file name: '\.\./\.\./outside'"):
        Bucket("gs://course").download_folder("skin", tmp_path / "skin")


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda b, p: b.contents, r"There is no bucket gs://missing\. Check the spelling"),
        (lambda b, p: b.download("a", p), r"There is no bucket gs://missing"),
        (lambda b, p: b.download_folder("a", p), r"There is no bucket gs://missing"),
    ],
)
def test_a_missing_bucket_is_named(ask: Any, complaint: str, put: Put, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=complaint):
        ask(Bucket("gs://missing/data"), tmp_path / "file")


def test_a_missing_file_is_not_a_missing_bucket(put: Put, tmp_path: Path) -> None:
    put("course/other", b"1")
    with pytest.raises(FetchError, match=r"Bucket gs://course holds no 'a\.npz'\. Ask its owner"):
        Bucket("gs://course").download("a.npz", tmp_path / "a.npz")
    with pytest.raises(FetchError, match="holds no folder 'skin'"):
        Bucket("gs://course").download_folder("skin", tmp_path / "skin")


def test_a_public_bucket_is_read_without_credentials(put: Put, no_credentials: None, tmp_path: Path) -> None:
    put("course/a", b"public")
    public = Bucket("gs://course")
    public.download("a", tmp_path / "a")
    assert public.anonymous
    assert (tmp_path / "a").read_bytes() == b"public"


def test_a_forbidden_bucket_names_the_role_to_ask_for(
    refusing: Callable[[int], None], tmp_path: Path
) -> None:
    refusing(403)
    with pytest.raises(FetchError, match=r"refuses access to your account\. .*roles/storage\.objectViewer"):
        Bucket("gs://course").download("a", tmp_path / "a")


@pytest.mark.parametrize("status", [401, 403])
def test_without_credentials_a_private_bucket_asks_to_sign_in(
    status: int, refusing: Callable[[int], None], no_credentials: None, tmp_path: Path
) -> None:
    refusing(status)
    with pytest.raises(FetchError, match=r"no credentials on this machine\. Sign in with: gcloud auth"):
        Bucket("gs://course").download("a", tmp_path / "a")


def test_no_network_is_said_after_a_short_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    monkeypatch.setattr(bucket, "PATIENCE_S", 0.5)
    with pytest.raises(FetchError, match=r"No answer from the bucket gs://course\. Check the network"):
        Bucket("gs://course").download("a", tmp_path / "a")


@pytest.mark.parametrize(
    ("raised", "kind", "complaint"),
    [
        (auth.RefreshError("expired"), FetchError, "The saved sign-in no longer works"),
        (auth.TransportError("down"), FetchError, "No answer from the bucket"),
        (api.ServiceUnavailable("down"), FetchError, "No answer from the bucket"),
        (DataCorruption(None, "crc"), ChecksumError, "was damaged on the way"),
    ],
)
def test_what_the_library_raises_becomes_one_sentence(
    raised: Exception,
    kind: type[TeachkitError],
    complaint: str,
    put: Put,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    put("course/a", b"1")
    monkeypatch.setattr("google.cloud.storage.Bucket.get_blob", fail)
    with pytest.raises(kind, match=complaint) as caught:
        Bucket("gs://course").download("a", tmp_path / "a")
    assert caught.value.remedy


def test_without_the_extra_the_pip_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    with pytest.raises(MissingExtraError, match=r'pip install "teachkit\[cloud\]"'):
        Bucket("gs://course").download("a", tmp_path / "a")
