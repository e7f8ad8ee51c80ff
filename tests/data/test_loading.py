"""The official files, and the arguments of load."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from medmnist.info import INFO

from teachkit import data
from teachkit.errors import SettingsError, UnknownNameError

OFFICIAL = {
    "breastmnist": ("750601b1f35ba3300ea97c75c52ff8f6", (28, 28)),
    "pneumoniamnist": ("28209eda62fecd6e6a2d98b1501bb15f", (28, 28)),
    "retinamnist": ("bd4c0672f1bba3e3a89f0e4e876791e4", (28, 28, 3)),
}


@pytest.fixture
def official(isolated: Path, real_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    return real_data


@pytest.mark.real_data
@pytest.mark.parametrize("name", OFFICIAL)
def test_official_files_give_the_published_counts_and_pixels(name: str, official: Path) -> None:
    md5, shape = OFFICIAL[name]
    file = official / "medmnist" / f"{name}.npz"
    assert hashlib.md5(file.read_bytes()).hexdigest() == md5 == INFO[name]["MD5"]
    with np.load(file) as arrays:
        for split, count in INFO[name]["n_samples"].items():
            loaded = data.load(name, split)
            assert loaded.images is not None
            assert loaded.images.shape == (count, *shape)  # type: ignore[union-attr]
            assert np.array_equal(loaded.images, arrays[f"{split}_images"])  # type: ignore[arg-type]
            assert np.array_equal(loaded.labels, arrays[f"{split}_labels"])
            assert loaded.info.source == f"folder {file.parent}"


@pytest.mark.real_data
def test_folders_of_digits_and_nuclei_load_by_name(official: Path) -> None:
    digits = data.load("mnist_t10k", "val")
    assert digits.title == "MNIST (10,000 test digits), 28×28, val (n = 1,000)"
    nuclei = data.load("nuclei", "test")
    assert nuclei.masks is not None
    assert nuclei.images is not None
    assert [mask.shape for mask in nuclei.masks] == [image.shape[:2] for image in nuclei.images]
    assert nuclei.info.task == "segmentation"


@pytest.mark.real_data
def test_lesson_one_finds_its_second_choice_here(official: Path) -> None:
    assert data.first_available(["pathmnist", "pneumoniamnist", "ihc_patches"]) == "pneumoniamnist"


def test_what_the_source_cannot_serve_is_left_out(offline: Path) -> None:
    assert data.available(["pathmnist", "digits", "mnist_t10k", "ihc_patches"]) == ("digits", "ihc_patches")


def test_an_unknown_split_is_answered_with_the_known_ones(offline: Path) -> None:
    with pytest.raises(SettingsError, match=r"No split is called 'valid'\. Use one of train, val, test"):
        data.load("ihc_patches", "valid")


def test_an_unknown_name_is_answered_with_the_nearest(offline: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'ihc_patches'"):
        data.load("ihc_patch")


def test_an_unknown_size_is_answered_with_the_known_ones(offline: Path) -> None:
    with pytest.raises(SettingsError, match="Known sizes: 28"):
        data.load("digits", size=37)


@pytest.mark.parametrize("name", ["ihc_patches", "digits", "wisconsin"])
def test_embedded_sets_load_by_name(name: str, offline: Path) -> None:
    counts = {split: len(data.load(name, split)) for split in data.SPLITS}
    assert counts["train"] > counts["test"] > 0


def test_loading_needs_neither_torch_nor_medmnist(offline: Path) -> None:
    code = (
        "import sys; from teachkit import data; data.load('digits', 'test');"
        "print([name for name in ('torch', 'medmnist', 'google.auth', 'pooch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    imported = subprocess.run(
        [sys.executable, "-c", code.replace("import sys;", "import sys, pooch;")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert imported.stdout.strip() == "['pooch']", "this test cannot fail"
