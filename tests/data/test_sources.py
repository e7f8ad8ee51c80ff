"""Exactly one source is in force, it never falls through, and it says what was read."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachkit import data
from teachkit.data import sources
from teachkit.errors import ChecksumError, DataError, SettingsError, UnknownNameError


@pytest.mark.parametrize(
    ("variables", "label"),
    [
        ({}, "public hosts"),
        ({"TEACHKIT_OFFLINE": "1"}, "TEACHKIT_OFFLINE=1 (embedded sets only)"),
        ({"TEACHKIT_OFFLINE": "0"}, "public hosts"),
        ({"TEACHKIT_BUCKET": "gs://course/data/"}, "bucket gs://course/data"),
        ({"TEACHKIT_DATA": "/"}, "folder /"),
    ],
)
def test_the_environment_chooses(
    variables: dict[str, str], label: str, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert sources.current().label == label


@pytest.mark.parametrize("name", ["tiny", "ihc_patches"])
def test_two_sources_at_once_are_refused(name: str, offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHKIT_DATA", "/")
    with pytest.raises(
        SettingsError, match=r"TEACHKIT_OFFLINE and TEACHKIT_DATA are set at once.*unset TEACHKIT_DATA"
    ):
        data.load(name)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("TEACHKIT_DATA", "/no/such/folder", "'/no/such/folder', which is not a folder"),
        ("TEACHKIT_OFFLINE", "yes", "TEACHKIT_OFFLINE='yes' makes no sense"),
        ("TEACHKIT_BUCKET", "course-data", "'course-data' is not the address of a bucket.*gs://BUCKET"),
    ],
)
def test_a_wrong_setting_is_named(
    name: str, value: str, complaint: str, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=complaint):
        sources.current()


def test_offline_answers_for_embedded_sets_only(offline: Path) -> None:
    assert data.load("ihc_patches", "test").info.source == "embedded"
    with pytest.raises(DataError, match=r"'pneumoniamnist\.npz' cannot be had while TEACHKIT_OFFLINE=1"):
        data.load("pneumoniamnist")


@pytest.mark.parametrize("variable", ["TEACHKIT_DATA", "TEACHKIT_BUCKET", None])
def test_embedded_sets_answer_under_every_setting(
    variable: str | None, isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv(variable, str(tmp_path) if variable == "TEACHKIT_DATA" else "gs://nowhere")
    assert data.load("ihc_patches", "test").info.source == "embedded"


@pytest.fixture
def folder(isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in force as TEACHKIT_DATA."""
    path = tmp_path / "shelf"
    path.mkdir()
    monkeypatch.setenv("TEACHKIT_DATA", str(path))
    return path


def test_a_folder_is_searched_with_its_direct_subfolders(
    folder: Path, host: Any, listed: Any, tiny: bytes
) -> None:
    listed(host.url)
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "deep" / "deeper" / "tiny.npz").write_bytes(tiny)
    with pytest.raises(DataError, match=r"No 'tiny\.npz' in folder .*shelf or its direct subfolders"):
        data.load("tiny")
    (folder / "deep" / "tiny.npz").write_bytes(tiny)
    assert data.load("tiny").info.source == f"folder {folder / 'deep'}"
    assert host.asked == []  # it never fell through to the public host


def test_several_folders_are_searched_in_order(
    folder: Path, listed: Any, tiny: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listed("http://127.0.0.1:9")
    other = tmp_path / "other"
    other.mkdir()
    (other / "tiny.npz").write_bytes(tiny)
    monkeypatch.setenv("TEACHKIT_DATA", os.pathsep.join([str(folder), str(other)]))
    assert data.load("tiny").info.source == f"folder {other}"
    (folder / "tiny.npz").write_bytes(tiny)
    assert data.load("tiny").info.source == f"folder {folder}"


def test_a_file_of_the_user_with_another_hash_is_refused_untouched(
    folder: Path, listed: Any, tiny: bytes
) -> None:
    listed("http://127.0.0.1:9")
    file = folder / "tiny.npz"
    file.write_bytes(tiny + b"?")
    before = file.stat()
    with pytest.raises(ChecksumError, match="It was left untouched") as caught:
        data.load("tiny")
    for digest in (caught.value.values["expected"], caught.value.values["actual"]):
        assert str(digest) in str(caught.value)
    assert file.read_bytes() == tiny + b"?"
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in folder.iterdir()] == ["tiny.npz"]


def test_a_file_that_nobody_registered_is_loaded_by_its_name(
    folder: Path, save_npz: Callable[..., Path]
) -> None:
    shutil.copy(save_npz("mine"), folder)
    split = data.load("mine", "val")
    assert (split.info.task, split.info.classes, split.info.licence) == ("binary", ("0", "1"), "not stated")
    assert not split.info.commercial
    assert data.load("mine", "val", size=28).size == 28
    with pytest.raises(SettingsError, match="does not come in size 64"):
        data.load("mine", size=64)


def test_a_wrong_name_is_compared_with_the_files_too(folder: Path, save_npz: Callable[..., Path]) -> None:
    shutil.copy(save_npz("biopsies"), folder)
    with pytest.raises(UnknownNameError, match="Did you mean 'biopsies'"):
        data.load("biopsie")


def test_a_registered_folder_answers_under_every_setting(
    offline: Path, save_npz: Callable[..., Path]
) -> None:
    file = save_npz("mine")
    sources.register("mine", file.parent)
    split = data.load("mine", "test")
    assert split.info.source == f"folder {file.parent}"
    with np.load(file) as arrays:
        assert np.array_equal(split.images, arrays["test_images"])  # type: ignore[arg-type]


def test_weights_come_from_the_source_in_force(
    folder: Path, listed: Any, host: Any, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(host.url)
    assert data.weights_path("resnet18") is None
    (folder / "weights").mkdir()
    file = folder / "weights" / "resnet18.pth"
    file.write_bytes(tiny)
    assert data.weights_path("resnet18") == file
    file.write_bytes(b"other weights")
    with pytest.raises(ChecksumError, match="left untouched"):
        data.weights_path("resnet18")
    monkeypatch.delenv("TEACHKIT_DATA")
    fetched = data.weights_path("resnet18")
    assert fetched is not None
    assert fetched.read_bytes() == tiny
    monkeypatch.setenv("TEACHKIT_OFFLINE", "1")
    assert data.weights_path("resnet18") is None


def test_the_first_available_set_is_chosen_without_a_transfer(
    folder: Path, listed: Any, host: Any, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(host.url)
    assert data.first_available(["tiny", "ihc_patches"]) == "ihc_patches"
    with pytest.raises(DataError, match="None of tiny is available at size 28 from folder"):
        data.first_available(["tiny"])
    (folder / "tiny.npz").write_bytes(tiny)
    assert data.first_available(["tiny", "ihc_patches"]) == "tiny"
    monkeypatch.delenv("TEACHKIT_DATA")
    assert data.first_available(["tiny", "ihc_patches"]) == "tiny"
    assert host.asked == []
    with pytest.raises(UnknownNameError, match="Did you mean 'tiny'"):
        data.first_available(["tini"])
