"""TEACHKIT_BUCKET in force: sets, folders and weights come from there and from nowhere else."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from PIL import Image

from teachkit import data
from teachkit.errors import ChecksumError, DataError, FetchError


@pytest.fixture
def put(
    storage_server: str, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """`put("name", content)` uploads into gs://course/data, which is the source in force."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    monkeypatch.setenv("TEACHKIT_BUCKET", "gs://course/data")
    client = storage.Client(project="test", credentials=AnonymousCredentials())
    bucket = client.create_bucket("course")

    def upload(name: str, content: bytes, prefix: str = "data/") -> None:
        bucket.blob(prefix + name).upload_from_string(content)

    yield upload
    bucket.delete(force=True)


def test_a_set_is_fetched_once_and_says_its_bucket(
    put: Any, listed: Any, tiny: bytes, isolated: Path
) -> None:
    listed("http://127.0.0.1:9")
    put("tiny.npz", tiny)
    split = data.load("tiny", "test")
    assert split.info.source == "bucket gs://course/data"
    assert (isolated / "buckets" / "course" / "data" / "tiny.npz").read_bytes() == tiny
    storage.Client(project="test").bucket("course").blob("data/tiny.npz").delete()
    assert np.array_equal(data.load("tiny", "test").labels, split.labels)


def test_a_bucket_never_falls_through_to_the_public_host(put: Any, listed: Any, host: Any) -> None:
    listed(host.url)
    put("other", b"1")
    with pytest.raises(FetchError, match=r"Bucket gs://course/data holds no 'tiny\.npz'"):
        data.load("tiny")
    assert data.weights_path("resnet18") is None
    assert data.first_available(["tiny", "ihc_patches"]) == "ihc_patches"
    assert host.asked == []


def test_a_wrong_file_in_the_bucket_is_refused_and_not_kept(
    put: Any, listed: Any, tiny: bytes, isolated: Path
) -> None:
    listed("http://127.0.0.1:9")
    put("tiny.npz", tiny + b"?")
    with pytest.raises(ChecksumError, match=r"The download of tiny\.npz has md5"):
        data.load("tiny")
    kept = [path.name for path in (isolated / "buckets").rglob("*") if path.is_file()]
    assert [name for name in kept if not name.endswith(".lock")] == []


def test_weights_come_from_the_bucket(put: Any, listed: Any, tiny: bytes) -> None:
    listed("http://127.0.0.1:9")
    put("resnet18.pth", tiny)
    path = data.weights_path("resnet18")
    assert path is not None
    assert path.read_bytes() == tiny


def test_the_catalogue_gives_the_lengths_in_the_bucket(put: Any, listed: Any, tiny: bytes) -> None:
    listed("http://127.0.0.1:9")
    put("tiny.npz", tiny)
    rows = {row.size: (row.state, row.bytes) for row in data.catalogue() if row.entry.name == "tiny"}
    assert rows == {28: ("to fetch", len(tiny)), 64: ("not in this source", None)}


def tiff(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "TIFF")
    return buffer.getvalue()


def test_skin_sections_come_as_a_folder(put: Any) -> None:
    for split in ("training", "validation", "testing"):
        put(f"segmentation_data_small/{split}/images/a.tif", tiff(np.zeros((4, 4, 3), np.uint8)))
        put(f"segmentation_data_small/{split}/masks/a.tif", tiff(np.full((4, 4), 180, np.uint8)))
    assert data.first_available(["skin", "ihc_masks"]) == "skin"
    split = data.load("skin", "test")
    assert split.info.source == "bucket gs://course/data"
    assert np.all(np.asarray(split.masks) == split.info.classes.index("hair"))


def test_a_public_bucket_is_one_of_the_public_hosts(
    storage_server: str, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    with pytest.raises(FetchError, match="There is no bucket gs://nigms-sandbox"):
        data.load("skin")
    bucket = storage.Client(project="test").create_bucket("nigms-sandbox")
    for split in ("training", "validation", "testing"):
        base = f"nosi-uams-alml/segmentation_data_small/{split}"
        bucket.blob(f"{base}/images/a.tif").upload_from_string(tiff(np.zeros((4, 4, 3), np.uint8)))
        bucket.blob(f"{base}/masks/a.tif").upload_from_string(tiff(np.full((4, 4), 36, np.uint8)))
    assert data.load("skin").info.source == "public bucket gs://nigms-sandbox/nosi-uams-alml"


def test_nothing_at_all_in_the_bucket_is_a_choice_of_other_sources(put: Any) -> None:
    with pytest.raises(DataError, match=r"None of pathmnist is available .* bucket gs://course/data"):
        data.first_available(["pathmnist"])
