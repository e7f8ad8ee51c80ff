"""Bars show bytes and rate to somebody who looks, and nothing to anybody else."""

import sys
import time
from pathlib import Path

import pytest

from teachkit.cloud import progress


def somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEACHKIT_HEADLESS", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def test_a_terminal_sees_bytes_and_rate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    somebody_looks(monkeypatch)
    with progress.byte_bar("file.npz", 2 * 2**20) as bar:
        bar.update(2**20)
        bar.refresh()
    shown = capsys.readouterr().err
    assert "file.npz" in shown
    assert "1.00M/2.00M" in shown
    assert "B/s" in shown


def test_growth_of_a_file_and_of_a_folder_is_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    somebody_looks(monkeypatch)
    (tmp_path / "folder").mkdir()
    for path, file in (
        (tmp_path / "one", tmp_path / "one"),
        (tmp_path / "folder", tmp_path / "folder" / "two"),
    ):
        with progress.watching(path, path.name, 8192):
            file.write_bytes(b"x" * 8192)
            time.sleep(0.3)
    shown = capsys.readouterr().err
    assert shown.count("8.00k/8.00k") >= 2


@pytest.mark.parametrize("why", ["no terminal", "TEACHKIT_HEADLESS"])
def test_nobody_looking_means_silence(
    why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if why == "TEACHKIT_HEADLESS":
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        monkeypatch.setenv("TEACHKIT_HEADLESS", "1")
    with progress.byte_bar("file", 10) as bar:
        bar.update(10)
    with progress.watching(tmp_path / "file", "file", 10):
        (tmp_path / "file").write_bytes(b"x" * 10)
    assert capsys.readouterr().err == ""
