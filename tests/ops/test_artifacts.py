"""The last build step uploads everything and then fails if anything failed."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from teachkit.errors import FetchError, SettingsError
from teachkit.ops import artifacts


@pytest.fixture
def bucket(storage_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[storage.Bucket]:
    """An empty bucket on a storage server of this machine."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    client = storage.Client(project="test", credentials=AnonymousCredentials())
    made = client.create_bucket("results")
    yield made
    made.delete(force=True)


@pytest.fixture
def course(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of this course's declaration as working directory; nothing in it was run."""
    (tmp_path / "notebooks").mkdir()
    shutil.copyfile(root / "notebooks" / "course.toml", tmp_path / "notebooks" / "course.toml")
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(bucket: storage.Bucket) -> set[str]:
    return {blob.name for blob in bucket.list_blobs()}


def test_every_file_arrives_below_prefix_and_run(bucket: storage.Bucket, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("one")
    (tmp_path / "y.txt").write_text("two")
    assert artifacts.upload(tmp_path, "gs://results/ci", "run7") == 2
    assert names(bucket) == {"ci/run7/a/x.txt", "ci/run7/y.txt"}
    assert bucket.blob("ci/run7/a/x.txt").download_as_bytes() == b"one"


def test_an_upload_that_fails_names_the_file(bucket: storage.Bucket, tmp_path: Path) -> None:
    (tmp_path / "y.txt").write_text("two")
    with pytest.raises(FetchError, match=r"y\.txt could not be written to gs://nowhere"):
        artifacts.upload(tmp_path, "gs://nowhere", "run7")


def test_an_address_that_is_no_bucket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="gs://BUCKET"):
        artifacts.upload(tmp_path, "results", "run7")


def test_failed_steps_and_lessons_fail_the_build_after_the_upload(
    bucket: storage.Bucket, course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (course / "build" / "check.passed").touch()
    monkeypatch.setattr("sys.argv", ["artifacts", "build", "gs://results", "run8", "check", "tests"])
    assert artifacts.main() == 1
    said = capsys.readouterr().err
    assert "Lesson 00 has not been run" in said
    assert "The step 'tests' failed" in said
    assert "'check'" not in said
    assert "run8/report/index.html" in names(bucket)


def test_the_marker_of_a_step_is_left_only_by_success(tmp_path: Path) -> None:
    from teachkit.ops.cloudbuild import _marked

    for command, passed in (("true", True), ("false", False)):
        done = subprocess.run(_marked(command, command), cwd=tmp_path, check=False)
        assert (done.returncode == 0) is passed
        assert (tmp_path / "build" / f"{command}.passed").exists() is passed
