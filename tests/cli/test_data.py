"""`teachkit data`: one call into the room, printed for people."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from teachkit.cli.data import app

run = CliRunner().invoke


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_list_says_source_here_fetch_licence_and_rules(isolated: Path) -> None:
    shown = run(app, ["list"]).output
    assert "Source in force: public hosts" in shown
    assert re.search(r"ihc_patches +binary +28 \(embedded\)", shown)
    assert re.search(r"pneumoniamnist +binary +– +28 \(4\.0 MiB\), 64 \(≤ 22\.9 MiB\)", shown)
    assert "CC BY-NC 4.0 (non-commercial)" in shown
    assert "  ihc_patches: 1 (crowded) when nuclei cover more than" in shown


@pytest.mark.real_data
def test_list_get_and_verify_on_official_files(
    isolated: Path, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    shown = run(app, ["list"]).output
    assert re.search(r"pneumoniamnist +binary +28 \(4\.0 MiB\) +– +CC BY 4\.0", shown)
    got = run(app, ["get", "breastmnist", "digits"]).output
    assert f"breastmnist: {real_data / 'medmnist' / 'breastmnist.npz'}" in got
    assert "digits: embedded, nothing to fetch" in got
    checked = run(app, ["verify"])
    assert checked.exit_code == 0
    assert "5 of 5 files with a checksum agree" in checked.output


def test_verify_fails_on_a_damaged_file(
    isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "breastmnist.npz").write_bytes(b"not it")
    monkeypatch.setenv("TEACHKIT_DATA", str(folder))
    checked = run(app, ["verify", "breastmnist"])
    assert checked.exit_code == 1
    assert "DAMAGED" in checked.output
    assert "teachkit data get NAME" in checked.output


def test_pictures_become_a_set_and_its_splits_are_audited(offline: Path, tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 10, 8, 8), np.uint8)
    for group, kind in zip(pictures, ("healthy", "ill"), strict=True):
        (tmp_path / "scans" / kind).mkdir(parents=True)
        for number, picture in enumerate(group):
            Image.fromarray(picture).save(tmp_path / "scans" / kind / f"{number}.png")
    made = run(app, ["import", str(tmp_path / "scans"), "--positive", "ill", "--out", str(tmp_path / "out")])
    assert made.exit_code == 0, made.output
    assert "Load it with data.load('scans')" in made.output
    audited = run(app, ["audit", "scans"])
    assert audited.exit_code == 0, audited.output
    assert "scans" in audited.output
